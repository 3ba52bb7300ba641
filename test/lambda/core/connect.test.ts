import { beforeEach, describe, expect, it } from 'vitest'
import { connect } from '../../../lambda/core/connect.ts'
import { CONNECTION_TTL_MS } from '../../../lambda/core/lease.ts'
import type { Greeting } from '../../../lambda/core/ports.ts'
import { MAX_CHANNELS_PER_CONNECTION } from '../../../protocol/channel.ts'
import { type Channel, epochSeconds, later, userId } from '../../../protocol/ids.ts'
import { CONNECTION_LIFETIME_MS } from '../../../protocol/limits.ts'
import { ALICE, BOB, START, fakePorts } from '../../support/fakes.ts'

describe('connect', () => {
  let ports: ReturnType<typeof fakePorts>
  let greetings: Greeting[]
  beforeEach(() => {
    ports = fakePorts()
    greetings = []
  })

  const opening = (channels: string[], id = ALICE, afters: string[] = []) => {
    const greeter = { greet: async (greeting: Greeting) => void greetings.push(greeting) }
    const user = userId('guest-alice')
    return connect({ id, user, connectedAt: START, channels, afters }, { ...ports, greeter })
  }
  const rooms = (count: number) => Array.from({ length: count }, (_, i) => `chat/r${i}`)

  it('records the connection with its channels, and has it greeted', async () => {
    expect(await opening(['chat/lobby', 'tasks'])).toBe(200)
    expect(ports.store.connections.get(ALICE)).toEqual({
      id: ALICE,
      user: 'guest-alice',
      connectedAt: START,
      firstChannel: 'chat/lobby',
      expiresAt: epochSeconds(later(START, CONNECTION_TTL_MS)),
      channels: new Set(['chat/lobby', 'tasks']),
    })
    expect(ports.store.traceOf(ALICE)).toEqual(['connection', 'chat/lobby', 'tasks'])
    expect(greetings).toEqual([
      { connectionId: ALICE, channels: [{ channel: 'chat/lobby' }, { channel: 'tasks' }] },
    ])
  })

  it('outlives the longest connection there can be', () => {
    expect(CONNECTION_TTL_MS).toBeGreaterThan(CONNECTION_LIFETIME_MS)
  })

  it('opens without a channel, and without a first one', async () => {
    expect(await opening([])).toBe(200)
    expect(ports.store.connections.get(ALICE)).not.toHaveProperty('firstChannel')
    expect(greetings).toEqual([{ connectionId: ALICE, channels: [] }])
  })

  it('counts a repeated channel once', async () => {
    expect(await opening([...rooms(MAX_CHANNELS_PER_CONNECTION), 'chat/r0'])).toBe(200)
    expect(greetings[0]?.channels.map(({ channel }) => channel)).toEqual(rooms(MAX_CHANNELS_PER_CONNECTION))
  })

  it('takes what the client has of each channel, and leases those subscriptions', async () => {
    expect(await opening(['tasks', 'chat/lobby', 'tasks'], ALICE, ['41', '', '7'])).toBe(200)
    expect(greetings[0]?.channels).toEqual([{ channel: 'tasks', after: 41 }, { channel: 'chat/lobby' }])
    const until = (channel: string) => ports.store.subscriptions.get(channel as Channel)?.get(ALICE)
    expect(until('tasks')).toBe(epochSeconds(later(START, ports.leaseMs)))
    expect(until('chat/lobby')).toBe(epochSeconds(later(START, CONNECTION_TTL_MS)))
  })

  it.each([
    ['a value of after too few', ['tasks', 'chat/lobby'], ['41']],
    ['a value of after too many', ['tasks'], ['41', '42']],
    ['a value of after with no channel', [], ['41']],
    ['after that is no number', ['tasks'], ['last']],
    ['after below 0', ['tasks'], ['-1']],
    ['after beyond what a number holds', ['tasks'], ['9007199254740993']],
  ])('refuses %s with 400', async (_, channels, afters) => {
    expect(await opening(channels, ALICE, afters)).toBe(400)
    expect(ports.store.traceOf(ALICE)).toEqual([])
    expect(String(ports.reports[0]?.details?.['reason'])).toContain('expected')
  })

  it.each([
    ['an unknown channel', ['nope']],
    ['a bad one after a good one', ['tasks', 'chat/']],
    ['an empty name', ['']],
    [`${MAX_CHANNELS_PER_CONNECTION + 1} channels`, rooms(MAX_CHANNELS_PER_CONNECTION + 1)],
  ])('refuses %s with 400, says why in the log, and keeps the other', async (_, channels) => {
    await opening(['tasks'], BOB)
    expect(await opening(channels)).toBe(400)
    expect(ports.store.traceOf(ALICE)).toEqual([])
    expect(ports.store.traceOf(BOB)).toEqual(['connection', 'tasks'])
    expect(greetings.map(({ connectionId }) => connectionId)).toEqual([BOB])
    expect(ports.reports).toMatchObject([{ level: 'warn', details: { connectionId: ALICE } }])
  })
})
