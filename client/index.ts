// The client library, for browsers and Node.js.
import { Line, type LineOptions } from './line.ts'

/**
 * Opens a line and keeps it open: it comes back when it is lost, is replaced before API Gateway ends it, and what was
 * missed meanwhile is delivered, or a `reset` is.
 * @throws Error where there is no WebSocket
 */
export const connect = (options: LineOptions): Line => new Line(options)

export { type Backoff, DEFAULT_BACKOFF, delayMs } from './backoff.ts'
export { OpenlineError, type OpenlineErrorCode } from './errors.ts'
export type { WebSocketConstructor, WebSocketLike } from './link.ts'
export type { Line, LineOptions, Status } from './line.ts'
export { type LiveTasks, type LiveTasksOptions, liveTasks } from './live-tasks.ts'
export type { Publication, PublicationState } from './publications.ts'
export type { Item } from './sequence.ts'
export type { Subscription, SubscriptionCallbacks } from './subscription.ts'
export type { EventOf } from './types.ts'
export type { ChannelEvent, ChatEvent, Task, TaskEvent } from '../protocol/messages.ts'
