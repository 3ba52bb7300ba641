import type { ErrorCode } from './errors.ts'
import type { Channel, ConnectionId, Offset, TaskId, UserId } from './ids.ts'

/** A task as the table, the REST side and the events show it. */
export interface Task {
  readonly id: TaskId
  readonly title: string
  readonly done: boolean
  /** 1 when created, one more with every change. */
  readonly version: number
  /** `2026-11-23T09:12:06.514Z` */
  readonly createdAt: string
  readonly updatedAt: string
}

export type TaskEventType = 'task.created' | 'task.updated' | 'task.deleted'

/**
 * A change of a task. Of two events about one task the one with the higher version is the newer.
 * `{"type":"task.updated","id":"t-7","version":3,"at":"2026-11-23T09:12:06.514Z","data":{"title":"Ship it","done":true,"createdAt":"…"}}`
 */
export type TaskEvent =
  | {
      readonly type: 'task.created' | 'task.updated'
      readonly id: TaskId
      readonly version: number
      /** When it changed, ISO 8601 with milliseconds, UTC. */
      readonly at: string
      readonly data: { readonly title: string; readonly done: boolean; readonly createdAt: string }
    }
  | {
      readonly type: 'task.deleted'
      readonly id: TaskId
      /** One more than the deleted item's: nothing older can bring the task back. */
      readonly version: number
      readonly at: string
    }

/** `{"type":"chat.message","id":"m-1","from":"guest-kx3a","at":"2026-11-23T09:12:06.514Z","data":"hi"}` */
export interface ChatEvent {
  readonly type: 'chat.message'
  /** The sender's `messageId`, else one made for it. */
  readonly id: string
  readonly from: UserId
  readonly at: string
  readonly data: string
}

export type ChannelEvent = TaskEvent | ChatEvent

/** `{"action":"subscribe","channel":"tasks","after":41,"id":"1"}` */
export interface SubscribeMessage {
  readonly action: 'subscribe'
  readonly channel: Channel
  /** The last offset the client has; without it the client wants what comes from now on. */
  readonly after?: Offset
  readonly id?: string
}

/** `{"action":"unsubscribe","channel":"tasks"}` */
export interface UnsubscribeMessage {
  readonly action: 'unsubscribe'
  readonly channel: Channel
  readonly id?: string
}

/** `{"action":"publish","channel":"chat/lobby","data":"hi","messageId":"m-1"}` */
export interface PublishMessage {
  readonly action: 'publish'
  readonly channel: Channel
  readonly data: string
  readonly messageId?: string
  readonly id?: string
}

/** Answered by the gateway; reaches a function only where the `ping` route is missing or `action` came in another form. */
export interface PingMessage {
  readonly action: 'ping'
  readonly id?: string
}

export type Action = SubscribeMessage | UnsubscribeMessage | PublishMessage | PingMessage

/** What a client may say: plain text (not beginning like JSON) or an action. */
export type ClientMessage = { readonly action: 'text'; readonly text: string } | Action

interface Reply {
  /** The `id` of the action that this answers, when it had one. */
  readonly id?: string
}

export interface WelcomeFrame {
  readonly type: 'welcome'
  readonly connectionId: ConnectionId
  /** How often to send a ping while nothing else is said, in milliseconds. */
  readonly heartbeatMs: number
  /** How long a subscription made or renewed with `after` lasts unless it is renewed again, in milliseconds. */
  readonly leaseMs: number
  /** Over how long clients that all lost their lines at once spread their first attempt to come back, in milliseconds. */
  readonly reconnectMs: number
  /** How long a connection can live, in milliseconds; API Gateway ends it then. */
  readonly lifetimeMs: number
  /** The channels asked for in the URL, each with its newest offset. */
  readonly channels: Readonly<Record<string, Offset>>
}

/** Events of one channel, oldest first, and the offsets that they take. */
interface Batch {
  readonly channel: Channel
  /** The offset of the last of them. */
  readonly offset: Offset
  /**
   * Where the frame holds those of several offsets, how many of them belong to each, `offset` the last of them: with
   * `offset` 44, `[2,1,1]` is two events at 42, one at 43 and one at 44. Absent: all are at `offset`.
   */
  readonly sizes?: readonly number[]
  readonly events: readonly ChannelEvent[]
}

/** `{"type":"events","channel":"tasks","offset":42,"events":[…]}` */
export interface EventsFrame extends Batch {
  readonly type: 'events'
}

/**
 * Subscribed, and nothing was missed for good: `events` frames and this one hold everything after `after`.
 * `{"type":"subscribed","channel":"tasks","offset":44,"sizes":[2,1,1],"events":[…],"id":"1"}`
 */
export interface SubscribedFrame extends Reply, Partial<Pick<Batch, 'sizes' | 'events'>> {
  readonly type: 'subscribed'
  readonly channel: Channel
  /** The newest offset: every later event will be delivered or noticed as missing. */
  readonly offset: Offset
}

/** Subscribed as well, but what was missed can't be had: take a snapshot, then go on from `offset`. */
export interface ResetFrame extends Reply {
  readonly type: 'reset'
  readonly channel: Channel
  readonly offset: Offset
}

export interface UnsubscribedFrame extends Reply {
  readonly type: 'unsubscribed'
  readonly channel: Channel
}

export interface PublishedFrame extends Reply {
  readonly type: 'published'
  readonly channel: Channel
  readonly offset: Offset
}

export interface PongFrame extends Reply {
  readonly type: 'pong'
}

export interface ErrorFrame extends Reply {
  readonly type: 'error'
  readonly code: ErrorCode
  /** A sentence for people; safe to show. */
  readonly message: string
  /** Names the request in the logs. */
  readonly requestId: string
}

export type ServerMessage =
  | WelcomeFrame
  | EventsFrame
  | SubscribedFrame
  | ResetFrame
  | UnsubscribedFrame
  | PublishedFrame
  | PongFrame
  | ErrorFrame

/** What a client offers as its subprotocol and the server accepts, so that a token may travel beside it. */
export const SUBPROTOCOL = 'openline.v1'
/** A token, offered as a further subprotocol: it stands in no URL and so in no log. */
export const bearer = (token: string) => `bearer.${token}`

/** Said to a connection whose first channel is `echo`. */
export const ECHO_GREETING = 'Connected. Say something.'
export const ECHO_GOODBYE = 'Goodbye'
export const echoOf = (text: string) => `You said: ${text}`
/** `bye` in any case ends an echo line. */
export const isBye = (text: string) => text.trim().toLowerCase() === 'bye'
