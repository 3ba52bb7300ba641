import { type Fact, shapeOf } from '../fact.ts'
import type { Line } from '../line.ts'
import type { Target } from '../target.ts'

/** The `$disconnect` event of a line that is ended like this. */
async function disconnectEvent(target: Target, end: (line: Line, id: string) => unknown) {
  const { line, id } = await target.probe()
  await end(line, id)
  const events = await target.observed(id, 3) // $connect, the probe's own question, $disconnect
  return events.at(-1) as Record<string, unknown> & { requestContext: Record<string, unknown> }
}

const closing = (end: (line: Line, id: string) => unknown) => async (target: Target) => {
  const { requestContext } = await disconnectEvent(target, end)
  return [requestContext['disconnectStatusCode'], requestContext['disconnectReason']]
}

export const disconnect: readonly Fact[] = [
  {
    fact: 'the $disconnect event is this, its headers empty but for the host',
    source: 'recorded',
    expected: {
      headers: { Host: '<host>', 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' },
      multiValueHeaders: {
        Host: ['<host>'],
        'x-api-key': [''],
        'X-Forwarded-For': [''],
        'x-restapi': [''],
      },
      requestContext: {
        routeKey: '$disconnect',
        disconnectStatusCode: 1000,
        eventType: 'DISCONNECT',
        extendedRequestId: '<id>',
        requestTime: '<time>',
        messageDirection: 'IN',
        disconnectReason: 'done',
        stage: 'contract',
        connectedAt: '<ms>',
        requestTimeEpoch: '<ms>',
        identity: { sourceIp: '<ip>' },
        requestId: '<id>',
        domainName: '<host>',
        connectionId: '<id>',
        apiId: '<api>',
      },
      isBase64Encoded: false,
    },
    observe: async (target) =>
      shapeOf(await disconnectEvent(target, (line) => line.socket.close(1000, 'done'))),
  },
  {
    fact: 'a client’s own code and reason reach $disconnect',
    source: 'inferred',
    expected: [4001, 'bye'],
    observe: closing((line) => line.socket.close(4001, 'bye')),
  },
  {
    fact: 'a tab that closes is 1001 with no reason',
    source: 'recorded',
    expected: [1001, ''],
    observe: closing((line) => line.socket.close(1001)),
  },
  {
    fact: 'a close frame without a code is 1005, told in words',
    source: 'recorded',
    expected: [1005, 'Client-side close frame status not set'],
    observe: closing((line) => line.socket.close()),
  },
  {
    fact: 'a connection ended by DELETE is 1000, Connection Closed Normally',
    source: 'recorded',
    expected: [1000, 'Connection Closed Normally'],
    observe: (target) => closing((_line, id) => target.manage('DELETE', id))(target),
  },
  {
    fact: 'the client of a connection ended by DELETE sees 1000',
    source: 'recorded',
    expected: 1000,
    observe: async (target) => {
      const { line, id } = await target.probe()
      await target.manage('DELETE', id)
      return (await line.closed).code
    },
  },
]
