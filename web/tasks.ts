import type { TaskId } from '../protocol/ids.ts'
import type { Task, TaskEvent } from '../protocol/messages.ts'

/** What is known of the tasks: of two words about one task the higher version holds, and gone is gone. */
export class TaskList {
  readonly #tasks = new Map<TaskId, Task>()
  /** Ids are never used again, so nothing late can bring one of these back. */
  readonly #gone = new Set<TaskId>()

  get sorted(): Task[] {
    return [...this.#tasks.values()].sort(
      (a, b) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id),
    )
  }

  get(id: TaskId): Task | undefined {
    return this.#tasks.get(id)
  }

  put(task: Task): void {
    if (this.#gone.has(task.id)) return
    if ((this.#tasks.get(task.id)?.version ?? 0) < task.version) this.#tasks.set(task.id, task)
  }

  remove(id: TaskId): void {
    this.#gone.add(id)
    this.#tasks.delete(id)
  }

  apply(event: TaskEvent): void {
    if (event.type === 'task.deleted') this.remove(event.id)
    else this.put({ id: event.id, version: event.version, updatedAt: event.at, ...event.data })
  }

  /** Takes a snapshot in; events may have been applied while it was read. */
  async refresh(read: () => Promise<readonly Task[]>): Promise<void> {
    const before = [...this.#tasks.keys()]
    const tasks = await read()
    const present = new Set(tasks.map(({ id }) => id))
    for (const id of before) if (!present.has(id)) this.remove(id)
    for (const task of tasks) this.put(task)
  }
}
