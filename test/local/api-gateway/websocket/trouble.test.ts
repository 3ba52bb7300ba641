import {
  type ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../../local/clock.ts'
import { FAULTS, parseFaults } from '../../../../local/fault-kinds.ts'
import { Faults } from '../../../../local/faults.ts'
import { open, start } from './fixture.ts'

/** The status that a post gets, or the name of what went wrong on the line. */
async function post(management: ApiGatewayManagementApiClient, ConnectionId: string, Data: string) {
  try {
    const { $metadata } = await management.send(new PostToConnectionCommand({ ConnectionId, Data }))
    return $metadata.httpStatusCode
  } catch (error) {
    const { $metadata, name, message } = error as Error & { $metadata?: { httpStatusCode?: number } }
    return $metadata?.httpStatusCode ?? `${name} ${message}`
  }
}

async function connected(faults: Faults) {
  const gateway = await start({}, { faults })
  const { client, connectionId } = await open(gateway)
  return {
    ...gateway,
    client,
    connectionId,
    post: (text: string) => post(gateway.management, connectionId, text),
  }
}

describe('posts in trouble', () => {
  it.each([410, 429, 500, 503] as const)(
    'answer %i as often as planned, and send nothing',
    async (status) => {
      const faults = new Faults()
      const { client, connectionId, post: say } = await connected(faults)
      faults.plan(`post.${status}`, { subject: connectionId, times: 3 })
      expect([await say('1'), await say('2'), await say('3'), await say('4')]).toEqual([
        status,
        status,
        status,
        200,
      ])
      expect(await client.next()).toBe('4')
      expect(faults.counts).toEqual({ [`post.${status}`]: 3 })
    },
  )

  it('tell the SDK of 410 and 429 by their names', async () => {
    const faults = new Faults()
    const { management, connectionId } = await connected(faults)
    faults.plan('post.410')
    faults.plan('post.429')
    const command = () =>
      management.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: 'x' }))
    await expect(command()).rejects.toMatchObject({ name: 'GoneException' })
    await expect(command()).rejects.toMatchObject({ name: 'LimitExceededException' })
  })

  it('leave other connections alone', async () => {
    const faults = new Faults()
    const gateway = await start({}, { faults })
    const [first, second] = [await open(gateway), await open(gateway)]
    faults.plan('post.410', { subject: first.connectionId })
    expect(await post(gateway.management, second.connectionId, 'a')).toBe(200)
    expect(await post(gateway.management, first.connectionId, 'b')).toBe(410)
  })

  it('are sent, and their line is cut before they are answered', async () => {
    const faults = new Faults()
    const { client, post: say } = await connected(faults)
    faults.plan('post.cut')
    expect(await say('once')).toMatch(/ECONNRESET|socket hang up/)
    expect(await client.next()).toBe('once')
  })

  it('are held for the time that the kind has, then carried out', async () => {
    const faults = new Faults()
    const { client, clock, post: say } = await connected(faults)
    faults.plan('post.stall')
    const stalled = faults.next('post.stall')
    const answer = say('late')
    await stalled
    expect(await say('early')).toBe(200)
    expect(await client.next()).toBe('early')
    clock.advance(FAULTS['post.stall'].durationMs)
    expect(await answer).toBe(200)
    expect(await client.next()).toBe('late')
  })

  it('that are held answer 410 when the client has gone meanwhile', async () => {
    const faults = new Faults()
    const { client, clock, fn, post: say } = await connected(faults)
    faults.plan('post.stall')
    const stalled = faults.next('post.stall')
    const answer = say('late')
    await stalled
    client.socket.close()
    await fn.saw('DISCONNECT')
    clock.advance(FAULTS['post.stall'].durationMs)
    expect(await answer).toBe(410)
  })

  it('arrive after the next one, although they are answered first', async () => {
    const faults = new Faults()
    const { client, post: say } = await connected(faults)
    faults.plan('post.reorder')
    expect([await say('first'), await say('second')]).toEqual([200, 200])
    expect([await client.next(), await client.next()]).toEqual(['second', 'first'])
  })

  it('that wait for a next one which does not come arrive once the time is over', async () => {
    const faults = new Faults()
    const { client, clock, post: say } = await connected(faults)
    faults.plan('post.reorder', { durationMs: 50 })
    expect(await say('only')).toBe(200)
    clock.advance(50)
    expect(await client.next()).toBe('only')
  })

  it('get the same answers with the same seed', async () => {
    const run = async (seed: number) => {
      const { post: say } = await connected(new Faults(parseFaults('post.429=0.3,post.503=0.3'), seed))
      const statuses = []
      for (let i = 0; i < 12; i++) statuses.push(await say(String(i)))
      return statuses
    }
    const first = await run(42)
    expect(await run(42)).toEqual(first)
    expect(new Set(first)).toEqual(new Set([200, 429, 503]))
  })

  it('take the time that they are given, by the clock', async () => {
    const clock = new ManualClock()
    const waits: number[] = []
    const noting = {
      now: () => clock.now(),
      after: (ms: number, callback: () => void) => {
        waits.push(ms)
        return clock.after(ms, callback)
      },
    }
    const gateway = await start({}, { clock: noting, postDelayMs: 15 })
    const { client, connectionId } = await open(gateway)
    const answer = post(gateway.management, connectionId, 'x')
    await expect.poll(() => waits).toContain(15)
    clock.advance(15)
    expect(await answer).toBe(200)
    expect(await client.next()).toBe('x')
  })
})

describe('$disconnect in trouble', () => {
  it('is lost', async () => {
    const faults = new Faults()
    const { client, fn, ...gateway } = await connected(faults)
    faults.plan('disconnect.lost')
    const lost = faults.next('disconnect.lost')
    client.socket.close()
    await lost
    const other = await open({ ...gateway, fn })
    other.client.socket.close()
    const told = await fn.saw('DISCONNECT')
    expect(told.requestContext.connectionId).toBe(other.connectionId)
    expect(fn.of('DISCONNECT')).toHaveLength(1)
  })

  it('comes late', async () => {
    const faults = new Faults()
    const { client, fn, clock } = await connected(faults)
    faults.plan('disconnect.late', { durationMs: 60_000 })
    const late = faults.next('disconnect.late')
    const closedAt = clock.now()
    client.socket.close()
    await late
    clock.advance(59_999)
    expect(fn.of('DISCONNECT')).toEqual([])
    clock.advance(1)
    const { requestContext } = await fn.saw('DISCONNECT')
    expect(requestContext['requestTimeEpoch']).toBe(closedAt + 60_000)
  })

  it('that falls due as the clock is moved on begins where that ends, and has its whole time', async () => {
    const faults = new Faults()
    const { client, fn, clock } = await connected(faults)
    faults.plan('disconnect.late', { durationMs: 60_000 })
    const late = faults.next('disconnect.late')
    client.socket.close()
    await late
    clock.advance(3_600_000)
    const { requestContext } = await fn.saw('DISCONNECT')
    expect(requestContext['requestTimeEpoch']).toBe(clock.now())
  })

  it('comes twice, as the same event', async () => {
    const faults = new Faults()
    const { client, fn } = await connected(faults)
    faults.plan('disconnect.double')
    client.socket.close()
    const [first, second] = [await fn.saw('DISCONNECT', 1), await fn.saw('DISCONNECT', 2)]
    expect(second).toEqual(first)
  })
})
