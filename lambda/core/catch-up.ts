import { kindOf } from '../../protocol/channel.ts'
import {
  type Channel,
  type EpochMillis,
  type Offset,
  type TaskId,
  isoTime,
  offset,
} from '../../protocol/ids.ts'
import type { Task, TaskEvent } from '../../protocol/messages.ts'
import type { OffsetDeps } from './newest-offset.ts'
import type { ChannelLog, LogEntry } from './ports.ts'

/** What a client has missed of a channel: everything, in order, or the news that it can't be had. */
export type Missed =
  | { readonly kind: 'whole'; readonly newest: Offset; readonly batches: readonly LogEntry[] }
  | { readonly kind: 'reset'; readonly newest: Offset }

export interface CatchUpDeps extends OffsetDeps {
  readonly log: ChannelLog
}

/** Reads what came after an offset: from the channel's log, or from the task that the channel follows. */
export async function missedSince(
  channel: Channel,
  after: Offset,
  now: EpochMillis,
  deps: CatchUpDeps,
): Promise<Missed> {
  const kind = kindOf(channel)
  switch (kind.kind) {
    case 'tasks':
    case 'chat': {
      const { newest, entries } = await deps.log.since(channel, after, now)
      if (!entries) return { kind: 'reset', newest }
      return { kind: 'whole', newest, batches: entries }
    }
    case 'task':
      return missedOfTask(kind.id, after, await deps.tasks.find(kind.id), now)
    case 'echo':
      return after === 0 ? whole(after) : { kind: 'reset', newest: offset(0) }
  }
}

const whole = (newest: Offset): Missed => ({ kind: 'whole', newest, batches: [] })

/** A task's channel has no log: the newest version stands for all before it. */
function missedOfTask(id: TaskId, after: Offset, task: Task | undefined, now: EpochMillis): Missed {
  const version = task?.version ?? 0
  if (version === after) return whole(after)
  if (task && version < after) return { kind: 'reset', newest: offset(version) } // never a version of this task
  const newest = task ? offset(version) : offset(after + 1)
  const event: TaskEvent = task
    ? {
        type: 'task.updated',
        id,
        version,
        at: task.updatedAt,
        data: { title: task.title, done: task.done, createdAt: task.createdAt },
      }
    : { type: 'task.deleted', id, version: newest, at: isoTime(now) }
  return { kind: 'whole', newest, batches: [{ offset: newest, events: [event] }] }
}
