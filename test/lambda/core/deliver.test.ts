import { beforeEach, describe, expect, it } from 'vitest'
import { CLOSE_BUDGET_MS } from '../../../lambda/core/give-up.ts'
import { DELIVERY_BUDGET_MS, HANDSHAKE_GRACE_MS, deliver } from '../../../lambda/core/deliver.ts'
import type { SendOutcome } from '../../../lambda/core/ports.ts'
import { TASKS } from '../../../protocol/channel.ts'
import { epochSeconds, later, userId } from '../../../protocol/ids.ts'
import { ALICE, BOB, START, fakePorts, open } from '../../support/fakes.ts'

describe('deliver', () => {
  let ports: ReturnType<typeof fakePorts>
  beforeEach(async () => {
    ports = fakePorts()
    await open(ports.store, ALICE, TASKS)
    await open(ports.store, BOB, TASKS)
  })

  const reopen = async (ageMs: number) => {
    const connection = { id: ALICE, user: userId('guest-alice'), connectedAt: later(START, -ageMs) }
    const expiresAt = epochSeconds(later(START, 3_600_000))
    await ports.store.add(connection, [{ channel: TASKS, expiresAt }], expiresAt)
  }
  const elapsed = () => ports.clock.now() - START

  it('posts a frame once, and nobody waits', async () => {
    expect(await deliver(ALICE, 'hi', ports)).toBe('sent')
    expect(ports.sender.frames).toEqual([{ id: ALICE, frame: 'hi' }])
    expect(elapsed()).toBe(0)
  })

  it('forgets the stale connection at its first 410 and keeps the other', async () => {
    ports.sender.answer = (id) => (id === ALICE ? 'gone' : 'sent')
    expect(await deliver(ALICE, 'hi', ports)).toBe('forgotten')
    expect(elapsed()).toBe(0)
    expect(ports.store.traceOf(ALICE)).toEqual([])
    expect(ports.store.traceOf(BOB)).toEqual(['connection', 'tasks'])
    expect(ports.reports).toEqual([
      { level: 'info', message: 'forgot a connection', details: { connectionId: ALICE, reason: 'gone' } },
    ])
  })

  it('tries a young connection again after a 410', async () => {
    await reopen(0)
    ports.sender.answer = (_, attempt) => (attempt < 3 ? 'gone' : 'sent')
    expect(await deliver(ALICE, 'hi', ports)).toBe('sent')
    expect(ports.sender.sentTo(ALICE)).toEqual(['hi'])
    expect(ports.store.traceOf(ALICE)).toEqual(['connection', 'tasks'])
  })

  it('forgets a young connection that still answers 410 once it is grown', async () => {
    await reopen(0)
    ports.sender.answer = (id) => (id === ALICE ? 'gone' : 'sent')
    expect(await deliver(ALICE, 'hi', ports)).toBe('forgotten')
    expect(elapsed()).toBeGreaterThan(HANDSHAKE_GRACE_MS)
    expect(elapsed()).toBeLessThanOrEqual(DELIVERY_BUDGET_MS)
    expect(ports.store.traceOf(ALICE)).toEqual([])
    expect(ports.store.traceOf(BOB)).toEqual(['connection', 'tasks'])
  })

  it.each([
    ['young', HANDSHAKE_GRACE_MS, 'sent'],
    ['grown', HANDSHAKE_GRACE_MS + 1, 'forgotten'],
  ])('takes a connection for %s at an age of %s ms', async (_, ageMs, delivery) => {
    await reopen(ageMs)
    ports.sender.answer = (_id, attempt) => (attempt === 0 ? 'gone' : 'sent')
    expect(await deliver(ALICE, 'hi', ports)).toBe(delivery)
  })

  it.each<SendOutcome>(['busy', 'failed'])('tries again after %s, with growing waits', async (outcome) => {
    ports.sender.answer = (_, attempt) => (attempt < 3 ? outcome : 'sent')
    expect(await deliver(ALICE, 'hi', ports)).toBe('sent')
    expect(elapsed()).toBe(25 + 50 + 100)
    expect(ports.store.traceOf(ALICE)).toEqual(['connection', 'tasks'])
    expect(ports.sender.closed).toEqual([])
  })

  it.each<SendOutcome>(['busy', 'failed'])(
    'forgets and closes a connection that is %s for the whole budget, and keeps the other',
    async (outcome) => {
      let attempts = 0
      ports.sender.answer = () => (attempts++, outcome)
      expect(await deliver(ALICE, 'hi', ports)).toBe('forgotten')
      expect(attempts).toBeGreaterThan(5)
      expect(elapsed()).toBeGreaterThan(DELIVERY_BUDGET_MS - 2_000)
      expect(elapsed()).toBeLessThanOrEqual(DELIVERY_BUDGET_MS)
      expect(ports.sender.closed).toEqual([ALICE])
      expect(ports.store.traceOf(ALICE)).toEqual([])
      expect(ports.store.traceOf(BOB)).toEqual(['connection', 'tasks'])
    },
  )

  it('closes before it forgets, so that nobody stays open and unknown', async () => {
    ports.sender.answer = () => 'failed'
    ports.sender.closing = () => {
      expect(ports.store.traceOf(ALICE)).toEqual(['connection', 'tasks'])
      return 'closed'
    }
    expect(await deliver(ALICE, 'hi', ports)).toBe('forgotten')
    expect(ports.sender.closed).toEqual([ALICE])
  })

  it('closes whom the gateway said to be gone: it may have been wrong', async () => {
    ports.sender.answer = () => 'gone'
    expect(await deliver(ALICE, 'hi', ports)).toBe('forgotten')
    expect(ports.sender.closed).toEqual([ALICE])
  })

  it.each(['busy', 'failed'] as const)('tries again to close after %s', async (outcome) => {
    ports.sender.answer = () => 'failed'
    ports.sender.closing = (_, attempt) => (attempt < 3 ? outcome : 'closed')
    expect(await deliver(ALICE, 'hi', ports)).toBe('forgotten')
    expect(ports.sender.closed).toEqual([ALICE])
    expect(ports.store.traceOf(ALICE)).toEqual([])
  })

  it('keeps a connection that the gateway is too busy to close, for the next frame', async () => {
    ports.sender.answer = () => 'busy'
    ports.sender.closing = () => 'busy'
    expect(await deliver(ALICE, 'hi', ports)).toBe('kept')
    expect(elapsed()).toBeLessThanOrEqual(DELIVERY_BUDGET_MS + CLOSE_BUDGET_MS)
    expect(ports.store.traceOf(ALICE)).toEqual(['connection', 'tasks'])
    expect(ports.reports).toEqual([
      {
        level: 'warn',
        message: 'could not close a connection',
        details: { connectionId: ALICE, outcome: 'busy' },
      },
    ])
  })

  it('forgets a connection that can be neither reached nor closed: no frame waits for it again', async () => {
    ports.sender.answer = () => 'failed'
    ports.sender.closing = () => 'failed'
    expect(await deliver(ALICE, 'hi', ports)).toBe('forgotten')
    expect(elapsed()).toBeLessThanOrEqual(DELIVERY_BUDGET_MS + CLOSE_BUDGET_MS)
    expect(ports.store.traceOf(ALICE)).toEqual([])
    expect(ports.reports).toMatchObject([
      { level: 'warn', message: 'could not close a connection' },
      { message: 'forgot a connection' },
    ])
  })

  it.each<SendOutcome>(['gone', 'failed'])(
    'keeps a connection that is %s and can not be forgotten, and says so',
    async (outcome) => {
      ports.sender.answer = () => outcome
      ports.store.remove = async () => {
        throw new Error('the table is away')
      }
      expect(await deliver(ALICE, 'hi', ports)).toBe('kept')
      expect(ports.reports).toEqual([
        {
          level: 'error',
          message: 'could not give a connection up',
          details: { connectionId: ALICE, error: 'Error: the table is away' },
        },
      ])
    },
  )

  it.each([
    ['a deadline that is past', 0, 1],
    ['a deadline before the budget is over', 1_000, 6],
  ])('tries no longer than %s', async (_, ms, tries) => {
    let [posts, closes] = [0, 0]
    ports.sender.answer = () => (posts++, 'busy')
    ports.sender.closing = () => (closes++, 'busy')
    await deliver(ALICE, 'hi', { ...ports, deadline: later(START, ms) })
    expect(elapsed()).toBeLessThanOrEqual(ms)
    expect(posts).toBe(tries)
    expect(closes).toBeGreaterThan(0)
  })

  it('throws on what no connection is to blame for', async () => {
    ports.sender.send = () => Promise.reject(new Error('403'))
    await expect(deliver(ALICE, 'hi', ports)).rejects.toThrow('403')
    expect(ports.store.traceOf(ALICE)).toEqual(['connection', 'tasks'])
  })
})
