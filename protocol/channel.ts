import { type Channel, type TaskId, taskId } from './ids.ts'

/**
 * What a channel's name says.
 *
 * | name         | carries                               |
 * | ------------ | ------------------------------------- |
 * | `tasks`      | every change of every task            |
 * | `tasks/{id}` | the changes of one task               |
 * | `chat/{room}`| what people say in a room             |
 * | `echo`       | nothing: plain text returns to sender |
 */
export type ChannelKind =
  | { readonly kind: 'tasks' }
  | { readonly kind: 'task'; readonly id: TaskId }
  | { readonly kind: 'chat'; readonly room: string }
  | { readonly kind: 'echo' }

/** Characters in a channel's name. */
export const MAX_CHANNEL_LENGTH = 100
/** Channels one connection may be subscribed to: its item stays near 1 KB, one write unit. */
export const MAX_CHANNELS_PER_CONNECTION = 30

const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}$/

export const TASKS = 'tasks' as Channel
export const ECHO = 'echo' as Channel
export const taskChannel = (id: TaskId) => `tasks/${id}` as Channel

/** The kind of a channel whose name was checked. */
export function kindOf(channel: Channel): ChannelKind {
  const slash = channel.indexOf('/')
  if (slash < 0) return channel === ECHO ? { kind: 'echo' } : { kind: 'tasks' }
  const rest = channel.slice(slash + 1)
  return channel.startsWith('tasks/') ? { kind: 'task', id: taskId(rest) } : { kind: 'chat', room: rest }
}

/**
 * A channel from text that anybody may have sent.
 * @returns the channel, or the complaint as a sentence for the sender
 */
export function parseChannel(value: string): { ok: true; channel: Channel } | { ok: false; message: string } {
  if (value.length > MAX_CHANNEL_LENGTH)
    return {
      ok: false,
      message: `channel has ${value.length} characters; at most ${MAX_CHANNEL_LENGTH} are allowed`,
    }
  const [head, segment, ...more] = value.split('/')
  const alone = segment === undefined && (head === 'tasks' || head === 'echo')
  const pair = segment !== undefined && more.length === 0 && (head === 'tasks' || head === 'chat')
  if (alone || (pair && SEGMENT.test(segment))) return { ok: true, channel: value as Channel }
  return {
    ok: false,
    message:
      `unknown channel ${JSON.stringify(value)}; expected tasks, tasks/{id}, chat/{room} or echo, ` +
      'where {id} and {room} are 1 to 64 of A-Z a-z 0-9 . _ ~ - and begin with a letter or digit',
  }
}
