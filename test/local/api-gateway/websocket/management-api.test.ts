import {
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { describe, expect, it } from 'vitest'
import { ok, open, raw, start } from './fixture.ts'

const GONE_ID = 'TXzPWdnOjoECGjA='
const post = (ConnectionId: string, Data = 'text') => new PostToConnectionCommand({ ConnectionId, Data })
const failure = (name: string, status: number) => ({ name, $metadata: { httpStatusCode: status } })

describe('@connections', () => {
  it('posts, looks up and deletes', async () => {
    const gateway = await start()
    const { client, connectionId } = await open(gateway)
    const other = await open(gateway)
    expect((await gateway.management.send(post(connectionId))).$metadata.httpStatusCode).toBe(200)
    expect(await client.next()).toBe('text')
    const found = await gateway.management.send(new GetConnectionCommand({ ConnectionId: connectionId }))
    expect(found.ConnectedAt?.getTime()).toBe(gateway.clock.now())
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

  it.each([
    [GONE_ID, 'text', 'GoneException', 410],
    ['short', 'text', 'BadRequestException', 400],
    [GONE_ID, 'a'.repeat(131_073), 'PayloadTooLargeException', 413],
  ])('refuses a post to %s of %.4s… with %s', async (id, data, name, status) => {
    const { management } = await start()
    await expect(management.send(post(id, data))).rejects.toMatchObject(failure(name, status))
  })

  it('refuses with 403 what is not signed', async () => {
    const { port } = await start()
    const url = `http://127.0.0.1:${port}/live/@connections/${encodeURIComponent(GONE_ID)}`
    const response = await fetch(url, { method: 'POST', body: 'text' })
    expect(response.status).toBe(403)
    expect(response.headers.get('x-amzn-errortype')).toBe('ForbiddenException')
  })

  it('refuses with 429 when the bucket of the account is empty', async () => {
    const { management } = await start({}, { throttle: { take: () => false } })
    await expect(management.send(post(GONE_ID))).rejects.toMatchObject(failure('LimitExceededException', 429))
  })

  it('answers 410 while $connect runs', async () => {
    const gateway = await start()
    gateway.fn.answer = async ({ requestContext }) => {
      const error: unknown = await gateway.management
        .send(post(requestContext.connectionId))
        .catch((reason: unknown) => reason)
      return ok({ statusCode: (error as { $metadata: { httpStatusCode: number } }).$metadata.httpStatusCode })
    }
    expect((await raw(gateway.port)).status).toBe(410)
  })

  it('sends 128 KB in frames of 32 KB', async () => {
    const gateway = await start()
    const { client, connectionId } = await open(gateway)
    const text = 'é'.repeat(65_536)
    await gateway.management.send(post(connectionId, text))
    expect(await client.next()).toBe(text)
  })
})
