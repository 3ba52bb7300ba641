import { DeleteConnectionCommand, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi'
import { describe, expect, it } from 'vitest'
import { HANDSHAKE, ok, open, raw, start } from './fixture.ts'

describe('a doubtful $connect', () => {
  it.each([
    null,
    { statusCode: 200, body: { a: 1 } },
    { statusCode: 99 },
    { statusCode: 1000 },
    { statusCode: 200, headers: { 'Sec-WebSocket-Protocol': 'a\r\nX-Injected: 1' } },
  ])('%j is answered with 502', async (reply) => {
    const gateway = await start()
    gateway.fn.answer = () => ok(reply)
    expect((await raw(gateway.port)).status).toBe(502)
  })

  it.each([{ 'Sec-WebSocket-Key': 'short' }, { 'Sec-WebSocket-Version': '12' }])(
    '%j is answered with 400 before the function runs',
    async (headers) => {
      const { port, fn } = await start()
      expect((await raw(port, '/live', { ...HANDSHAKE, ...headers })).status).toBe(400)
      expect(fn.events).toEqual([])
    },
  )
})

describe('closing', () => {
  it('ends 2 s after it began though a handler hangs', async () => {
    const gateway = await start()
    const { client } = await open(gateway)
    gateway.fn.answer = () => new Promise(() => undefined)
    client.socket.send('{}')
    await gateway.fn.saw('MESSAGE')
    const closed = gateway.api.close()
    gateway.clock.advance(2_000)
    await closed
  })

  it('by DELETE runs $disconnect and answers 410 though the client never answers', async () => {
    const gateway = await start()
    const { client, connectionId: ConnectionId } = await open(gateway)
    client.socket.pause()
    await gateway.management.send(new DeleteConnectionCommand({ ConnectionId }))
    expect(gateway.fn.of('DISCONNECT')).toHaveLength(1)
    const post = gateway.management.send(new PostToConnectionCommand({ ConnectionId, Data: 'a' }))
    await expect(post).rejects.toMatchObject({ name: 'GoneException' })
  })

  it('with 1009 follows a compressed frame of 32,769 B of text', async () => {
    const { client } = await open(await start(), '/live', { perMessageDeflate: { threshold: 0 } })
    client.socket.send('a'.repeat(32_769))
    expect(await client.closed).toMatchObject({ code: 1009 })
  })
})

it('a post to an unknown stage is refused with 403', async () => {
  const { port } = await start()
  const url = `http://127.0.0.1:${port}/other/@connections/TXzPWdnOjoECGjA%3D`
  const response = await fetch(url, { method: 'POST', body: 'a', headers: { authorization: 'a' } })
  expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([403, 'ForbiddenException'])
})

it('an idle HTTP connection is kept for 75 s', async () => {
  const { port } = await start()
  expect((await fetch(`http://127.0.0.1:${port}/live`)).headers.get('keep-alive')).toBe('timeout=75')
})
