import type { ChannelEvent, ChatEvent, TaskEvent } from '../protocol/messages.ts'

/** The events that a channel carries, by its name. */
export type EventOf<C extends string> = C extends 'tasks' | `tasks/${string}`
  ? TaskEvent
  : C extends `chat/${string}`
    ? ChatEvent
    : C extends 'echo'
      ? never
      : ChannelEvent
