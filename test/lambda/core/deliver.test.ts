import { beforeEach, describe, expect, it } from 'vitest'
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
    expect(await deliver(ALICE, 'hi', ports)).toBe(true)
    expect(ports.sender.frames).toEqual([{ id: ALICE, frame: 'hi' }])
    expect(elapsed()).toBe(0)
  })

  it('forgets the stale connection at its first 410 and keeps the other', async () => {
    ports.sender.answer = (id) => (id === ALICE ? 'gone' : 'sent')
    expect(await deliver(ALICE, 'hi', ports)).toBe(false)
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
    expect(await deliver(ALICE, 'hi', ports)).toBe(true)
    expect(ports.sender.sentTo(ALICE)).toEqual(['hi'])
    expect(ports.store.traceOf(ALICE)).toEqual(['connection', 'tasks'])
  })

  it('forgets a young connection that still answers 410 once it is grown', async () => {
    await reopen(0)
    ports.sender.answer = (id) => (id === ALICE ? 'gone' : 'sent')
    expect(await deliver(ALICE, 'hi', ports)).toBe(false)
    expect(elapsed()).toBeGreaterThan(HANDSHAKE_GRACE_MS)
    expect(elapsed()).toBeLessThanOrEqual(DELIVERY_BUDGET_MS)
    expect(ports.store.traceOf(ALICE)).toEqual([])
    expect(ports.store.traceOf(BOB)).toEqual(['connection', 'tasks'])
  })

  it.each([
    ['young', HANDSHAKE_GRACE_MS, true],
    ['grown', HANDSHAKE_GRACE_MS + 1, false],
  ])('takes a connection for %s at an age of %s ms', async (_, ageMs, delivered) => {
    await reopen(ageMs)
    ports.sender.answer = (_id, attempt) => (attempt === 0 ? 'gone' : 'sent')
    expect(await deliver(ALICE, 'hi', ports)).toBe(delivered)
  })

  it.each<SendOutcome>(['busy', 'failed'])('tries again after %s, with growing waits', async (outcome) => {
    ports.sender.answer = (_, attempt) => (attempt < 3 ? outcome : 'sent')
    expect(await deliver(ALICE, 'hi', ports)).toBe(true)
    expect(elapsed()).toBe(25 + 50 + 100)
    expect(ports.store.traceOf(ALICE)).toEqual(['connection', 'tasks'])
    expect(ports.sender.closed).toEqual([])
  })

  it.each<SendOutcome>(['busy', 'failed'])(
    'forgets and closes a connection that is %s for the whole budget, and keeps the other',
    async (outcome) => {
      let attempts = 0
      ports.sender.answer = () => (attempts++, outcome)
      expect(await deliver(ALICE, 'hi', ports)).toBe(false)
      expect(attempts).toBeGreaterThan(5)
      expect(elapsed()).toBeGreaterThan(DELIVERY_BUDGET_MS - 2_000)
      expect(elapsed()).toBeLessThanOrEqual(DELIVERY_BUDGET_MS)
      expect(ports.sender.closed).toEqual([ALICE])
      expect(ports.store.traceOf(ALICE)).toEqual([])
      expect(ports.store.traceOf(BOB)).toEqual(['connection', 'tasks'])
    },
  )
})
