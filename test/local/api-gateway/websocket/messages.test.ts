import { describe, expect, it } from 'vitest'
import { ok, open, start } from './fixture.ts'

const errorFrame = (message: string, connectionId: string) =>
  new RegExp(`^\\{"message": "${message}", "connectionId":"${connectionId}", "requestId":"[\\w-]{15}="\\}$`)

describe('a message', () => {
  it.each([
    ['{"action":"ask"}', 'ask'],
    ['{"action":"other"}', '$default'],
    ['{"action":"$connect"}', '$default'],
    ['{"action":"$disconnect"}', '$default'],
    ['{"action":{"a":1}}', '$default'],
    ['no JSON', '$default'],
  ])('%s goes to %s', async (body, routeKey) => {
    const gateway = await start({ routes: ['$connect', '$disconnect', '$default', 'ask'] })
    const { client, connectionId } = await open(gateway)
    client.socket.send(body)
    const event = await gateway.fn.saw('MESSAGE')
    expect(Object.keys(event)).toEqual(['requestContext', 'body', 'isBase64Encoded'])
    expect(event).toMatchObject({ body, requestContext: { routeKey, connectionId } })
  })

  it('that no route takes is answered with the Forbidden frame', async () => {
    const gateway = await start({ routes: ['$connect'] })
    const { client, connectionId } = await open(gateway)
    client.socket.send('{"action":"nothing"}')
    expect(await client.next()).toMatch(errorFrame('Forbidden', connectionId))
  })

  it.each([
    ['a function error', { payload: '{}', functionError: 'Unhandled' } as const],
    ['an unknown reply key', ok({ statusCode: 200, extra: 1 })],
  ])('is answered with the error frame on %s', async (_, result) => {
    const gateway = await start()
    const { client, connectionId } = await open(gateway)
    gateway.fn.answer = () => result
    client.socket.send('{}')
    expect(await client.next()).toMatch(errorFrame('Internal server error', connectionId))
  })

  it('beyond the rate of its route is answered with the frame "Too Many Requests", and the connection stays open', async () => {
    const throttle = { ThrottlingRateLimit: 1, ThrottlingBurstLimit: 1 }
    const gateway = await start({
      routes: ['$connect', 'ask', '$default'],
      stage: { RouteSettings: { ask: throttle } },
    })
    const { client, connectionId } = await open(gateway)
    gateway.fn.answer = () => ok({ body: 'answer' })
    client.socket.send('{"action":"ask"}')
    expect(await client.next()).toBe('answer')
    client.socket.send('{"action":"ask"}')
    expect(await client.next()).toMatch(errorFrame('Too Many Requests', connectionId))
    client.socket.send('{"action":"other"}')
    await gateway.fn.saw('MESSAGE', 2)
    gateway.clock.advance(1_000)
    client.socket.send('{"action":"ask"}')
    expect(await client.next()).toBe('answer')
  })

  it('to a stage whose settings leave out the two throttle values is answered with "Too Many Requests"', async () => {
    const throttle = { ThrottlingRateLimit: 10, ThrottlingBurstLimit: 10 }
    const gateway = await start({
      stage: {
        DefaultRouteSettings: { DetailedMetricsEnabled: true },
        RouteSettings: { $connect: throttle },
      },
    })
    const { client, connectionId } = await open(gateway)
    client.socket.send('{}')
    expect(await client.next()).toMatch(errorFrame('Too Many Requests', connectionId))
  })

  it('beyond the quota of the account is answered with "Too Many Requests"', async () => {
    let isFull = false
    const gateway = await start({}, { throttle: { take: () => !isFull } })
    const { client, connectionId } = await open(gateway)
    isFull = true
    client.socket.send('{}')
    expect(await client.next()).toMatch(errorFrame('Too Many Requests', connectionId))
  })

  it('is raw text to the function, byte for byte', async () => {
    const gateway = await start()
    const { client } = await open(gateway)
    const body = '{\r\n\t"action" : "é€" }\u0000'
    client.socket.send(body)
    expect((await gateway.fn.saw('MESSAGE')).body).toBe(body)
  })

  it('on a two-way route is answered with the body of the reply', async () => {
    const gateway = await start({ routes: ['$connect', 'ask'] })
    const { client } = await open(gateway)
    gateway.fn.answer = () => ok({ statusCode: 200, body: 'answer' })
    client.socket.send('{"action":"ask"}')
    expect(await client.next()).toBe('answer')
  })

  it('to a MOCK route is answered by its template', async () => {
    const gateway = await start({ routes: ['$connect', 'ping'] })
    const { client } = await open(gateway)
    client.socket.send('{"action":"ping"}')
    expect(await client.next()).toBe('{"action":"pong"}')
    expect(gateway.fn.of('MESSAGE')).toEqual([])
  })

  it('that is binary closes with 1003', async () => {
    const { client } = await open(await start())
    client.socket.send(Buffer.from('a'), { binary: true })
    expect(await client.closed).toMatchObject({ code: 1003 })
  })

  it('in a frame of 32,769 B closes with 1009', async () => {
    const { client } = await open(await start())
    client.socket.send('a'.repeat(32_769))
    expect(await client.closed).toMatchObject({ code: 1009 })
  })

  it.each([0, 1])('of 128 KB + %i B in fragments arrives, or closes with 1009', async (more) => {
    const gateway = await start()
    const { client } = await open(gateway)
    for (let i = 0; i < 4; i += 1) client.socket.send('a'.repeat(32_768), { fin: i === 3 && more === 0 })
    if (more > 0) client.socket.send('a', { fin: true })
    if (more === 0) expect((await gateway.fn.saw('MESSAGE')).body).toHaveLength(131_072)
    else expect(await client.closed).toMatchObject({ code: 1009 })
  })
})

describe('$disconnect', () => {
  it('says what the client closed with, exactly once, for its own connection', async () => {
    const gateway = await start()
    const first = await open(gateway)
    const second = await open(gateway)
    first.client.socket.close(4001, 'bye')
    const event = await gateway.fn.saw('DISCONNECT')
    expect(Object.keys(event)).toEqual(['headers', 'multiValueHeaders', 'requestContext', 'isBase64Encoded'])
    expect(event.requestContext).toMatchObject({
      connectionId: first.connectionId,
      disconnectStatusCode: 4001,
      disconnectReason: 'bye',
    })
    expect(gateway.fn.of('DISCONNECT')).toHaveLength(1)
    await gateway.api.close()
    await gateway.fn.saw('DISCONNECT', 2)
    const ids = gateway.fn.of('DISCONNECT').map(({ requestContext }) => requestContext.connectionId)
    expect(ids).toEqual([first.connectionId, second.connectionId])
  })

  it('runs after 10 idle minutes with 1001', async () => {
    const gateway = await start()
    const { client } = await open(gateway)
    gateway.clock.advance(599_000)
    expect(client.socket.readyState).toBe(client.socket.OPEN)
    gateway.clock.advance(1_000)
    expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' })
    expect((await gateway.fn.saw('DISCONNECT')).requestContext).toMatchObject({
      disconnectStatusCode: 1001,
      disconnectReason: 'Going away',
    })
  })

  it('runs after 2 hours of traffic with 1001', async () => {
    const gateway = await start()
    const { client } = await open(gateway)
    for (let minutes = 5; minutes < 120; minutes += 5) {
      gateway.clock.advance(300_000)
      client.socket.send('{}')
      await gateway.fn.saw('MESSAGE', minutes / 5)
    }
    expect(client.socket.readyState).toBe(client.socket.OPEN)
    gateway.clock.advance(300_000)
    expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' })
  })
})
