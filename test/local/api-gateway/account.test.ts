import { PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi'
import { describe, expect, it } from 'vitest'
import { ACCOUNT_QUOTAS, accountThrottles } from '../../../local/api-gateway/account.ts'
import { ManualClock } from '../../../local/clock.ts'
import { startApi } from './http/fixture.ts'
import { open, raw, start } from './websocket/fixture.ts'

/** How many requests get through at one moment. */
function count(throttle: { take(): boolean }): number {
  let taken = 0
  while (throttle.take()) taken += 1
  return taken
}

describe('an account', () => {
  it('lets 5,000 requests through at once and 10,000 per second', () => {
    const clock = new ManualClock()
    const { throttle } = accountThrottles(ACCOUNT_QUOTAS, clock)
    expect(count(throttle)).toBe(5_000)
    clock.advance(100)
    expect(count(throttle)).toBe(1_000)
  })

  it('lets 500 new connections through per second', () => {
    const clock = new ManualClock()
    const { newConnections } = accountThrottles(ACCOUNT_QUOTAS, clock)
    expect(count(newConnections)).toBe(500)
    clock.advance(1_000)
    expect(count(newConnections)).toBe(500)
  })

  it('has one bucket for handshakes, messages, posts and HTTP APIs', async () => {
    const clock = new ManualClock()
    const { throttle } = accountThrottles({ ...ACCOUNT_QUOTAS, burst: 4, requestsPerSecond: 0 }, clock)
    const gateway = await start({}, { throttle })
    const { url } = await startApi(undefined, { throttle })
    const { client, connectionId: ConnectionId } = await open(gateway)
    await gateway.management.send(new PostToConnectionCommand({ ConnectionId, Data: 'a' }))
    client.socket.send('{}')
    await gateway.fn.saw('MESSAGE')
    expect((await fetch(`${url}/`)).status).toBe(204)

    expect((await fetch(`${url}/`)).status).toBe(429)
    expect((await raw(gateway.port)).status).toBe(429)
    const post = gateway.management.send(new PostToConnectionCommand({ ConnectionId, Data: 'a' }))
    await expect(post).rejects.toMatchObject({ name: 'LimitExceededException' })
    expect(await client.next()).toBe('a')
    client.socket.send('{}')
    expect(JSON.parse(await client.next())).toMatchObject({ message: 'Too Many Requests' })
    expect(client.socket.readyState).toBe(client.socket.OPEN)
  })
})
