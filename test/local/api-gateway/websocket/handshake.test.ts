import type { Socket } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { HANDSHAKE, fail, holdConnect, ok, raw, send, start } from './fixture.ts'

describe('the handshake', () => {
  it.each([
    [200, 101],
    [201, 101],
    [299, 101],
    [301, 301],
    [400, 400],
    [401, 401],
    [501, 501],
  ])('answers statusCode %i of $connect with %i', async (statusCode, status) => {
    const gateway = await start()
    gateway.fn.answer = () => ok({ statusCode })
    expect((await raw(gateway.port)).status).toBe(status)
  })

  it('answers {} of $connect with 101', async () => {
    const gateway = await start()
    gateway.fn.answer = () => ok({})
    expect((await raw(gateway.port)).status).toBe(101)
  })

  it('passes neither body nor headers of a refusing $connect on', async () => {
    const gateway = await start()
    gateway.fn.answer = () => ok({ statusCode: 401, body: 'why', headers: { 'x-why': 'because' } })
    const { head, body } = await raw(gateway.port)
    expect(head).not.toMatch(/x-why/i)
    expect(body).toBe('')
  })

  it('answers 502 when $connect throws, with the ids in the body and the type in a header', async () => {
    const gateway = await start()
    gateway.fn.answer = () => fail('Error: no')
    const { status, head, body } = await raw(gateway.port)
    expect(status).toBe(502)
    expect(head).toMatch(/^x-amzn-ErrorType: InternalServerErrorException\r?$/m)
    const { connectionId } = (await gateway.fn.saw('CONNECT')).requestContext
    expect(body).toMatch(
      new RegExp(
        `^\\{"message": "Internal server error", "connectionId":"${connectionId}", "requestId":".{15}="\\}$`,
      ),
    )
  })

  it('answers 504 when $connect takes more than 29 s', async () => {
    const gateway = await start()
    gateway.fn.answer = () => new Promise(() => undefined)
    const answer = raw(gateway.port)
    await gateway.fn.saw('CONNECT')
    gateway.clock.advance(29_000)
    const { status, body } = await answer
    expect(status).toBe(504)
    expect(JSON.parse(body)).toMatchObject({ message: 'Endpoint request timed out' })
  })

  it('stays pending until $connect has answered', async () => {
    const gateway = await start()
    const answer = holdConnect(gateway)
    let isAnswered = false
    const pending = raw(gateway.port).finally(() => (isAnswered = true))
    await gateway.fn.saw('CONNECT')
    expect(isAnswered).toBe(false)
    answer()
    expect((await pending).status).toBe(101)
  })

  it('opens where the API has no $connect route', async () => {
    const { port } = await start({ routes: ['$default'] })
    expect((await raw(port)).status).toBe(101)
  })

  it.each(['/other', '/', '/live/more', '/LIVE'])('answers 403 at %s, and no function runs', async (path) => {
    const { port, fn } = await start()
    const { status, body } = await raw(port, path)
    expect(status).toBe(403)
    expect(JSON.parse(body)).toMatchObject({ message: 'Forbidden' })
    expect(fn.events).toEqual([])
  })

  it('answers 426 to a plain GET', async () => {
    const { port } = await start()
    expect((await fetch(`http://127.0.0.1:${port}/live`)).status).toBe(426)
  })

  it('answers 403 with {"message":"Forbidden"} to a plain GET at a stage that is none', async () => {
    const { port } = await start()
    const response = await fetch(`http://127.0.0.1:${port}/other`)
    expect([response.status, await response.text()]).toEqual([403, '{"message":"Forbidden"}'])
  })

  it('answers 403 to everything on a default endpoint that is disabled', async () => {
    const { port } = await start({ api: { DisableExecuteApiEndpoint: true } })
    expect((await raw(port)).status).toBe(403)
    const url = `http://127.0.0.1:${port}/live/@connections/TXzPWdnOjoECGjA%3D`
    expect((await fetch(url, { headers: { authorization: 'a' } })).status).toBe(403)
  })

  it('sends no $disconnect after a refused $connect', async () => {
    const gateway = await start()
    gateway.fn.answer = ({ requestContext }) =>
      ok({ statusCode: requestContext.eventType === 'CONNECT' ? 401 : 200 })
    await raw(gateway.port)
    await gateway.api.close()
    expect(gateway.fn.events.map(({ requestContext }) => requestContext.eventType)).toEqual(['CONNECT'])
  })

  it.each([
    ['closes its side', (socket: Socket) => void socket.end()],
    ['resets the line', (socket: Socket) => void socket.resetAndDestroy()],
  ])('sends $disconnect with 1006 when the client %s while $connect runs', async (_, leave) => {
    const gateway = await start()
    const answer = holdConnect(gateway)
    const socket = send(gateway.port)
    const connected = await gateway.fn.saw('CONNECT')
    leave(socket)
    await once(socket, 'close')
    answer()
    expect((await gateway.fn.saw('DISCONNECT')).requestContext).toMatchObject({
      connectionId: connected.requestContext.connectionId,
      disconnectStatusCode: 1006,
      disconnectReason: '',
    })
  })

  it('delivers what the client said before its answer', async () => {
    const gateway = await start()
    const answer = holdConnect(gateway)
    const socket = send(gateway.port)
    await gateway.fn.saw('CONNECT')
    socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]))
    answer()
    expect((await gateway.fn.saw('MESSAGE')).body).toBe('hi')
  })
})

describe('the rate of handshakes', () => {
  it('answers 429 at a rate and burst of 0, which settings without the two values mean', async () => {
    const { port } = await start({ stage: { DefaultRouteSettings: { LoggingLevel: 'OFF' } } })
    expect((await raw(port)).status).toBe(429)
  })

  it('answers 429 when the account has too many new connections', async () => {
    const { port, fn } = await start({}, { newConnections: { take: () => false } })
    const { status, body } = await raw(port)
    expect([status, JSON.parse(body)]).toMatchObject([429, { message: 'Too Many Requests' }])
    expect(fn.events).toEqual([])
  })

  it('answers 429 when the bucket of the account is empty', async () => {
    const { port } = await start({}, { throttle: { take: () => false } })
    expect((await raw(port)).status).toBe(429)
  })
})

describe('the 101', () => {
  it('has the recorded lines in the recorded order', async () => {
    const { port } = await start()
    const { head } = await raw(port, '/live', {
      ...HANDSHAKE,
      'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=12; client_max_window_bits=12',
    })
    expect(head.split('\r\n')).toEqual([
      'HTTP/1.1 101 Switching Protocols',
      'Date: Mon, 23 Nov 2026 09:00:00 GMT',
      'Connection: upgrade',
      'upgrade: websocket',
      'sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      'sec-websocket-extensions: permessage-deflate;server_max_window_bits=12',
    ])
  })

  it('takes the offer that browsers make without naming a window', async () => {
    const { port } = await start()
    const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }
    const { head } = await raw(port, '/live', { ...HANDSHAKE, ...offer })
    expect(head).toMatch(/^sec-websocket-extensions: permessage-deflate\r?$/m)
  })

  it.each(['Sec-WebSocket-Protocol', 'Sec-Websocket-Protocol', 'sec-websocket-protocol'])(
    'copies the subprotocol that $connect names in %s',
    async (name) => {
      const gateway = await start()
      gateway.fn.answer = () => ok({ statusCode: 200, headers: { [name]: 'v2', 'x-other': 'a' } })
      const { head } = await raw(gateway.port, '/live', { ...HANDSHAKE, 'Sec-WebSocket-Protocol': 'v1, v2' })
      expect(head.match(/sec-websocket-protocol: .*/gi)).toEqual(['Sec-WebSocket-Protocol: v2'])
      expect(head).not.toMatch(/x-other/i)
    },
  )

  it('names no subprotocol when $connect names none', async () => {
    const { port } = await start()
    const { head } = await raw(port, '/live', { ...HANDSHAKE, 'Sec-WebSocket-Protocol': 'v1, v2' })
    expect(head).not.toMatch(/sec-websocket-protocol/i)
  })

  it('names a subprotocol that was not offered', async () => {
    const gateway = await start()
    gateway.fn.answer = () => ok({ statusCode: 200, headers: { 'Sec-WebSocket-Protocol': 'v9' } })
    expect((await raw(gateway.port)).head).toMatch(/^Sec-WebSocket-Protocol: v9\r?$/m)
  })

  it.each(['v1, v2', 'a\r\nX-Injected: 1', ''])('becomes 502 when $connect names %j', async (protocol) => {
    const gateway = await start()
    gateway.fn.answer = () => ok({ statusCode: 200, headers: { 'Sec-WebSocket-Protocol': protocol } })
    expect((await raw(gateway.port)).status).toBe(502)
  })
})

it('an origin is nothing that the gateway checks', async () => {
  const { port } = await start()
  expect((await raw(port, '/live', { ...HANDSHAKE, Origin: 'https://evil.example' })).status).toBe(101)
})
