import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { METHOD_ARN, policy, startAuthorized, statement } from './authorizer-fixture.ts'
import { type Gateway, HANDSHAKE, ok, open, raw, start } from './fixture.ts'

function recorded(name: string): unknown {
  const url = new URL(`../../../fixtures/events/websocket-${name}.json`, import.meta.url)
  return (JSON.parse(readFileSync(url, 'utf8')) as { event: unknown }).event
}

/** What differs from one event to the next, made the same; order and everything else stays. */
const shape = (event: unknown) =>
  JSON.stringify(event, null, 2)
    .replace(/"[\w-]{15}="/g, '"(id)"')
    .replace(/Root=1-[0-9a-f]{8}-[0-9a-f]{24}/g, '(trace)')
    .replace(/"[A-Za-z0-9+/]{22}=="/g, '"(key)"')

const BROWSER = {
  headers: {
    origin: 'https://app.example.com',
    'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  },
  perMessageDeflate: true,
}

describe('an event has the recorded fields in the recorded order', () => {
  it('for the authorizer, $connect, a message and $disconnect', async () => {
    const gateway = await startAuthorized()
    gateway.authorize = () => ok(policy([statement(METHOD_ARN)], { context: { tenant: 't1' } }))
    const { head } = await raw(gateway.port, '/live?token=abc', {
      ...HANDSHAKE,
      Origin: BROWSER.headers.origin,
      'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
      'Sec-WebSocket-Protocol': 'tasks.v1, bearer.xyz',
      'User-Agent': BROWSER.headers['User-Agent'],
    })
    expect(head).toMatch(/101/)
    const { client } = await open(gateway, '/live', BROWSER)
    client.socket.send('{\r\n\t"action":"subscribe"}')
    await gateway.fn.saw('MESSAGE')
    client.socket.close()
    await client.closed
    const [connect] = gateway.fn.of('CONNECT')
    const [message] = gateway.fn.of('MESSAGE')
    const disconnect = gateway.fn
      .of('DISCONNECT')
      .find(({ requestContext }) => requestContext['disconnectStatusCode'] === 1005)
    expect(shape(gateway.asked[0])).toBe(shape(recorded('authorizer')))
    expect(shape(connect)).toBe(shape(recorded('connect')))
    expect(shape(message)).toBe(shape(recorded('message')))
    expect(shape(disconnect)).toBe(shape(recorded('disconnect')))
  })
})

describe('the CONNECT event', () => {
  it('has no query maps without a query, and no authorizer without one', async () => {
    const gateway = await start()
    await open(gateway)
    const event = await gateway.fn.saw('CONNECT')
    expect(Object.keys(event)).toEqual(['headers', 'multiValueHeaders', 'requestContext', 'isBase64Encoded'])
    expect(Object.keys(event.requestContext)).toEqual([
      'routeKey',
      'eventType',
      'extendedRequestId',
      'requestTime',
      'messageDirection',
      'stage',
      'connectedAt',
      'requestTimeEpoch',
      'identity',
      'requestId',
      'domainName',
      'connectionId',
      'apiId',
    ])
    expect(event.requestContext['identity']).toEqual({ sourceIp: '127.0.0.1' })
  })

  it('has the last of several values in one query map, and all of them in the other', async () => {
    const gateway = await start()
    await raw(gateway.port, '/live?a=1&b=x%20y+z&a=2&__proto__=p&c')
    const event = (await gateway.fn.saw('CONNECT')) as unknown as Record<string, unknown>
    expect(JSON.stringify(event['queryStringParameters'])).toBe(
      '{"a":"2","b":"x y z","__proto__":"p","c":""}',
    )
    expect(JSON.stringify(event['multiValueQueryStringParameters'])).toBe(
      '{"a":["1","2"],"b":["x y z"],"__proto__":["p"],"c":[""]}',
    )
  })

  it('has header names as they came, all values of each, and none of the hop', async () => {
    const gateway = await start()
    await raw(gateway.port, '/live', {
      ...HANDSHAKE,
      'x-lower': 'a',
      'X-UPPER': 'b',
      'X-Upper': 'c',
      __proto__x: 'd',
      'X-Forwarded-For': '198.51.100.7',
      Cookie: 'a=1; b=2',
    })
    const { headers, multiValueHeaders } = await gateway.fn.saw('CONNECT')
    expect(headers).toMatchObject({ 'x-lower': 'a', 'X-UPPER': 'c', Cookie: 'a=1; b=2' })
    expect(multiValueHeaders).toMatchObject({ 'X-UPPER': ['b', 'c'] })
    expect(headers?.['X-Forwarded-For']).toBe('198.51.100.7, 127.0.0.1')
    const names = Object.keys(headers ?? {}).map((name) => name.toLowerCase())
    expect(names).not.toEqual(expect.arrayContaining(['connection']))
    expect(names).not.toEqual(expect.arrayContaining(['upgrade']))
    expect(names).toEqual([...names].sort())
  })

  it.each(['CONNECT', 'MESSAGE', 'DISCONNECT'] as const)(
    'and every other has stage variables where the stage has any: %s',
    async (type) => {
      const gateway = await start({ stage: { StageVariables: { color: 'red' } } })
      await converse(gateway)
      expect(await gateway.fn.saw(type)).toMatchObject({ stageVariables: { color: 'red' } })
    },
  )

  it('and a message have ids of one shape, and of one moment', async () => {
    const gateway = await start()
    await converse(gateway)
    const { requestContext } = await gateway.fn.saw('MESSAGE')
    const bytesOf = (name: string) => Buffer.from(String(requestContext[name]), 'base64url')
    const [connection, message, request] = ['connectionId', 'messageId', 'requestId'].map(bytesOf)
    for (const id of ['connectionId', 'messageId', 'requestId'])
      expect(requestContext[id]).toMatch(/^[\w-]{15}=$/)
    expect(requestContext['extendedRequestId']).toBe(requestContext['requestId'])
    expect(connection?.length).toBe(11)
    expect(connection?.readUInt32BE(0)).toBe(Math.floor(gateway.clock.now() / 25) % 2 ** 32)
    expect([connection?.[4], message?.[4]].every((byte) => (byte ?? 0) >= 0xc0)).toBe(true)
    expect(request?.[4]).toBeLessThan(0x80)
    expect([connection?.[8], message?.[8], request?.[8]]).toEqual([0x02, 0x02, 0x05])
    expect(message?.subarray(6)).toEqual(connection?.subarray(6))
  })
})

/** One message, and a close. */
async function converse(gateway: Gateway) {
  const { client } = await open(gateway)
  client.socket.send('{}')
  await gateway.fn.saw('MESSAGE')
  client.socket.close()
  await gateway.fn.saw('DISCONNECT')
}
