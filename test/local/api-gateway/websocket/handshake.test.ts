import { describe, expect, it } from 'vitest'
import { HANDSHAKE, ok, open, raw, start } from './fixture.ts'

describe('the handshake', () => {
  it.each([
    [200, 101],
    [201, 101],
    [301, 301],
    [401, 401],
    [501, 501],
  ])('answers statusCode %i of $connect with %i', async (statusCode, status) => {
    const gateway = await start()
    gateway.fn.answer = () => ok({ statusCode })
    expect((await raw(gateway.port)).status).toBe(status)
  })

  it('answers 502 when $connect throws', async () => {
    const gateway = await start()
    gateway.fn.answer = () => ({ payload: '{"errorType":"Error"}', functionError: 'Unhandled' })
    const { status, body } = await raw(gateway.port)
    expect(status).toBe(502)
    expect(JSON.parse(body)).toEqual({
      message: 'Internal server error',
      connectionId: null,
      requestId: expect.stringMatching(/^.{15}=$/) as string,
    })
  })

  it('opens where the API has no $connect route', async () => {
    const { port } = await start({ routes: ['$default'] })
    expect((await raw(port)).status).toBe(101)
  })

  it('answers 403 at a stage that is none, and no function runs', async () => {
    const { port, fn } = await start()
    expect((await raw(port, '/other')).status).toBe(403)
    expect(fn.events).toEqual([])
  })

  it('answers 426 to a plain GET', async () => {
    const { port } = await start()
    expect((await fetch(`http://127.0.0.1:${port}/live`)).status).toBe(426)
  })

  it('answers 429 at a rate and burst of 0', async () => {
    const { port } = await start({ stage: { DefaultRouteSettings: { LoggingLevel: 'OFF' } } })
    expect((await raw(port)).status).toBe(429)
  })

  it('copies the subprotocol that $connect names', async () => {
    const gateway = await start()
    gateway.fn.answer = () => ok({ statusCode: 200, headers: { 'Sec-WebSocket-Protocol': 'v2' } })
    const { head } = await raw(gateway.port, '/live', { ...HANDSHAKE, 'Sec-WebSocket-Protocol': 'v1, v2' })
    expect(head.match(/sec-websocket-protocol: .*/gi)).toEqual(['Sec-WebSocket-Protocol: v2'])
  })
})

describe('the CONNECT event', () => {
  it('has the query maps only with a query', async () => {
    const gateway = await start()
    await open(gateway, '/live')
    await open(gateway, '/live?a=1&a=2')
    const [without, having] = gateway.fn.events
    expect(Object.keys(without ?? {})).toEqual([
      'headers',
      'multiValueHeaders',
      'requestContext',
      'isBase64Encoded',
    ])
    expect(having).toMatchObject({
      queryStringParameters: { a: '2' },
      multiValueQueryStringParameters: { a: ['1', '2'] },
    })
  })

  it('has the recorded fields in the recorded order', async () => {
    const gateway = await start()
    await open(gateway)
    const { headers, requestContext } = await gateway.fn.saw('CONNECT')
    expect(headers).toMatchObject({ Host: 'w1s2k3abcd.execute-api.eu-west-1.amazonaws.com' })
    expect(Object.keys(requestContext)).toEqual([
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
    expect(requestContext).toMatchObject({
      routeKey: '$connect',
      eventType: 'CONNECT',
      requestTime: '23/Nov/2026:09:00:00 +0000',
      messageDirection: 'IN',
      stage: 'live',
      connectedAt: gateway.clock.now(),
      requestTimeEpoch: gateway.clock.now(),
      identity: { sourceIp: '127.0.0.1' },
      apiId: 'w1s2k3abcd',
    })
  })
})
