import { TASKS, taskChannel } from '../../protocol/channel.ts'
import { type TaskId, offset } from '../../protocol/ids.ts'
import type { Task, TaskEvent } from '../../protocol/messages.ts'
import { fanOut, inLanes } from './fan-out.ts'
import { eventsFrame, groupByFrame } from './frames.ts'
import { forEachBounded, onePage } from './bounded.ts'
import { type PublishDeps, publish } from './publish.ts'

/** One change as the table's stream tells it. */
export interface TaskChange {
  /** Names the record to Lambda: where a partial batch goes on. */
  readonly sequenceNumber: string
  readonly at: string
  /** Before and after; the item is new without the one and deleted without the other. */
  readonly before: Task | undefined
  readonly after: Task | undefined
}

/** `malformed` is a record that can't be read as a change of a task, with the reason. */
export type ParsedChange =
  | { readonly ok: true; readonly change: TaskChange }
  | { readonly ok: false; readonly sequenceNumber: string; readonly reason: string }

/** Tasks that viewers follow one by one, looked up at once. */
const TASK_LANES = 8

/**
 * Publishes a batch of changes: all of them in one frame on `tasks`, each task's on its own channel.
 * @returns the sequence number of the first record that can't be read, everything before it being published: Lambda
 * retries from there; undefined when all was published
 * @throws when the very first record can't be read: a failed batch is halved until that record stands alone, and
 * ends in the dead-letter queue by itself
 */
export async function publishChanges(
  records: readonly ParsedChange[],
  given: PublishDeps,
): Promise<string | undefined> {
  const deps = { ...given, sender: inLanes(given.sender) }
  const firstBad = records.findIndex((record) => !record.ok)
  const readable = firstBad < 0 ? records : records.slice(0, firstBad)
  const events = readable.flatMap((record) => (record.ok ? eventOf(record.change) : []))
  await publish(TASKS, events, deps)
  const byTask = groupByTask(events)
  await forEachBounded(onePage([...byTask]), TASK_LANES, async ([id, own]) => publishTask(id, own, deps))
  const bad = records[firstBad]
  if (bad === undefined || bad.ok) return undefined
  deps.report('error', 'a stream record is not a change of a task', {
    reason: bad.reason,
    sequenceNumber: bad.sequenceNumber,
  })
  if (firstBad === 0)
    throw new Error(`stream record ${bad.sequenceNumber} is not a change of a task: ${bad.reason}`)
  return bad.sequenceNumber
}

/** `tasks/{id}` has no log: its offset is the task's version, and the newest wins. */
async function publishTask(id: TaskId, events: readonly TaskEvent[], deps: PublishDeps): Promise<void> {
  const channel = taskChannel(id)
  for (const group of groupByFrame(channel, events)) {
    const newest = Math.max(...group.map((event) => event.version))
    await fanOut(channel, eventsFrame(channel, offset(newest), group), deps)
  }
}

function groupByTask(events: readonly TaskEvent[]): Map<TaskId, TaskEvent[]> {
  const groups = new Map<TaskId, TaskEvent[]>()
  for (const event of events) {
    const group = groups.get(event.id)
    if (group) group.push(event)
    else groups.set(event.id, [event])
  }
  return groups
}

/** The event that tells viewers of a change; none when nothing that they see has changed. */
export function eventOf({ before, after, at }: TaskChange): readonly TaskEvent[] {
  if (after === undefined) {
    if (before === undefined) return []
    return [{ type: 'task.deleted', id: before.id, version: before.version + 1, at }]
  }
  if (before !== undefined && before.version === after.version && sameContent(before, after)) return []
  const { id, version, title, done, createdAt, updatedAt } = after
  const type = before === undefined ? 'task.created' : 'task.updated'
  return [{ type, id, version, at: updatedAt, data: { title, done, createdAt } }]
}

const sameContent = (a: Task, b: Task) => a.title === b.title && a.done === b.done
