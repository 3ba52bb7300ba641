import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { RunningClock } from '../../local/clock.ts'
import { startOpenline, synthesizeOpenline } from '../support/openline.ts'

const PATIENCE = { timeout: 20_000, interval: 20 }
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const LEASE_MS = 60_000

let app: Awaited<ReturnType<typeof synthesizeOpenline>>
let openline: Awaited<ReturnType<typeof startOpenline>>
let clock: RunningClock

beforeAll(async () => {
  app = await synthesizeOpenline({ 'openline:leaseSeconds': String(LEASE_MS / 1_000) })
})
beforeEach(async () => {
  clock = new RunningClock({ speed: 2 }) // the faster it runs, the less a function gets done before its timeout
  clock.jump(DAY_MS)
  openline = await startOpenline(app.assembly, { clock })
})
afterEach(() => openline.close())
afterAll(() => app.remove())

describe('the whole stack in a time of its own', () => {
  it('ends every connection within a jump of two hours, as API Gateway does, and forgets it', async () => {
    const clients = ['?channel=tasks', '?channel=chat/lobby', ''].map((query) => openline.connect(query))
    for (const client of clients) await client.text()
    clock.jump(2 * HOUR_MS)
    for (const client of clients) expect(await client.closed).toBe(1001)
    await vi.waitFor(async () => expect(await openline.connectionIds()).toEqual([]), PATIENCE)
  })

  it("says the clock's time in what a function makes", async () => {
    const before = clock.now()
    const response = await fetch(`${openline.rest}/tasks`, {
      method: 'POST',
      body: '{"title":"a"}',
      headers: { 'content-type': 'application/json' },
    })
    const { createdAt } = (await response.json()) as { createdAt: string }
    expect(Date.parse(createdAt)).toBeGreaterThanOrEqual(before)
    expect(Date.parse(createdAt)).toBeLessThanOrEqual(clock.now())
  })

  it('lets a lease lapse in a jump as long as it is, and gives what was missed to whoever renews it', async () => {
    const channel = 'chat/lobby'
    const [listener, speaker] = [openline.connect(), openline.connect()]
    await Promise.all([listener.text(), speaker.text()])
    const { offset } = await listener.ask({ action: 'subscribe', channel })
    const subscribe = { action: 'subscribe', channel, after: offset }
    expect(await listener.ask(subscribe)).toMatchObject({ type: 'subscribed' })
    const say = async (data: string) =>
      expect(await speaker.ask({ action: 'publish', channel, data })).toMatchObject({ type: 'published' })

    await say('in time')
    expect(await listener.frame()).toMatchObject({ type: 'events', events: [{ data: 'in time' }] })
    clock.jump(LEASE_MS + 1_000)
    await say('too late')
    expect(await listener.ask({ action: 'ping' })).toEqual({ type: 'pong' })

    expect(await listener.ask(subscribe)).toMatchObject({
      type: 'subscribed',
      events: [{ data: 'in time' }, { data: 'too late' }],
    })
  })
})
