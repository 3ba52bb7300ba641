import { beforeEach, describe, expect, it } from 'vitest'
import { HANDSHAKE_GRACE_MS } from '../../../lambda/core/deliver.ts'
import { sweep } from '../../../lambda/core/sweep.ts'
import { TASKS } from '../../../protocol/channel.ts'
import { connectionId, epochSeconds, later, userId } from '../../../protocol/ids.ts'
import { ALICE, BOB, START, fakePorts, open } from '../../support/fakes.ts'

const IDLE_MS = 330_000

describe('sweep', () => {
  let ports: ReturnType<typeof fakePorts>
  beforeEach(async () => {
    ports = fakePorts()
    await open(ports.store, ALICE, TASKS)
    await open(ports.store, BOB, TASKS)
  })

  const run = () => sweep({ ...ports, idleTimeoutMs: IDLE_MS })
  const quietFor = (ms: number) => ({ connectedAt: START, lastActiveAt: later(START, -ms) })

  it('closes and forgets the quiet connection and keeps the other', async () => {
    ports.sender.state = (id) => quietFor(id === ALICE ? IDLE_MS + 1 : IDLE_MS)
    expect(await run()).toEqual({ checked: 2, closed: 1, ghosts: 0 })
    expect(ports.sender.closed).toEqual([ALICE])
    expect(ports.store.traceOf(ALICE)).toEqual([])
    expect(ports.store.traceOf(BOB)).toEqual(['connection', 'tasks'])
  })

  it('leaves a quiet connection that can not be closed to the next sweep', async () => {
    ports.sender.state = (id) => quietFor(id === ALICE ? IDLE_MS + 1 : IDLE_MS)
    ports.sender.closing = () => 'busy'
    expect(await run()).toEqual({ checked: 2, closed: 0, ghosts: 0 })
    expect(ports.store.traceOf(ALICE)).toEqual(['connection', 'tasks'])
  })

  it('forgets the ghost and keeps the other', async () => {
    ports.sender.state = (id) => (id === ALICE ? 'gone' : quietFor(0))
    expect(await run()).toEqual({ checked: 2, closed: 0, ghosts: 1 })
    expect(ports.sender.closed).toEqual([])
    expect(ports.store.traceOf(ALICE)).toEqual([])
    expect(ports.store.traceOf(BOB)).toEqual(['connection', 'tasks'])
  })

  it('leaves alone whom the gateway can not tell of', async () => {
    ports.sender.state = () => 'unknown'
    expect(await run()).toEqual({ checked: 2, closed: 0, ghosts: 0 })
    for (const id of [ALICE, BOB]) expect(ports.store.traceOf(id)).toEqual(['connection', 'tasks'])
  })

  it.each([
    [HANDSHAKE_GRACE_MS - 1, ['connection', 'tasks']],
    [HANDSHAKE_GRACE_MS + 1, []],
  ])('meets a connection of %i ms that is not open', async (ageMs, trace) => {
    const connection = { id: ALICE, user: userId('guest-alice'), connectedAt: later(START, -ageMs) }
    const expiresAt = epochSeconds(later(START, 3_600_000))
    await ports.store.add(connection, [{ channel: TASKS, expiresAt }], expiresAt)
    ports.sender.state = (id) => (id === ALICE ? 'gone' : quietFor(0))
    await run()
    expect(ports.store.traceOf(ALICE)).toEqual(trace)
    expect(ports.store.traceOf(BOB)).toEqual(['connection', 'tasks'])
  })

  it('asks about every connection of every page, and reports the sums', async () => {
    const more = Array.from({ length: 40 }, (_, i) => connectionId(`c-${i}=`))
    for (const id of more) await open(ports.store, id, TASKS)
    ports.sender.state = (id) => (more.includes(id) ? 'gone' : quietFor(0))
    expect(await run()).toEqual({ checked: 42, closed: 0, ghosts: 40 })
    expect([...ports.store.connections.keys()]).toEqual([ALICE, BOB])
    expect(ports.reports.at(-1)).toEqual({
      level: 'info',
      message: 'swept',
      details: { checked: 42, closed: 0, ghosts: 40 },
    })
  })
})
