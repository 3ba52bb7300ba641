import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FrameMeter } from '../../../../local/api-gateway/websocket/frame-meter.ts'
import { HANDSHAKE, holdConnect, open, raw, send, start } from './fixture.ts'

/** A line without anything on it yet. */
function line(port: number) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  return socket
}

describe('hostile bytes', () => {
  it.each([
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['a method that is none', 'BREW /live HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['a header without a colon', 'GET /live HTTP/1.1\r\nHost\r\n\r\n'],
    ['random bytes', randomBytes(4096)],
    ['headers of 100 KB', `GET /live HTTP/1.1\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`],
  ])('that are %s end the line and nothing else', async (_, bytes) => {
    const gateway = await start()
    const other = await open(gateway)
    const socket = line(gateway.port)
    socket.resume().write(bytes)
    await once(socket, 'close')
    other.client.socket.send('{}')
    await gateway.fn.saw('MESSAGE')
  })

  it('in frames end their connection and nothing else', async () => {
    const gateway = await start()
    const other = await open(gateway)
    for (let i = 0; i < 50; i += 1) {
      const socket = send(gateway.port)
      socket.on('error', () => undefined)
      await once(socket, 'data')
      // A reserved bit first, so that the protocol is broken for sure, and anything after it.
      socket.resume().end(Buffer.concat([Buffer.from([0xf3]), randomBytes(500)]))
    }
    await gateway.fn.saw('DISCONNECT', 50)
    other.client.socket.send('{}')
    expect((await gateway.fn.saw('MESSAGE')).requestContext.connectionId).toBe(other.connectionId)
  })

  it.each([
    ['a URL of more than 4,096 characters', `/live?a=${'a'.repeat(4096)}`, {}, 414],
    ['headers of more than 10,240 B', '/live', { 'x-long': 'a'.repeat(10_240) }, 431],
    ['a subprotocol that is no token', '/live', { 'Sec-WebSocket-Protocol': 'a b' }, 400],
    ['a subprotocol offered twice', '/live', { 'Sec-WebSocket-Protocol': 'a, a' }, 400],
    ['an upgrade to something else', '/live', { Upgrade: 'h2c' }, 426],
  ])('in a handshake are refused: %s', async (_, path, headers, status) => {
    const { port, fn } = await start()
    expect((await raw(port, path, { ...HANDSHAKE, ...headers })).status).toBe(status)
    expect(fn.events).toEqual([])
  })

  it('in the offer of extensions refuse the handshake, and $disconnect tells of it', async () => {
    const gateway = await start()
    const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=99' }
    expect((await raw(gateway.port, '/live', { ...HANDSHAKE, ...offer })).status).toBe(400)
    expect((await gateway.fn.saw('DISCONNECT')).requestContext).toMatchObject({ disconnectStatusCode: 1006 })
  })

  it('in the path of a post are no connection id', async () => {
    const { port } = await start()
    const url = `http://127.0.0.1:${port}/live/@connections/%ff%00`
    expect((await fetch(url, { method: 'POST', headers: { authorization: 'a' } })).status).toBe(400)
  })
})

it('a refused client that keeps its half of the line open is cut off', async () => {
  const { port } = await start()
  const socket = send(port, '/other')
  socket.on('error', () => undefined).resume()
  await once(socket, 'close')
})

it('a head that never ends is given up after 10 s', async () => {
  const { port } = await start()
  const socket = line(port)
  socket.write('GET /live HTTP/1.1\r\nHost: a\r\n')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(answer.toString()).toMatch(/^HTTP\/1.1 408 /)
})

it('closing cuts off who still waits for $connect', async () => {
  const gateway = await start()
  const answer = holdConnect(gateway)
  const socket = send(gateway.port)
  socket.on('error', () => undefined)
  await gateway.fn.saw('CONNECT')
  const closed = gateway.api.close()
  await once(socket, 'close')
  answer()
  await closed
})

it('a hundred clients that break off at once leave nothing behind', async () => {
  const gateway = await start()
  const clients = await Promise.all(Array.from({ length: 100 }, () => open(gateway)))
  for (const { client } of clients) client.socket.terminate()
  await gateway.fn.saw('DISCONNECT', 100)
  const ids = gateway.fn.of('DISCONNECT').map(({ requestContext }) => requestContext.connectionId)
  expect(new Set(ids).size).toBe(100)
})

describe('the meter of frames', () => {
  it('finds the same frames however their bytes are cut', () => {
    const header = (first: number, length: number) =>
      length < 126
        ? Buffer.from([first, 0x80 | length, 1, 2, 3, 4])
        : Buffer.from([first, 0x80 | 126, length >> 8, length & 0xff, 1, 2, 3, 4])
    const bytes = Buffer.concat([
      Buffer.concat([header(0x01, 200), Buffer.alloc(200)]),
      Buffer.concat([header(0x89, 5), Buffer.alloc(5)]),
      Buffer.concat([header(0x80, 0)]),
      Buffer.concat([header(0x81, 10), Buffer.alloc(10)]),
      header(0x81, 301),
    ])
    for (let size = 1; size <= bytes.length; size += 1) {
      const meter = new FrameMeter(300)
      const verdicts: boolean[] = []
      for (let at = 0; at < bytes.length; at += size)
        verdicts.push(meter.accepts(bytes.subarray(at, at + size)))
      expect(verdicts.indexOf(false)).toBe(Math.ceil(bytes.length / size) - 1)
      expect([meter.takeFrames(), meter.takeFrames()]).toEqual([2, 1])
    }
  })
})
