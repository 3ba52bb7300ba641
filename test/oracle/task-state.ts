import type { Task } from '../../protocol/messages.ts'

/** A task as it is compared: its fields, in one order. */
export type TaskState = readonly [string, string, boolean, number, string, string]

/** Tasks by id. */
export function inOrder(tasks: Iterable<Task>): TaskState[] {
  return [...tasks]
    .map(({ id, title, done, version, createdAt, updatedAt }): TaskState => [
      id,
      title,
      done,
      version,
      createdAt,
      updatedAt,
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

/** What a viewer shows otherwise than the table, in words. */
export function difference(shown: readonly TaskState[], table: readonly TaskState[]): string {
  const words = (task: TaskState | undefined) => task?.join(' ') ?? 'nothing'
  const ids = new Set([...shown, ...table].map(([id]) => id))
  const complaints = [...ids].flatMap((id) => {
    const [ours, theirs] = [shown, table].map((tasks) => words(tasks.find((task) => task[0] === id)))
    return ours === theirs ? [] : [`shows ${ours} where the table has ${theirs}`]
  })
  return complaints.join('; ')
}
