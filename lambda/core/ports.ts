import type {
  Channel,
  ConnectionId,
  EpochMillis,
  EpochSeconds,
  Offset,
  TaskId,
  UserId,
} from '../../protocol/ids.ts'
import type { ChannelEvent, Task } from '../../protocol/messages.ts'

/** Time, given from outside. */
export interface Clock {
  now(): EpochMillis
  /** Resolves after about `ms` milliseconds. */
  sleep(ms: number): Promise<void>
}

/** Uniform in [0, 1): for jitter and for ids. */
export type Random = () => number

/** One line of JSON to the log, for operators. */
export type Report = (
  level: 'info' | 'warn' | 'error',
  message: string,
  details?: Record<string, unknown>,
) => void

/** What is stored of a connection. */
export interface Connection {
  readonly id: ConnectionId
  readonly user: UserId
  readonly connectedAt: EpochMillis
  /** Decides what plain text means; absent while the connection has no channel. */
  readonly firstChannel?: Channel
}

/** A channel, and until when its frames are posted. */
export interface Subscription {
  readonly channel: Channel
  readonly expiresAt: EpochSeconds
}

export type SubscribeOutcome = 'subscribed' | 'unknown-connection' | 'too-many-channels'

/**
 * Connections and their subscriptions: schema B, where a subscription's key is the channel, a shard (a hash of the
 * connection id) and the connection id, and the connection's item lists its keys.
 */
export interface ConnectionStore {
  /** Records a connection together with the subscriptions asked for in the URL. */
  add(connection: Connection, subscriptions: readonly Subscription[], expiresAt: EpochSeconds): Promise<void>
  /** @returns undefined for a connection that is not recorded, or that should have expired by `now` */
  find(id: ConnectionId, now: EpochMillis): Promise<Connection | undefined>
  /** Adds a subscription; a repeated one renews it. The connection's first channel is set when it has none. */
  subscribe(id: ConnectionId, channel: Channel, expiresAt: EpochSeconds): Promise<SubscribeOutcome>
  /** Removes a subscription; fine when there was none. A first channel that goes leaves its place empty. */
  unsubscribe(id: ConnectionId, channel: Channel): Promise<void>
  /**
   * Removes the connection and all its subscriptions, with no read before. Idempotent.
   * @param connectedBefore leave a connection alone that was made at that moment or later
   * @returns `young` when it was left alone for that reason
   */
  remove(id: ConnectionId, connectedBefore?: EpochMillis): Promise<'removed' | 'young'>
  /** Removes one subscription whose connection is gone: what a crash between two writes can leave behind. */
  removeSubscription(id: ConnectionId, channel: Channel): Promise<void>
  /** Ids of the channel's subscribers that have not expired by `now`, page by page. */
  subscribers(channel: Channel, now: EpochMillis): AsyncIterable<readonly ConnectionId[]>
  /** Every recorded connection, page by page. */
  all(): AsyncIterable<readonly Connection[]>
}

/** What the gateway says of a post: `busy` is a 429 or a full buffer, `failed` a 5xx, a timeout or a lost line. */
export type SendOutcome = 'sent' | 'gone' | 'busy' | 'failed'

/** What the gateway says of a close: `closed` is a closed connection now or before, `busy` and `failed` are as for a post. */
export type CloseOutcome = 'closed' | 'busy' | 'failed'

export interface ConnectionState {
  readonly connectedAt: EpochMillis
  readonly lastActiveAt: EpochMillis
}

/** The management API. */
export interface Sender {
  /** Posts one text frame, once, within its own timeout. */
  send(id: ConnectionId, frame: string): Promise<SendOutcome>
  /** @returns `gone` when the connection is closed or its handshake is not over; `unknown` when the gateway can't say */
  inspect(id: ConnectionId): Promise<ConnectionState | 'gone' | 'unknown'>
  /** Closes the connection, once. */
  close(id: ConnectionId): Promise<CloseOutcome>
}

/** One published batch. */
export interface LogEntry {
  readonly offset: Offset
  readonly events: readonly ChannelEvent[]
}

export interface LogRange {
  readonly newest: Offset
  /** Absent when what was asked for can't be had whole. */
  readonly entries?: readonly LogEntry[]
}

/** The append-only log of each channel. */
export interface ChannelLog {
  /**
   * Appends one entry at the newest offset + 1.
   * @throws when the entry can't be placed after many conflicts
   */
  append(channel: Channel, events: readonly ChannelEvent[], now: EpochMillis): Promise<Offset>
  /**
   * Appends one entry under a key, once: a repetition within the log's retention finds the entry that the first made,
   * whatever the events that it came with.
   * @throws when the entry can't be placed after many conflicts
   */
  appendOnce(
    channel: Channel,
    key: string,
    events: readonly ChannelEvent[],
    now: EpochMillis,
  ): Promise<LogEntry>
  /**
   * Appends an entry that stands for events which are lost, at the newest offset + 1.
   * @throws when the entry can't be placed after many conflicts
   */
  appendGap(channel: Channel, now: EpochMillis): Promise<Offset>
  /**
   * Everything after an offset, in order.
   * @returns the entries from `after` + 1 to the newest, without a hole; or only the newest offset, when any of them
   * is missing, expired or a gap, when they are more than one answer should hold, or when the log knows nothing of `after`
   */
  since(channel: Channel, after: Offset, now: EpochMillis): Promise<LogRange>
  /** The newest offset; an empty log is begun with an entry of no events, so that the next append follows it. */
  newest(channel: Channel, now: EpochMillis): Promise<Offset>
}

export interface TaskPage {
  readonly tasks: readonly Task[]
  /** Where the next page starts; absent on the last one. */
  readonly next?: TaskId
}

/** The Tasks table: every write is conditional. */
export interface TaskStore {
  /** @throws when the id exists */
  create(task: Task): Promise<void>
  find(id: TaskId): Promise<Task | undefined>
  list(limit: number, after?: TaskId): Promise<TaskPage>
  /** Replaces a task if its stored version is one less than the new one's. */
  replace(task: Task): Promise<'replaced' | 'conflict'>
  /** Deletes a task if it has that version. */
  remove(id: TaskId, version: number): Promise<'removed' | 'conflict'>
}

/** Starts the `welcome` function for a connection whose handshake is about to end. */
export interface Greeter {
  greet(greeting: Greeting): Promise<void>
}

/** `{"connectionId":"TXzPWdnOjoECGjA=","channels":[{"channel":"tasks","after":41}]}` */
export interface Greeting {
  readonly connectionId: ConnectionId
  readonly channels: readonly AskedChannel[]
}

/** A channel of the URL, and the last offset of it that the client has, where it said so. */
export interface AskedChannel {
  readonly channel: Channel
  readonly after?: Offset
}
