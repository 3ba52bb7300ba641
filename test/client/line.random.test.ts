import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Line } from '../../client/line.ts'
import type { WebSocketConstructor, WebSocketLike } from '../../client/link.ts'
import type { Subscription } from '../../client/subscription.ts'
import type { ChatEvent } from '../../protocol/messages.ts'
import { said } from './a-line.ts'
import { seeded } from './seeded.ts'

const SEEDS = 1_000
const MAX_STEPS = 200
const CHANNELS = ['chat/one', 'chat/two'] as const
type Room = (typeof CHANNELS)[number]
/** Events of a channel begin here; the one at `offset` is `${channel}@${offset}`. */
const FIRST = 100

interface Action {
  readonly action: string
  readonly channel: Room
  readonly after?: number
  readonly id?: string
}

/** One connection at the server: what it was told and has not done, and what it says and has not been heard. */
class Connection implements WebSocketLike {
  onopen: ((event: never) => unknown) | null = null
  onmessage: ((event: never) => unknown) | null = null
  onclose: ((event: never) => unknown) | null = null
  onerror: ((event: never) => unknown) | null = null
  readonly subscribed = new Set<Room>()
  readonly actions: Action[] = []
  readonly frames: object[] = []
  state: 'opening' | 'open' | 'over' = 'opening'

  send(data: string) {
    if (this.state === 'opening') throw new Error('the socket is not open')
    if (this.state === 'open') this.actions.push(JSON.parse(data) as Action)
  }
  close() {
    this.state = 'over'
  }
  open() {
    this.state = 'open'
    this.onopen?.({} as never)
  }
  end() {
    this.close()
    this.onclose?.({ code: 1006 } as never)
  }
}

/** What one subscriber was told: where it began, and each offset since. */
interface Heard {
  readonly subscription: Subscription<ChatEvent>
  readonly channel: Room
  at: number | undefined
  isClosed: boolean
}

/**
 * A server that carries out what it was told in any order, or fails to, whose frames come in any order or not at all,
 * and whose lines end at any time.
 */
class World {
  readonly #random: () => number
  readonly #newest = new Map<Room, number>(CHANNELS.map((channel) => [channel, FIRST]))
  /** What is before this has expired. */
  readonly #oldest = new Map<Room, number>(CHANNELS.map((channel) => [channel, FIRST]))
  readonly #connections: Connection[] = []
  readonly heard: Heard[] = []
  readonly wrong: string[] = []
  readonly line: Line
  readonly #lifetimeMs: number
  /** Whether anything goes wrong. */
  #isCalm = false

  constructor(seed: number) {
    this.#random = seeded(seed)
    // A line that is replaced mends a lot.
    this.#lifetimeMs = this.#pick([60_000, 7_200_000]) ?? 0
    const open = () => {
      const connection = new Connection()
      this.#connections.push(connection)
      if (this.#live.length > 2) this.wrong.push('more than two lines at once')
      return connection
    }
    const WebSocket = function () {
      return open()
    } as unknown as WebSocketConstructor
    this.line = new Line({ url: 'wss://x/dev', WebSocket, random: this.#random, backoff: { capMs: 2_000 } })
  }

  get #live(): Connection[] {
    return this.#connections.filter(({ state }) => state !== 'over')
  }

  readonly #steps: readonly (() => void)[] = [
    () => this.#follow(),
    () => this.#close(),
    () => this.#say(),
    () => this.#say(),
    () => this.#greet(),
    () => this.#carryOut(),
    () => this.#carryOut(),
    () => this.#carryOut(),
    () => this.#deliver(),
    () => this.#deliver(),
    () => this.#deliver(),
    () => this.#isRare() && this.#pick(this.#live)?.end(),
    () => this.#isRare() && this.#expire(),
  ]

  async step(): Promise<void> {
    this.#pick(this.#steps)?.()
    await vi.advanceTimersByTimeAsync(this.#random() < 0.2 ? this.#random() * 12_000 : this.#random() * 100)
  }

  /** Nothing goes wrong any more, and everybody follows something. @returns whether all is well within a minute */
  async calm(): Promise<boolean> {
    this.#isCalm = true
    for (const channel of CHANNELS)
      if (this.heard.every((heard) => heard.isClosed || heard.channel !== channel)) this.#follow(channel)
    await vi.advanceTimersByTimeAsync(0)
    for (let second = 0; second < 240; second++) {
      if (second === 120) for (const channel of CHANNELS) this.#say(channel)
      while (this.#connections.some((connection) => this.#serve(connection)))
        await vi.advanceTimersByTimeAsync(0)
      await vi.advanceTimersByTimeAsync(1_000)
      if (second > 125 && this.line.status === 'open' && this.#isUpToDate()) return true
    }
    return false
  }
  #serve(connection: Connection): boolean {
    if (connection.state === 'opening') this.#greet(connection)
    else if (connection.actions.length > 0) this.#carryOut(connection)
    else if (connection.frames.length > 0 && connection.state === 'open') this.#deliver(connection)
    else return false
    return true
  }
  #isUpToDate(): boolean {
    return this.heard.every(({ isClosed, at, channel }) => isClosed || at === this.#newest.get(channel))
  }

  #isRare(): boolean {
    return !this.#isCalm && this.#random() < 0.1
  }
  #pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#random() * from.length)]
  }
  #take<T>(from: T[]): T | undefined {
    return from.splice(Math.floor(this.#random() * from.length), 1)[0]
  }

  #follow(channel: Room = this.#pick(CHANNELS) ?? 'chat/one'): void {
    const wrong = (what: string) => this.wrong.push(`${channel}: ${what}`)
    const subscription = this.line.subscribe(channel, {
      onSubscribed: (offset) => (heard.at ??= offset),
      onReset: (offset) => (heard.at = offset),
      onEvent: ({ id }, offset) => {
        if (heard.isClosed) wrong(`${offset} after its end`)
        // One that joins others hears what comes from then on, and where that is only a moment later.
        if (heard.at !== undefined && offset !== heard.at + 1) wrong(`${offset} after ${heard.at}`)
        if (id !== `${channel}@${offset}`) wrong(`${id} at ${offset}`)
        heard.at = offset
      },
      onError: ({ message }) => wrong(message),
    })
    const heard: Heard = { subscription, channel, at: undefined, isClosed: false }
    this.heard.push(heard)
  }
  #close(): void {
    const heard = this.#pick(this.heard.filter(({ isClosed }) => !isClosed))
    if (!heard) return
    heard.isClosed = true
    heard.subscription.close()
    if (this.#random() < 0.5) this.#follow(heard.channel)
  }

  /** Somebody says something: it is in the log, then it is posted to whoever is subscribed. */
  #say(channel: Room = this.#pick(CHANNELS) ?? 'chat/one'): void {
    const offset = (this.#newest.get(channel) ?? 0) + 1
    this.#newest.set(channel, offset)
    for (const { subscribed, frames } of this.#live)
      if (subscribed.has(channel) && !this.#isRare())
        frames.push(this.#frame('events', channel, offset, offset))
  }
  #expire(): void {
    const channel = this.#pick(CHANNELS) ?? 'chat/one'
    this.#oldest.set(channel, this.#newest.get(channel) ?? 0)
  }
  /** Everything from one offset to another, each event at its own. */
  #frame(type: string, channel: Room, from: number, offset: number, id?: string): object {
    const offsets = Array.from({ length: offset - from + 1 }, (_, i) => from + i)
    const events = offsets.map((at) => said(`${channel}@${at}`))
    return {
      type,
      channel,
      offset,
      id,
      ...(events.length > 0 ? { sizes: offsets.map(() => 1), events } : {}),
    }
  }

  #greet(connection = this.#pick(this.#live.filter(({ state }) => state === 'opening'))): void {
    if (!connection) return
    connection.open()
    // No lease is renewed within the test, so that nothing but what is asked mends anything.
    const [lifetimeMs, heartbeatMs, leaseMs] = [this.#lifetimeMs, 3_600_000, 36_000_000]
    connection.frames.push({ type: 'welcome', heartbeatMs, leaseMs, reconnectMs: 100, lifetimeMs })
  }

  /** One function, whichever; its connection may be gone by then. */
  #carryOut(connection = this.#pick(this.#connections.filter(({ actions }) => actions.length > 0))): void {
    const action = connection && this.#take(connection.actions)
    if (!connection || !action) return
    const { channel, after, id } = action
    const answer = (frame: object) => !this.#isRare() && connection.frames.push(frame)
    const error = (code: string) => answer({ type: 'error', code, message: code, requestId: 'r', id })
    if (action.action === 'ping') answer({ type: 'pong' })
    else if (this.#isRare()) error('internal')
    else if (action.action === 'unsubscribe') {
      connection.subscribed.delete(channel)
      answer({ type: 'unsubscribed', channel, id })
    } else {
      if (connection.state === 'open') connection.subscribed.add(channel)
      const [newest = 0, oldest = 0] = [this.#newest.get(channel), this.#oldest.get(channel)]
      const offset = newest
      if (after === undefined) answer({ type: 'subscribed', channel, offset, id })
      else if (after < oldest || after > newest) answer({ type: 'reset', channel, offset, id })
      else if (newest - after < 2) answer(this.#frame('subscribed', channel, after + 1, offset, id))
      else {
        // More than fits the answer: some of it is posted.
        const posted = after + 1 + Math.floor(this.#random() * (newest - after - 1))
        connection.frames.push(this.#frame('events', channel, after + 1, posted))
        answer(this.#frame('subscribed', channel, posted + 1, offset, id))
      }
    }
  }

  #deliver(connection = this.#pick(this.#live.filter(({ state }) => state === 'open'))): void {
    const frame = connection && this.#take(connection.frames)
    if (frame) connection.onmessage?.({ data: JSON.stringify(frame) } as never)
  }
}

describe('Line, whatever the server and the network do', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it(`tells every subscriber every offset once, in order, or of a reset (${SEEDS} seeds)`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World(seed)
      await vi.advanceTimersByTimeAsync(0)
      for (let step = 0; step < 20 + (seed % MAX_STEPS); step++) await world.step()
      const isWell = await world.calm()
      expect(world.wrong, `seed ${seed}`).toEqual([])
      expect(isWell, `seed ${seed}: ${world.line.status}, ${JSON.stringify(world.heard)}`).toBe(true)
      world.line.close()
      expect(vi.getTimerCount(), `seed ${seed}`).toBe(0)
    }
  })
})
