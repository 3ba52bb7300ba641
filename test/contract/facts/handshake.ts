import { request } from 'node:http'
import { request as requestTls } from 'node:https'
import { type Fact, shapeOf } from '../fact.ts'
import { type Target, newName } from '../target.ts'

type Event = Record<string, unknown> & {
  readonly headers: Readonly<Record<string, string>>
  readonly requestContext: Readonly<Record<string, unknown>>
}

async function connectEvent(
  target: Target,
  query: Record<string, string> = {},
  options: Parameters<Target['connect']>[2] = {},
): Promise<Event> {
  const probe = newName()
  await target.connect('probe', { probe, ...query }, options).handshake
  const [event] = await target.observed(probe)
  return event as Event
}

function plainGet(url: string): Promise<number> {
  const send = url.startsWith('wss:') ? requestTls : request
  return new Promise((resolve, reject) => {
    send(url.replace(/^ws/, 'http'), (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}

const reply = (statusCode: number, more: object = {}) => ({ reply: { statusCode, ...more } })
const guarded = (token?: string) => async (target: Target) =>
  (await target.connect('guarded', token === undefined ? {} : { token }).handshake).status

const accepts = [200, 201, 204, 299].map((status): Fact => ({
  fact: `$connect that answers ${status} opens the line`,
  source: status <= 201 ? 'recorded' : 'documented',
  expected: 101,
  observe: (target) => target.handshake(reply(status)),
}))

const refuses = [301, 400, 401, 403, 404, 429, 500, 501].map((status): Fact => ({
  fact: `$connect that answers ${status} refuses the handshake with ${status}`,
  source: [301, 400, 401, 501].includes(status) ? 'recorded' : 'inferred',
  expected: status,
  observe: (target) => target.handshake(reply(status)),
}))

export const handshake: readonly Fact[] = [
  ...accepts,
  ...refuses,
  {
    fact: '$connect that throws refuses the handshake with 502',
    source: 'recorded',
    expected: 502,
    observe: (target) => target.handshake({ throw: 'no' }),
  },
  {
    fact: '$connect whose reply has an unknown key refuses the handshake with 502',
    source: 'inferred',
    expected: 502,
    observe: (target) => target.handshake(reply(200, { Data: 'x' })),
  },
  {
    fact: '$connect whose reply is no object refuses the handshake with 502',
    source: 'inferred',
    expected: 502,
    observe: (target) => target.handshake({ reply: 'yes' }),
  },
  {
    fact: '$connect that answers {} opens the line',
    source: 'inferred',
    expected: 101,
    observe: (target) => target.handshake({ reply: {} }),
  },
  {
    fact: '$connect slower than its integration timeout refuses the handshake with 504',
    source: 'chosen',
    expected: 504,
    observe: async (target) => (await target.connect('hasty', { do: '{"sleep":3000}' }).handshake).status,
  },
  {
    fact: 'an API with no $connect route accepts everybody',
    source: 'documented',
    expected: 101,
    observe: async (target) => (await target.connect('composed').handshake).status,
  },
  {
    fact: 'a plain GET on the endpoint is answered with 426',
    source: 'reported',
    expected: 426,
    observe: (target) => plainGet(target.urls.probe),
  },
  {
    fact: 'a stage that is not there refuses the handshake with 403',
    source: 'inferred',
    expected: 403,
    observe: (target) => plainGet(target.urls.probe.replace(/[^/]+$/, 'elsewhere')),
  },
  {
    fact: 'the $connect event has these keys in this order',
    source: 'recorded',
    expected: [
      'headers',
      'multiValueHeaders',
      'queryStringParameters',
      'multiValueQueryStringParameters',
      'requestContext',
      'isBase64Encoded',
    ],
    observe: async (target) => Object.keys(await connectEvent(target)),
  },
  {
    fact: 'the request context of a $connect event is this',
    source: 'recorded',
    expected: {
      routeKey: '$connect',
      eventType: 'CONNECT',
      extendedRequestId: '<id>',
      requestTime: '<time>',
      messageDirection: 'IN',
      stage: 'contract',
      connectedAt: '<ms>',
      requestTimeEpoch: '<ms>',
      identity: { userAgent: 'contract', sourceIp: '<ip>' },
      requestId: '<id>',
      domainName: '<host>',
      connectionId: '<id>',
      apiId: '<api>',
    },
    observe: async (target) => {
      const event = await connectEvent(target, {}, { headers: { 'User-Agent': 'contract' } })
      return shapeOf(event.requestContext)
    },
  },
  {
    fact: 'the headers of a $connect event are those of the wire less Connection, Upgrade and content-length, and four more',
    source: 'recorded',
    expected: {
      Host: '<host>',
      'Sec-WebSocket-Key': '<key>',
      'Sec-WebSocket-Version': '13',
      'X-Amzn-Trace-Id': '<trace>',
      'X-Forwarded-For': '<ip>',
      'X-Forwarded-Port': '443',
      'X-Forwarded-Proto': 'https',
      'X-Own': 'mine',
    },
    observe: async (target) => {
      const options = { headers: { 'X-Own': 'mine' }, perMessageDeflate: false }
      const { headers } = await connectEvent(target, {}, options)
      return shapeOf(Object.fromEntries(Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1))))
    },
  },
  {
    fact: 'the query of a handshake has its last value in one map and all of them in the other',
    source: 'inferred',
    expected: [{ a: '2' }, { a: ['1', '2'] }],
    observe: async (target) => {
      const probe = newName()
      const { urls } = target
      await target.connectTo(`${urls.probe}?probe=${probe}&a=1&a=2`).handshake
      const [event = {}] = await target.observed(probe)
      return ['queryStringParameters', 'multiValueQueryStringParameters'].map((key) => {
        const { probe: _, ...rest } = event[key] as Record<string, unknown>
        return rest
      })
    },
  },
  {
    fact: 'requestId and extendedRequestId are the same',
    source: 'recorded',
    expected: true,
    observe: async (target) => {
      const { requestContext } = await connectEvent(target)
      return requestContext['requestId'] === requestContext['extendedRequestId']
    },
  },
  {
    fact: 'byte 8 of a connection id is 2, of a request id 5',
    source: 'recorded',
    expected: [2, 5],
    observe: async (target) => {
      const { requestContext } = await connectEvent(target)
      return ['connectionId', 'requestId'].map(
        (key) => Buffer.from(String(requestContext[key]), 'base64url')[8],
      )
    },
  },
  {
    fact: 'what $connect returns as Sec-WebSocket-Protocol is in the 101',
    source: 'documented',
    expected: 'b',
    observe: async (target) => {
      const told = JSON.stringify(reply(200, { headers: { 'Sec-WebSocket-Protocol': 'b' } }))
      const { headers } = await target.connect('probe', { do: told }, { offers: ['a', 'b'] }).handshake
      return headers['sec-websocket-protocol']
    },
  },
  {
    fact: 'a subprotocol that $connect does not return is not in the 101',
    source: 'reported',
    expected: null,
    observe: async (target) => {
      const { headers } = await target.connect('probe', {}, { offers: ['a'] }).handshake
      return headers['sec-websocket-protocol'] ?? null
    },
  },
  {
    fact: 'offered subprotocols reach $connect as one list with commas',
    source: 'documented',
    expected: 'a,b',
    observe: async (target) => {
      const { headers } = await connectEvent(target, {}, { offers: ['a', 'b'] })
      return headers['Sec-WebSocket-Protocol']?.replace(/\s/g, '')
    },
  },
  {
    fact: 'permessage-deflate is negotiated',
    source: 'recorded',
    expected: 'permessage-deflate',
    observe: async (target) => {
      const { headers } = await target.connect('probe').handshake
      return headers['sec-websocket-extensions']?.split(';')[0]
    },
  },
  {
    fact: 'a post to its own connection from inside $connect gets 410',
    source: 'documented',
    expected: 410,
    // The answer is the body of a refusal, which nobody sees: the status of the post decides the handshake's.
    observe: (target) => target.handshake({ post: true }),
  },
  {
    fact: 'a connection that the authorizer allows is open',
    source: 'documented',
    expected: 101,
    observe: guarded('allow'),
  },
  {
    fact: 'a policy that allows the stage’s ARN with /* opens the line',
    source: 'reported',
    expected: 101,
    observe: guarded('allow-stage'),
  },
  {
    fact: 'a policy that allows /*/* below the stage, as for REST APIs, refuses with 403',
    source: 'reported',
    expected: 403,
    observe: guarded('allow-like-rest'),
  },
  {
    fact: 'an authorizer that denies refuses with 403',
    source: 'documented',
    expected: 403,
    observe: guarded('deny'),
  },
  {
    fact: 'a missing identity source refuses with 401',
    source: 'documented',
    expected: 401,
    observe: guarded(),
  },
  {
    fact: 'an authorizer that throws Unauthorized refuses with 401',
    source: 'documented',
    expected: 401,
    observe: guarded('unauthorized'),
  },
  {
    fact: 'an authorizer that throws anything else refuses with 500',
    source: 'reported',
    expected: 500,
    observe: guarded('broken'),
  },
  {
    fact: 'an authorizer that answers with no policy refuses with 500',
    source: 'reported',
    expected: 500,
    observe: guarded('malformed'),
  },
  {
    fact: 'the event of an authorizer has these keys in this order',
    source: 'documented',
    expected: [
      'type',
      'methodArn',
      'headers',
      'multiValueHeaders',
      'queryStringParameters',
      'multiValueQueryStringParameters',
      'stageVariables',
      'requestContext',
    ],
    observe: async (target) => Object.keys((await authorizerEvent(target)) ?? {}),
  },
  {
    fact: 'an authorizer sees the headers of the hop too',
    source: 'documented',
    expected: { Connection: 'upgrade', Upgrade: 'websocket', 'content-length': '0' },
    observe: async (target) => {
      const headers = (await authorizerEvent(target))?.['headers'] as Record<string, string>
      const { Connection, Upgrade, 'content-length': length } = headers
      return { Connection: Connection?.toLowerCase(), Upgrade, 'content-length': length }
    },
  },
  {
    fact: 'the ARN that an authorizer is asked about ends in the stage and $connect',
    source: 'documented',
    expected: '<method ARN>',
    observe: async (target) => shapeOf((await authorizerEvent(target))?.['methodArn'], 'methodArn'),
  },
  {
    fact: 'what an authorizer says is in every later event, as text',
    source: 'recorded',
    expected: { admin: 'true', integrationLatency: '<ms>', level: '3', principalId: 'user-42', tenant: 't1' },
    observe: async (target) => {
      const line = await target.connect('guarded', { token: 'allow' }).open()
      const event = (await line.ask({ action: 'answer' })) as Event
      const said = event.requestContext['authorizer'] as Record<string, unknown>
      return shapeOf(Object.fromEntries(Object.entries(said).sort(([a], [b]) => (a < b ? -1 : 1))))
    },
  },
]

async function authorizerEvent(target: Target) {
  const probe = newName()
  await target.connect('guarded', { token: 'allow', probe }).handshake
  const events = await target.observed(probe, 2)
  return events.find((event) => event['type'] === 'REQUEST')
}
