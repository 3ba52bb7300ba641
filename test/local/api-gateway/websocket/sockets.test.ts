import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi'
import { describe, expect, it } from 'vitest'
import type { LossNotice } from '../../../../local/api-gateway/websocket/loss-notice.ts'
import { silentLog } from '../../../../local/log.ts'
import { type Gateway, HANDSHAKE, open, send, start } from './fixture.ts'

/** A frame as a client sends it, masked with zeros. */
function frame(first: number, payload: Buffer): Buffer {
  const length =
    payload.length < 126
      ? [0x80 | payload.length]
      : payload.length < 65_536
        ? [0x80 | 126, payload.length >> 8, payload.length & 0xff]
        : [
            0x80 | 127,
            0,
            0,
            0,
            0,
            0,
            payload.length >> 16,
            (payload.length >> 8) & 0xff,
            payload.length & 0xff,
          ]
  return Buffer.concat([Buffer.from([first, ...length, 0, 0, 0, 0]), payload])
}

const TEXT = 0x81
const CLOSE = 0x88
const PING = 0x89

/** A connection by hand, open, with no library in between. */
async function byHand(gateway: Gateway, headers: Record<string, string> = HANDSHAKE) {
  const socket = send(gateway.port, '/live', headers)
  socket.on('error', () => undefined)
  await once(socket, 'data')
  return socket
}

const disconnected = async (gateway: Gateway) => {
  const { disconnectStatusCode, disconnectReason } = (await gateway.fn.saw('DISCONNECT')).requestContext
  return [disconnectStatusCode, disconnectReason]
}

describe('$disconnect tells', () => {
  it.each([
    [1001, '', 'a browser tab that is closed'],
    [1000, 'done', 'a code and a reason'],
    [4999, '', 'a code of the application'],
  ])('%i "%s" of %s', async (code, reason) => {
    const gateway = await start()
    const { client } = await open(gateway)
    client.socket.close(code, reason)
    expect(await disconnected(gateway)).toEqual([code, reason])
  })

  it('1005 and a sentence of a close frame without a code', async () => {
    const gateway = await start()
    const { client } = await open(gateway)
    client.socket.close()
    expect(await disconnected(gateway)).toEqual([1005, 'Client-side close frame status not set'])
  })

  it('of a close frame at once, though the client keeps the line', async () => {
    const gateway = await start()
    const socket = await byHand(gateway)
    socket.write(frame(CLOSE, Buffer.from([0x03, 0xe9])))
    expect(await disconnected(gateway)).toEqual([1001, ''])
    expect(socket.writable).toBe(true)
  })

  it('1003 of a binary message', async () => {
    const gateway = await start()
    const { client } = await open(gateway)
    client.socket.send(Buffer.from('a'), { binary: true })
    expect(await client.closed).toEqual({ code: 1003, reason: '' })
    expect(await disconnected(gateway)).toEqual([1003, ''])
    expect(gateway.fn.of('MESSAGE')).toEqual([])
  })

  it.each([
    ['a frame of 32,769 B', frame(TEXT, Buffer.alloc(32_769, 'a'))],
    ['a frame of 128 KB + 1 B', frame(TEXT, Buffer.alloc(131_073, 'a'))],
    ['a frame of 2^60 B', Buffer.from([TEXT, 0xff, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
  ])('1009 of %s', async (_, bytes) => {
    const gateway = await start()
    const socket = await byHand(gateway)
    socket.write(bytes)
    expect(await disconnected(gateway)).toEqual([1009, ''])
    expect(gateway.fn.of('MESSAGE')).toEqual([])
  })

  it.each([
    ['an opcode that is none', 0x83],
    ['a reserved bit', 0xc1],
    ['a continuation of nothing', 0x80],
  ])('1002 of %s', async (_, first) => {
    const gateway = await start()
    const socket = await byHand(gateway)
    socket.write(frame(first, Buffer.from('a')))
    expect(await disconnected(gateway)).toEqual([1002, ''])
  })

  it('1002 of a frame without a mask', async () => {
    const gateway = await start()
    const socket = await byHand(gateway)
    socket.write(Buffer.from([TEXT, 1, 0x61]))
    expect(await disconnected(gateway)).toEqual([1002, ''])
  })

  it('1007 of text that is not UTF-8', async () => {
    const gateway = await start()
    const socket = await byHand(gateway)
    socket.write(frame(TEXT, Buffer.from([0xff, 0xfe])))
    expect(await disconnected(gateway)).toEqual([1007, ''])
  })

  it('1006 of a line that broke, at once', async () => {
    const gateway = await start()
    const { client } = await open(gateway)
    client.socket.terminate()
    expect(await disconnected(gateway)).toEqual([1006, ''])
  })

  it('1006 of a line that broke at the idle timeout, when it is noticed only then; posts get 200 until then', async () => {
    const { gateway, post } = await startLost('at-idle-timeout')
    expect((await post()).$metadata.httpStatusCode).toBe(200)
    gateway.clock.advance(599_000)
    expect(gateway.fn.of('DISCONNECT')).toEqual([])
    gateway.clock.advance(1_000)
    expect(await disconnected(gateway)).toEqual([1006, ''])
    await expect(post()).rejects.toMatchObject({ name: 'GoneException' })
  })

  it('nothing of a line that broke, when that is never noticed', async () => {
    const { gateway, post } = await startLost('never')
    gateway.clock.advance(600_000)
    await expect(post()).rejects.toMatchObject({ name: 'GoneException' })
    expect(gateway.fn.of('DISCONNECT')).toEqual([])
  })

  it('once, and its reply and its failure are nobody’s', async () => {
    const gateway = await start()
    const { client } = await open(gateway)
    gateway.fn.answer = () => ({ payload: '{}', functionError: 'Unhandled' })
    client.socket.close(1000)
    await client.closed
    await gateway.api.close()
    expect(gateway.fn.of('DISCONNECT')).toHaveLength(1)
  })
})

/** A gateway that notices late, and a connection whose line broke: the log is where that shows. */
async function startLost(lossNotice: LossNotice) {
  let say: ((text: string) => void) | undefined
  const said = new Promise<string>((resolve) => (say = resolve))
  const log = { ...silentLog, info: (_source: string, text: string) => say?.(text) }
  const gateway = await start({}, { lossNotice, log })
  const { client, connectionId: ConnectionId } = await open(gateway)
  client.socket.terminate()
  expect(await said).toBe(`${ConnectionId}: the line broke without a close frame`)
  return {
    gateway,
    post: () => gateway.management.send(new PostToConnectionCommand({ ConnectionId, Data: 'a' })),
  }
}

describe('a protocol ping', () => {
  it('is answered by the gateway, reaches no function and does not reset the idle timer', async () => {
    const gateway = await start()
    const { client } = await open(gateway)
    gateway.clock.advance(599_000)
    const pong = once(client.socket, 'pong')
    client.socket.ping('hello')
    const [data] = (await pong) as [Buffer]
    expect(data.toString()).toBe('hello')
    expect(gateway.fn.of('MESSAGE')).toEqual([])
    gateway.clock.advance(1_000)
    expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' })
  })

  it('between two fragments leaves the message whole', async () => {
    const gateway = await start()
    const socket = await byHand(gateway)
    socket.write(frame(0x01, Buffer.from('he')))
    socket.write(frame(PING, Buffer.alloc(0)))
    socket.write(frame(0x80, Buffer.from('llo')))
    expect((await gateway.fn.saw('MESSAGE')).body).toBe('hello')
  })
})

describe('the idle timer', () => {
  it('is reset by a message', async () => {
    const gateway = await start()
    const { client } = await open(gateway)
    gateway.clock.advance(599_000)
    client.socket.send('{}')
    await gateway.fn.saw('MESSAGE')
    gateway.clock.advance(599_000)
    expect(client.socket.readyState).toBe(client.socket.OPEN)
  })

  it('is reset by a post', async () => {
    const gateway = await start()
    const { client, connectionId: ConnectionId } = await open(gateway)
    gateway.clock.advance(599_000)
    await gateway.management.send(new PostToConnectionCommand({ ConnectionId, Data: 'a' }))
    await client.next()
    gateway.clock.advance(599_000)
    expect(client.socket.readyState).toBe(client.socket.OPEN)
    gateway.clock.advance(1_000)
    expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' })
  })
})

describe('with compression', () => {
  const compressed = { perMessageDeflate: { threshold: 0 } }

  it('a message arrives, and a post too', async () => {
    const gateway = await start()
    const { client, connectionId: ConnectionId } = await open(gateway, '/live', compressed)
    expect(client.socket.extensions).toBe('permessage-deflate')
    client.socket.send('{"text":"hello"}')
    expect((await gateway.fn.saw('MESSAGE')).body).toBe('{"text":"hello"}')
    const text = 'é'.repeat(60_000)
    await gateway.management.send(new PostToConnectionCommand({ ConnectionId, Data: text }))
    expect(await client.next()).toBe(text)
  })

  it('a frame of 32 KB of text arrives though it is larger on the wire', async () => {
    const gateway = await start()
    const { client } = await open(gateway, '/live', compressed)
    const text = randomBytes(16_300).toString('hex')
    client.socket.send(text)
    expect((await gateway.fn.saw('MESSAGE')).body).toBe(text)
  })

  it('1009 follows a message of 128 KB + 1 B that is small on the wire', async () => {
    const gateway = await start()
    const { client } = await open(gateway, '/live', compressed)
    client.socket.send('a'.repeat(131_073))
    expect(await client.closed).toMatchObject({ code: 1009 })
    expect(await disconnected(gateway)).toEqual([1009, ''])
  })
})

it('messages of one connection run at the same time', async () => {
  const gateway = await start()
  const { client } = await open(gateway)
  gateway.fn.answer = () => new Promise(() => undefined)
  client.socket.send('1')
  client.socket.send('2')
  expect((await gateway.fn.saw('MESSAGE', 2)).body).toBe('2')
  gateway.fn.answer = () => ({ payload: '' })
  void gateway.api.close()
  gateway.clock.advance(2_000)
})
