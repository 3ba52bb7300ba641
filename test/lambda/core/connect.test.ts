import { beforeEach, describe, expect, it } from 'vitest'
import { CONNECTION_TTL_MS, connect } from '../../../lambda/core/connect.ts'
import type { Greeting } from '../../../lambda/core/ports.ts'
import { MAX_CHANNELS_PER_CONNECTION } from '../../../protocol/channel.ts'
import { epochSeconds, later, userId } from '../../../protocol/ids.ts'
import { CONNECTION_LIFETIME_MS } from '../../../protocol/limits.ts'
import { ALICE, BOB, START, fakePorts } from '../../support/fakes.ts'

describe('connect', () => {
  let ports: ReturnType<typeof fakePorts>
  let greetings: Greeting[]
  beforeEach(() => {
    ports = fakePorts()
    greetings = []
  })

  const opening = (channels: string[], id = ALICE) => {
    const greeter = { greet: async (greeting: Greeting) => void greetings.push(greeting) }
    return connect({ id, user: userId('guest-alice'), connectedAt: START, channels }, { ...ports, greeter })
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
    expect(greetings).toEqual([{ connectionId: ALICE, channels: ['chat/lobby', 'tasks'] }])
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
    expect(greetings[0]?.channels).toEqual(rooms(MAX_CHANNELS_PER_CONNECTION))
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
