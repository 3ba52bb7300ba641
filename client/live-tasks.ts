import type { Task, TaskEvent } from '../protocol/messages.ts'
import { type Backoff, delayMs } from './backoff.ts'
import { call } from './callback.ts'
import type { Line } from './line.ts'
import { remember } from './remember.ts'
import { type SnapshotOptions, readSnapshot, snapshotFailed } from './snapshot.ts'

export interface LiveTasksOptions extends SnapshotOptions {
  readonly line: Line
  /** Hears of a snapshot that could not be read; it is tried again by itself. */
  readonly onTrouble?: (error: unknown) => void
}

/** Deleted tasks remembered, so that nothing late brings one back. Their ids are never used again. */
const MAX_TOMBSTONES = 10_000
/** How long the event about a task may stay out that was heard of otherwise. */
const UNSURE_MS = 10_000
/** Waits before a snapshot is read again: shorter than a line's, whose coming back shows nothing without one. */
const RETRIES: Backoff = { baseMs: 1_000, capMs: 60_000 }

/**
 * All tasks, always on the way to what the table holds: the snapshot, then every change. It is an observable map: what
 * it gives does not change, and is another one after a change.
 */
export class LiveTasks {
  readonly #options: LiveTasksOptions
  readonly #subscription: { close(): void }
  readonly #listeners = new Set<() => void>()
  readonly #tombstones = new Set<string>()
  #tasks: ReadonlyMap<string, Task> = new Map()
  /** Tasks of which no event and no snapshot has told: they may be gone already, and nobody would say so. */
  readonly #unsure = new Set<string>()
  #isReady = false
  #isReading = false
  /** A snapshot is needed that is begun from now on. */
  #isStale = false
  /** The offset from which on everything comes as events: the snapshot has to reach up to it. */
  #needed = -1
  /** The offset of the channel before the last snapshot was read. */
  #snapshotAt = -1
  #retry: ReturnType<typeof setTimeout> | undefined
  #doubt: ReturnType<typeof setTimeout> | undefined
  #isClosed = false

  constructor(options: LiveTasksOptions) {
    this.#options = options
    this.#subscription = options.line.subscribe('tasks', {
      onEvent: (event) => this.apply(event),
      // What came between the snapshot and the subscription is in neither.
      onSubscribed: (offset) => {
        this.#needed = offset
        if (this.#snapshotAt < offset) void this.#read()
      },
      // What was applied while a snapshot was read may have been changed by what is lost: that one is of no use.
      onReset: (offset) => {
        this.#needed = offset
        this.refresh()
      },
    })
    void this.#read()
  }

  /** The tasks as far as they are known, by id. */
  get tasks(): ReadonlyMap<string, Task> {
    return this.#tasks
  }

  /** Whether a snapshot has been read; before that the map holds only what has changed meanwhile. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** Calls `listener` after each change, and after each snapshot. @returns a function that ends it */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Takes in what is known from elsewhere, such as the answer to a change of one's own; the higher version holds. */
  put(task: Task): void {
    const isKnown = this.#tasks.has(task.id)
    if (this.#isClosed || !this.#update([task], [])) return
    if (!isKnown) {
      this.#unsure.add(task.id)
      this.#doubt ??= setTimeout(() => {
        this.#doubt = undefined
        if (this.#unsure.size > 0) this.refresh()
      }, UNSURE_MS)
    }
    this.#tell()
  }

  /** Takes in one event, in whatever order they come. */
  apply(event: TaskEvent): void {
    const { id, version, at: updatedAt } = event
    this.#unsure.delete(id)
    if (event.type === 'task.deleted') this.remove(id)
    else if (this.#update([{ id, version, updatedAt, ...event.data }], [])) this.#tell()
  }

  /** The task is gone: nothing late brings it back. */
  remove(id: string): void {
    this.#unsure.delete(id)
    if (this.#update([], [id])) this.#tell()
  }

  /** Reads a snapshot again, for whoever has reason to doubt. */
  refresh(): void {
    this.#isStale = true
    void this.#read()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#retry)
    clearTimeout(this.#doubt)
    this.#subscription.close()
    this.#listeners.clear()
  }

  /** @returns whether that changes anything, of which nobody has been told yet */
  #update(present: readonly Task[], gone: readonly string[]): boolean {
    const tasks = new Map(this.#tasks)
    let hasChanged = false
    // A page that is under way may still show any of them.
    const most = this.#isReading ? Infinity : MAX_TOMBSTONES
    for (const id of gone) {
      remember(this.#tombstones, id, most)
      hasChanged = tasks.delete(id) || hasChanged
    }
    for (const task of present) {
      if (this.#tombstones.has(task.id) || (tasks.get(task.id)?.version ?? 0) >= task.version) continue
      tasks.set(task.id, task)
      hasChanged = true
    }
    if (hasChanged) this.#tasks = tasks
    return hasChanged
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) call(listener)
  }

  async #read(failures = 0): Promise<void> {
    if (this.#isReading || this.#isClosed) return
    this.#isReading = true
    clearTimeout(this.#retry)
    try {
      do this.#isStale = false
      while (await this.#readOnce())
      this.#isReading = false
    } catch (error) {
      this.#isReading = false
      this.#readLater(error, failures)
    }
  }

  #readLater(error: unknown, failures: number): void {
    if (this.#isClosed) return
    const wait = delayMs(failures, Math.random, RETRIES)
    this.#retry = setTimeout(() => void this.#read(failures + 1), wait)
    call(this.#options.onTrouble, error)
  }

  /**
   * Events go on being applied meanwhile; what was here before and is not in the snapshot is gone.
   * @returns whether another is needed
   */
  async #readOnce(): Promise<boolean> {
    const needed = this.#needed
    const before = [...this.#tasks.keys()]
    const { tasks, offset } = await readSnapshot(this.#options)
    if (this.#isClosed) return false
    if (offset < needed) throw snapshotFailed(`the snapshot is of ${offset}; expected ${needed} or later`)
    this.#snapshotAt = offset
    for (const id of before) this.#unsure.delete(id)
    const present = new Set<string>(tasks.map(({ id }) => id))
    const gone = before.filter((id) => !present.has(id))
    this.#update(tasks, gone)
    this.#isReady = true
    this.#tell()
    return this.#isStale || offset < this.#needed
  }
}

/** All tasks, live: see `LiveTasks`. */
export const liveTasks = (options: LiveTasksOptions): LiveTasks => new LiveTasks(options)
