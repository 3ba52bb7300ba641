import { beforeEach, describe, expect, it } from 'vitest'
import { HANDSHAKE_GRACE_MS } from '../../../lambda/core/deliver.ts'
import type { AskedChannel } from '../../../lambda/core/ports.ts'
import { turnAway, welcome } from '../../../lambda/core/welcome.ts'
import { ECHO, TASKS } from '../../../protocol/channel.ts'
import { type Channel, offset, userId } from '../../../protocol/ids.ts'
import { CONNECTION_LIFETIME_MS } from '../../../protocol/limits.ts'
import { ALICE, BOB, START, aTask, fakePorts, open } from '../../support/fakes.ts'

const LOBBY = 'chat/lobby' as Channel

describe('welcome', () => {
  let ports: ReturnType<typeof fakePorts>
  beforeEach(() => void (ports = fakePorts()))

  const greet = (...channels: Channel[]) => greetWith(...channels.map((channel) => ({ channel })))
  const greetWith = (...channels: AskedChannel[]) =>
    welcome({ connectionId: ALICE, channels }, { ...ports, heartbeatMs: 240_000, reconnectMs: 1_000 })
  const OPEN = { connectedAt: START, lastActiveAt: START }

  it('tells the newest offset of each channel, the version of a task and 0 of one that is not there', async () => {
    await open(ports.store, ALICE)
    ports.tasks.items.set('t-7', aTask({ version: 3 }))
    await ports.log.append(TASKS, [], START)
    const newest = await ports.log.append(TASKS, [], START)
    await greet(TASKS, 'tasks/t-7' as Channel, 'tasks/t-none' as Channel)
    expect(ports.sender.sentTo(ALICE)).toEqual([
      {
        type: 'welcome',
        connectionId: ALICE,
        heartbeatMs: 240_000,
        leaseMs: 900_000,
        reconnectMs: 1_000,
        lifetimeMs: CONNECTION_LIFETIME_MS,
        channels: { tasks: newest, 'tasks/t-7': 3, 'tasks/t-none': 0 },
      },
    ])
  })

  it('replays what a channel brought after the offset that the client has, and resets one that can not be had whole', async () => {
    await open(ports.store, ALICE, TASKS)
    const said = (data: string) => [
      { type: 'chat.message' as const, id: data, from: userId('bob'), at: '', data },
    ]
    const first = await ports.log.append(LOBBY, said('a'), START)
    await ports.log.append(LOBBY, said('b'), START)
    const last = await ports.log.append(LOBBY, said('c'), START)
    const newest = await ports.log.append(TASKS, [], START)
    await greetWith({ channel: LOBBY, after: first }, { channel: TASKS, after: offset(newest - 2) })
    expect(ports.sender.sentTo(ALICE)).toMatchObject([
      { type: 'welcome', channels: { [LOBBY]: last, tasks: newest } },
      { type: 'events', channel: LOBBY, offset: last, sizes: [1, 1], events: [{ id: 'b' }, { id: 'c' }] },
      { type: 'reset', channel: 'tasks', offset: newest },
    ])
  })

  it('says no more once a frame can not be delivered', async () => {
    await open(ports.store, ALICE, TASKS)
    const newest = await ports.log.append(TASKS, [], START)
    ports.sender.answer = () => 'gone'
    await greetWith({ channel: TASKS, after: offset(newest - 2) })
    expect(ports.sender.frames).toEqual([])
    expect(ports.store.traceOf(ALICE)).toEqual([])
  })

  it('greets an echo line in words, and nobody else', async () => {
    await open(ports.store, ALICE, ECHO)
    await open(ports.store, BOB, ECHO)
    await greet(ECHO, TASKS)
    expect(ports.sender.frames).toEqual([{ id: ALICE, frame: 'Connected. Say something.' }])
  })

  it.each(['gone', 'unknown'] as const)(
    'waits while the gateway says %s, and reads the offsets only then',
    async (state) => {
      await open(ports.store, ALICE, TASKS)
      ports.sender.state = (_, attempt) => {
        if (attempt < 3) return state
        ports.log.entries.push({ channel: TASKS, offset: 42, events: [] })
        return OPEN
      }
      await greet(TASKS)
      expect(ports.clock.now()).toBeGreaterThan(START)
      expect(ports.sender.sentTo(ALICE)).toMatchObject([{ channels: { tasks: 42 } }])
    },
  )

  it('forgets a connection that never opens, within the grace, and keeps the other', async () => {
    await open(ports.store, ALICE, TASKS)
    await open(ports.store, BOB, TASKS)
    ports.sender.state = (id) => (id === ALICE ? 'gone' : OPEN)
    await greet(TASKS)
    expect(ports.clock.now() - START).toBeGreaterThan(HANDSHAKE_GRACE_MS - 500)
    expect(ports.clock.now() - START).toBeLessThanOrEqual(HANDSHAKE_GRACE_MS)
    expect(ports.sender.frames).toEqual([])
    expect(ports.store.traceOf(ALICE)).toEqual([])
    expect(ports.store.traceOf(BOB)).toEqual(['connection', 'tasks'])
  })

  it('goes on where the gateway can not say whether it is open', async () => {
    await open(ports.store, ALICE, TASKS)
    ports.sender.state = () => 'unknown'
    await greet(TASKS)
    expect(ports.sender.sentTo(ALICE)).toMatchObject([{ type: 'welcome' }])
  })

  it.each([TASKS, ECHO])('throws when %s can be neither greeted nor closed', async (channel) => {
    await open(ports.store, ALICE, channel)
    ports.sender.answer = () => 'busy'
    ports.sender.closing = () => 'busy'
    await expect(greet(channel)).rejects.toThrow(`connection "${ALICE}" could be neither greeted nor closed`)
  })

  it('closes a line that is open but known to nobody, and keeps the other', async () => {
    await open(ports.store, BOB, TASKS)
    await greet(TASKS)
    expect(ports.sender.closed).toEqual([ALICE])
    expect(ports.sender.frames).toEqual([])
    expect(ports.store.traceOf(BOB)).toEqual(['connection', 'tasks'])
  })
})

it('throws when a line that is open but known to nobody can not be closed', async () => {
  const ports = fakePorts()
  ports.sender.closing = () => 'busy'
  const greeting = { connectionId: ALICE, channels: [{ channel: TASKS }] }
  await expect(welcome(greeting, { ...ports, heartbeatMs: 1, reconnectMs: 1 })).rejects.toThrow(
    'could not be closed',
  )
})

describe('turnAway', () => {
  let ports: ReturnType<typeof fakePorts>
  beforeEach(async () => {
    ports = fakePorts()
    for (const id of [ALICE, BOB]) await open(ports.store, id, TASKS)
  })
  const OPEN = { connectedAt: START, lastActiveAt: START }

  it('closes the connection that could not be greeted, and keeps the other', async () => {
    await turnAway(ALICE, ports)
    expect(ports.sender.closed).toEqual([ALICE])
    expect(ports.store.traceOf(ALICE)).toEqual([])
    expect(ports.store.traceOf(BOB)).toEqual(['connection', 'tasks'])
  })

  it('waits for the end of the handshake: before it nothing can be closed', async () => {
    let isOpen = false
    ports.sender.state = (_, attempt) => {
      isOpen = attempt >= 3
      return isOpen ? OPEN : 'gone'
    }
    ports.sender.closing = () => {
      expect(isOpen).toBe(true)
      return 'closed'
    }
    await turnAway(ALICE, ports)
    expect(ports.sender.closed).toEqual([ALICE])
  })

  it('forgets a connection that never opens', async () => {
    ports.sender.state = () => 'gone'
    await turnAway(ALICE, ports)
    expect(ports.sender.closed).toEqual([])
    expect(ports.store.traceOf(ALICE)).toEqual([])
  })

  it.each(['busy', 'failed'] as const)('throws when closing it is %s, and keeps it', async (outcome) => {
    ports.sender.closing = () => outcome
    await expect(turnAway(ALICE, ports)).rejects.toThrow(
      `connection "${ALICE}" could not be closed: ${outcome}`,
    )
    expect(ports.store.traceOf(ALICE)).toEqual(['connection', 'tasks'])
  })
})
