import {
  type Channel,
  type ConnectionId,
  type EpochMillis,
  type Offset,
  epochMillis,
  epochSeconds,
  later,
  offset,
  taskId,
  userId,
  connectionId,
} from '../../protocol/ids.ts'
import type { ChannelEvent, Task } from '../../protocol/messages.ts'
import type { PublishDeps } from '../../lambda/core/publish.ts'
import type {
  ChannelLog,
  Clock,
  CloseOutcome,
  Connection,
  ConnectionState,
  ConnectionStore,
  LogEntry,
  SendOutcome,
  Sender,
  Subscription,
  TaskStore,
} from '../../lambda/core/ports.ts'
import { MAX_CHANNELS_PER_CONNECTION } from '../../protocol/channel.ts'

export const START = epochMillis(Date.UTC(2026, 10, 23, 9, 0, 0))

/** A clock whose sleepers wake at once, time having moved on. */
export class FakeClock implements Clock {
  time: EpochMillis = START
  now() {
    return this.time
  }
  async sleep(ms: number) {
    this.time = later(this.time, ms)
    await Promise.resolve()
  }
}

interface Stored extends Connection {
  readonly expiresAt: number
  readonly channels: Set<Channel>
}

/** Connections in memory, in the two kinds of item that the table has. */
export class FakeStore implements ConnectionStore {
  readonly connections = new Map<ConnectionId, Stored>()
  /** `tasks` → connection id → expiresAt */
  readonly subscriptions = new Map<Channel, Map<ConnectionId, number>>()
  pageSize = 2

  async add(connection: Connection, subscriptions: readonly Subscription[], expiresAt: number) {
    const channels = new Set(subscriptions.map(({ channel }) => channel))
    this.connections.set(connection.id, { ...connection, expiresAt, channels })
    for (const { channel, expiresAt: until } of subscriptions) this.#put(channel, connection.id, until)
  }
  #put(channel: Channel, id: ConnectionId, expiresAt: number) {
    const members = this.subscriptions.get(channel) ?? new Map<ConnectionId, number>()
    this.subscriptions.set(channel, members.set(id, expiresAt))
  }
  async find(id: ConnectionId, now: EpochMillis) {
    const found = this.connections.get(id)
    return found && found.expiresAt > epochSeconds(now) ? found : undefined
  }
  async subscribe(id: ConnectionId, channel: Channel, expiresAt: number) {
    const found = this.connections.get(id)
    if (!found) return 'unknown-connection'
    if (found.channels.size >= MAX_CHANNELS_PER_CONNECTION && !found.channels.has(channel))
      return 'too-many-channels'
    found.channels.add(channel)
    this.connections.set(id, { ...found, firstChannel: found.firstChannel ?? channel })
    this.#put(channel, id, expiresAt)
    return 'subscribed'
  }
  async unsubscribe(id: ConnectionId, channel: Channel) {
    this.subscriptions.get(channel)?.delete(id)
    const found = this.connections.get(id)
    found?.channels.delete(channel)
    if (found?.firstChannel !== channel) return
    const { firstChannel: _, ...rest } = found
    this.connections.set(id, rest)
  }
  async remove(id: ConnectionId, connectedBefore?: EpochMillis) {
    const found = this.connections.get(id)
    if (found && connectedBefore !== undefined && found.connectedAt >= connectedBefore) return 'young'
    this.connections.delete(id)
    for (const channel of found?.channels ?? []) this.subscriptions.get(channel)?.delete(id)
    return 'removed'
  }
  async removeSubscription(id: ConnectionId, channel: Channel) {
    this.subscriptions.get(channel)?.delete(id)
  }
  async *subscribers(channel: Channel, now: EpochMillis) {
    const live = [...(this.subscriptions.get(channel) ?? [])].filter(
      ([, expiresAt]) => expiresAt > epochSeconds(now),
    )
    yield* this.#pages(live.map(([id]) => id))
  }
  async *all() {
    yield* this.#pages([...this.connections.values()])
  }
  *#pages<T>(items: readonly T[]) {
    for (let i = 0; i < items.length; i += this.pageSize) yield items.slice(i, i + this.pageSize)
  }
  /** Whatever is left of a connection, of either kind. */
  traceOf(id: ConnectionId): string[] {
    const kept = this.connections.has(id) ? ['connection'] : []
    return [
      ...kept,
      ...[...this.subscriptions].filter(([, members]) => members.has(id)).map(([channel]) => channel),
    ]
  }
}

/** A gateway whose answers are set: by default everything is sent, and every connection is open. */
export class FakeSender implements Sender {
  readonly frames: { id: ConnectionId; frame: string }[] = []
  readonly closed: ConnectionId[] = []
  answer: (id: ConnectionId, attempt: number) => SendOutcome = () => 'sent'
  state: (id: ConnectionId, attempt: number) => ConnectionState | 'gone' | 'unknown' = () => ({
    connectedAt: START,
    lastActiveAt: START,
  })
  closing: (id: ConnectionId, attempt: number) => CloseOutcome = () => 'closed'
  readonly #attempts = new Map<string, number>()
  #count(key: string) {
    const attempt = this.#attempts.get(key) ?? 0
    this.#attempts.set(key, attempt + 1)
    return attempt
  }
  async send(id: ConnectionId, frame: string) {
    const outcome = this.answer(id, this.#count(`send ${id}`))
    if (outcome === 'sent') this.frames.push({ id, frame })
    return outcome
  }
  async inspect(id: ConnectionId) {
    return this.state(id, this.#count(`inspect ${id}`))
  }
  async close(id: ConnectionId) {
    const outcome = this.closing(id, this.#count(`close ${id}`))
    if (outcome === 'closed') this.closed.push(id)
    return outcome
  }
  /** What one connection was sent, parsed where it is JSON. */
  sentTo(id: ConnectionId): unknown[] {
    return this.frames
      .filter((f) => f.id === id)
      .map(({ frame }) => (frame.startsWith('{') ? (JSON.parse(frame) as unknown) : frame))
  }
}

export class FakeLog implements ChannelLog {
  entries: { channel: Channel; offset: number; events: readonly ChannelEvent[]; isGap?: true }[] = []
  readonly #keys = new Map<string, LogEntry>()
  async append(channel: Channel, events: readonly ChannelEvent[], now: EpochMillis) {
    const last = this.entries.findLast((entry) => entry.channel === channel)
    const at = offset(last ? last.offset + 1 : now)
    this.entries.push({ channel, offset: at, events })
    return at
  }
  async appendOnce(channel: Channel, key: string, events: readonly ChannelEvent[], now: EpochMillis) {
    const name = `${channel}#${key}`
    const entry = this.#keys.get(name) ?? { offset: await this.append(channel, events, now), events }
    this.#keys.set(name, entry)
    return entry
  }
  async appendGap(channel: Channel, now: EpochMillis) {
    const at = await this.append(channel, [], now)
    this.entries[this.entries.length - 1] = { channel, offset: at, events: [], isGap: true }
    return at
  }
  async since(channel: Channel, after: Offset, now: EpochMillis) {
    const newest = await this.newest(channel, now)
    const found = this.entries.filter((entry) => entry.channel === channel && entry.offset > after)
    const later = found.map((entry) => ({ offset: offset(entry.offset), events: entry.events }))
    const isWhole = found.every((entry, i) => entry.offset === after + i + 1 && !entry.isGap)
    return isWhole && (later.length > 0 || newest === after) ? { newest, entries: later } : { newest }
  }
  async newest(channel: Channel, now: EpochMillis) {
    const last = this.entries.findLast((entry) => entry.channel === channel)
    return last ? offset(last.offset) : this.append(channel, [], now)
  }
}

export class FakeTasks implements TaskStore {
  readonly items = new Map<string, Task>()
  /** Runs before each write: somebody else who is quicker. */
  beforeWrite: () => void = () => undefined
  async create(task: Task) {
    this.items.set(task.id, task)
  }
  async find(id: string) {
    return this.items.get(id)
  }
  async list(limit: number, after?: string) {
    const all = [...this.items.values()]
    const start = after === undefined ? 0 : all.findIndex((task) => task.id === after) + 1
    const tasks = all.slice(start, start + limit)
    const last = tasks.at(-1)
    return { tasks, ...(last && start + limit < all.length ? { next: last.id } : {}) }
  }
  async replace(task: Task) {
    this.beforeWrite()
    if (this.items.get(task.id)?.version !== task.version - 1) return 'conflict'
    this.items.set(task.id, task)
    return 'replaced'
  }
  async remove(id: string, version: number) {
    this.beforeWrite()
    if (this.items.get(id)?.version !== version) return 'conflict'
    this.items.delete(id)
    return 'removed'
  }
}

/** All the ports at once, with hands on each. */
export function fakePorts() {
  const reports: { level: string; message: string; details?: Record<string, unknown> }[] = []
  const ports = {
    store: new FakeStore(),
    sender: new FakeSender(),
    log: new FakeLog(),
    tasks: new FakeTasks(),
    clock: new FakeClock(),
    random: () => 0.5,
    newId: () => 'm-1',
    leaseMs: 900_000,
    reports,
    report: (level: string, message: string, details?: Record<string, unknown>) => {
      reports.push({ level, message, ...(details ? { details } : {}) })
    },
  }
  return ports satisfies PublishDeps
}

export const ALICE = connectionId('TXzPWdnOjoECGjA=')
export const BOB = connectionId('TXzQ_-nOjoECGjB=')

/** A connection that has been open for a minute, subscribed to some channels. */
export async function open(store: ConnectionStore, id: ConnectionId, ...channels: Channel[]): Promise<void> {
  const [firstChannel] = channels
  const connection = { id, user: userId(`user-${id}`), connectedAt: later(START, -60_000) }
  const expiresAt = epochSeconds(later(START, 3_600_000))
  const subscriptions = channels.map((channel) => ({ channel, expiresAt }))
  await store.add({ ...connection, ...(firstChannel ? { firstChannel } : {}) }, subscriptions, expiresAt)
}

export const aTask = (over: Partial<Task> = {}): Task => ({
  id: taskId('t-7'),
  title: 'Ship it',
  done: false,
  version: 1,
  createdAt: '2026-11-23T09:00:00.000Z',
  updatedAt: '2026-11-23T09:00:00.000Z',
  ...over,
})
