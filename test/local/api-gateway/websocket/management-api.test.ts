import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import {
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { describe, expect, it } from 'vitest'
import { type Gateway, ok, open, raw, recordingLog, start } from './fixture.ts'

const GONE_ID = 'TXzPWdnOjoECGjA='
const post = (ConnectionId: string, Data: string | Uint8Array = 'text') =>
  new PostToConnectionCommand({ ConnectionId, Data })
const failure = (name: string, status: number) => ({ name, $metadata: { httpStatusCode: status } })

/** A call by hand, with a header where a signature would be. */
async function call(
  gateway: Gateway,
  path: string,
  method = 'POST',
  body = '',
  more: Readonly<Record<string, string>> = {},
) {
  const sent = request({
    port: gateway.port,
    host: '127.0.0.1',
    path,
    method,
    headers: { authorization: 'a', 'content-length': Buffer.byteLength(body), ...more },
  })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString()
  return { status: response.statusCode, headers: response.headers, text }
}

describe('a post', () => {
  it('is answered with 200, an empty body and a request id, and comes as text', async () => {
    const gateway = await start()
    const { client, connectionId } = await open(gateway)
    const path = `/live/@connections/${encodeURIComponent(connectionId)}`
    const { status, headers, text } = await call(gateway, path, 'POST', 'text')
    expect([status, text, headers['content-length']]).toEqual([200, '', '0'])
    expect(headers['x-amzn-requestid']).toMatch(/^[\w-]{15}=$/)
    expect(await client.next()).toBe('text')
  })

  it.each([
    ['@connections', (id: string) => id],
    ['%40connections', encodeURIComponent],
    ['%40connections', (id: string) => id],
    ['@Connections', (id: string) => id.replace('=', '%3d')],
  ])('is taken at /live/%s, with the id written in any way', async (segment, write) => {
    const gateway = await start()
    const { client, connectionId } = await open(gateway)
    expect((await call(gateway, `/live/${segment}/${write(connectionId)}`, 'POST', 'text')).status).toBe(200)
    expect(await client.next()).toBe('text')
  })

  it.each([4, 100_000])(
    'of %i B that offers to go on in HTTP/2, as clients of Java do, is served in HTTP/1.1',
    async (size) => {
      const gateway = await start()
      const { client, connectionId } = await open(gateway)
      const offer = {
        connection: 'Upgrade, HTTP2-Settings',
        upgrade: 'h2c',
        'http2-settings': 'AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
      }
      for (const text of ['a'.repeat(size), 'b'.repeat(size)]) {
        const path = `/live/@connections/${connectionId}`
        expect((await call(gateway, path, 'POST', text, offer)).status).toBe(200)
        expect(await client.next()).toBe(text)
      }
    },
  )

  it('to an id in another case is answered with 410', async () => {
    const gateway = await start()
    const { connectionId } = await open(gateway)
    const other = connectionId.replace(/[a-z]/gi, (letter) =>
      letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
    )
    await expect(gateway.management.send(post(other))).rejects.toMatchObject(failure('GoneException', 410))
  })

  it.each([
    [GONE_ID, 'text', 'GoneException', 410],
    ['6sdf', 'text', 'BadRequestException', 400],
    [GONE_ID, 'a'.repeat(131_073), 'PayloadTooLargeException', 413],
  ])('to %s of %.4s… is refused with %s', async (id, data, name, status) => {
    const { management } = await start()
    await expect(management.send(post(id, data))).rejects.toMatchObject(failure(name, status))
  })

  it('to a closed connection is answered with 410, an empty body and the type in a header', async () => {
    const gateway = await start()
    const { status, headers, text } = await call(gateway, `/live/@connections/${GONE_ID}`)
    expect([status, headers['x-amzn-errortype'], text]).toEqual([410, 'GoneException', ''])
  })

  it('to a malformed id says the id', async () => {
    const { text } = await call(await start(), '/live/@connections/6sdf')
    expect(text).toBe('{"message":"Invalid connectionId: 6sdf"}')
  })

  it('is refused with 403 at a stage that is none', async () => {
    const { status, headers } = await call(await start(), `/other/@connections/${GONE_ID}`)
    expect([status, headers['x-amzn-errortype']]).toEqual([403, 'ForbiddenException'])
  })

  it('is refused with 429 when the bucket of the account is empty', async () => {
    const { management } = await start({}, { throttle: { take: () => false } })
    await expect(management.send(post(GONE_ID))).rejects.toMatchObject(failure('LimitExceededException', 429))
  })

  it('is answered with 410 while $connect runs', async () => {
    const gateway = await start()
    gateway.fn.answer = async ({ requestContext }) => {
      const error: unknown = await gateway.management
        .send(post(requestContext.connectionId))
        .catch((reason: unknown) => reason)
      return ok({ statusCode: (error as { $metadata: { httpStatusCode: number } }).$metadata.httpStatusCode })
    }
    expect((await raw(gateway.port)).status).toBe(410)
  })

  it('is answered with 410 at once after the client closed', async () => {
    const gateway = await start()
    const { client, connectionId } = await open(gateway)
    client.socket.close(1000)
    await client.closed
    await expect(gateway.management.send(post(connectionId))).rejects.toMatchObject({ name: 'GoneException' })
  })

  it('of 128 KB comes as one message in frames of at most 32 KB', async () => {
    const gateway = await start()
    const { client, connectionId } = await open(gateway)
    let bytes = 0
    const { _socket: line } = client.socket as unknown as { _socket: Socket }
    line.on('data', (chunk: Buffer) => (bytes += chunk.length))
    const text = 'é'.repeat(65_536)
    await gateway.management.send(post(connectionId, text))
    expect(await client.next()).toBe(text)
    // Four frames, each with a header of 4 bytes: two of them hold the length.
    expect(bytes).toBe(131_072 + 4 * 4)
  })

  it('of bytes that are no UTF-8 comes with U+FFFD in their place', async () => {
    const gateway = await start()
    const { client, connectionId } = await open(gateway)
    await gateway.management.send(post(connectionId, Uint8Array.from([0x61, 0xff, 0x62])))
    expect(await client.next()).toBe('a\uFFFDb')
  })

  it('of bytes that are no UTF-8 is refused with 400 where the gateway is strict', async () => {
    const gateway = await start({}, { isStrict: true })
    const { connectionId } = await open(gateway)
    const sent = gateway.management.send(post(connectionId, Uint8Array.from([0xff])))
    await expect(sent).rejects.toMatchObject(failure('BadRequestException', 400))
  })

  it('of nothing is warned of', async () => {
    const { log, wrote } = recordingLog()
    const gateway = await start({}, { log })
    const { connectionId } = await open(gateway)
    await gateway.management.send(post(connectionId, ''))
    expect(await wrote('an empty post')).toContain(`${connectionId}: no frame is sent`)
  })

  it('of nothing is answered with 200, and the client gets no frame', async () => {
    const gateway = await start()
    const { client, connectionId } = await open(gateway)
    await gateway.management.send(post(connectionId, ''))
    await gateway.management.send(post(connectionId, 'next'))
    expect(await client.next()).toBe('next')
  })

  it('is refused with 429 while more than 1 MiB waits for the client', async () => {
    const gateway = await start()
    const { client, connectionId } = await open(gateway)
    client.socket.pause()
    const error = await (async () => {
      for (;;) {
        try {
          await gateway.management.send(post(connectionId, 'a'.repeat(131_072)))
        } catch (reason) {
          return reason
        }
      }
    })()
    expect(error).toMatchObject(failure('LimitExceededException', 429))
    client.socket.resume()
  })
})

describe('a look-up', () => {
  it('gives when and from where the client connected, and when data last went in or out', async () => {
    const gateway = await start()
    const { connectionId } = await open(gateway, '/live', { headers: { 'user-agent': 'test/1' } })
    const connectedAt = new Date(gateway.clock.now()).toISOString()
    gateway.clock.advance(1_500)
    await gateway.management.send(post(connectionId))
    const { status, text } = await call(gateway, `/live/@connections/${connectionId}`, 'GET')
    expect(status).toBe(200)
    expect(text).toBe(
      JSON.stringify({
        connectedAt,
        identity: { sourceIp: '127.0.0.1', userAgent: 'test/1' },
        lastActiveAt: '2026-11-23T09:00:01.500Z',
      }),
    )
  })

  it('leaves the user agent out when there was none, and a protocol ping is no activity', async () => {
    const gateway = await start()
    const { client, connectionId } = await open(gateway)
    gateway.clock.advance(1_500)
    client.socket.ping()
    await once(client.socket, 'pong')
    const found = await gateway.management.send(new GetConnectionCommand({ ConnectionId: connectionId }))
    expect(found.Identity).toEqual({ SourceIp: '127.0.0.1' })
    expect(found.LastActiveAt).toEqual(found.ConnectedAt)
  })
})

it('a delete closes with 1000, which $disconnect gives a reason for and the client is not given one', async () => {
  const gateway = await start()
  const { client, connectionId } = await open(gateway)
  const other = await open(gateway)
  const deleted = await gateway.management.send(new DeleteConnectionCommand({ ConnectionId: connectionId }))
  expect(deleted.$metadata.httpStatusCode).toBe(204)
  expect(await client.closed).toEqual({ code: 1000, reason: '' })
  expect((await gateway.fn.saw('DISCONNECT')).requestContext).toMatchObject({
    connectionId,
    disconnectStatusCode: 1000,
    disconnectReason: 'Connection Closed Normally',
  })
  expect(gateway.fn.of('DISCONNECT')).toHaveLength(1)
  expect(other.client.socket.readyState).toBe(other.client.socket.OPEN)
})

it.each(['PUT', 'PATCH', 'OPTIONS'])('%s is no method of a connection: 403', async (method) => {
  const { status, text } = await call(await start(), `/live/@connections/${GONE_ID}`, method)
  expect(status).toBe(403)
  expect(JSON.parse(text)).toEqual({
    message: `No method found matching route @connections/${GONE_ID} for http method ${method}`,
  })
})

it('HEAD is no method of a connection either', async () => {
  const { status, text } = await call(await start(), `/live/@connections/${GONE_ID}`, 'HEAD')
  expect([status, text]).toEqual([403, ''])
})

it('a path that is no command is answered with 403 and says so', async () => {
  const { status, text } = await call(await start(), '/live/connections/a')
  expect([status, text]).toEqual([
    403,
    '{"message":"No method found matching route connections/a for http method POST"}',
  ])
})
