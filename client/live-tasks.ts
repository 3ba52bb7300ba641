import type { Task, TaskEvent } from '../protocol/messages.ts'
import { DEFAULT_BACKOFF, delayMs } from './backoff.ts'
import type { Line } from './line.ts'

export interface LiveTasksOptions {
  readonly line: Line
  /** Base of the REST side, `https://…`, or a function that is asked before each snapshot. */
  readonly rest: string | (() => string | Promise<string>)
  /** Headers of its requests, such as `authorization`. @default none */
  readonly headers?: () => Readonly<Record<string, string>>
  /** @default the global one */
  readonly fetch?: typeof fetch
  /** Hears of a snapshot that could not be read; it is tried again by itself. */
  readonly onTrouble?: (error: unknown) => void
}

/** Deleted tasks remembered, so that nothing late brings one back. Their ids are never used again. */
const MAX_TOMBSTONES = 10_000

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
  #isReady = false
  #isReading = false
  /** The offset from which on everything comes as events: the snapshot has to reach up to it. */
  #needed = 0
  /** The offset of the channel before the last snapshot was read. */
  #snapshotAt = -1
  #retry: ReturnType<typeof setTimeout> | undefined
  #isClosed = false

  constructor(options: LiveTasksOptions) {
    this.#options = options
    this.#subscription = options.line.subscribe('tasks', {
      onEvent: (event) => this.apply(event),
      // What came between the snapshot and the subscription is in neither.
      onSubscribed: (offset) => this.#need(offset),
      onReset: (offset) => this.#need(offset),
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

  /** Calls `listener` after each change. @returns a function that ends it */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Takes in what is known from elsewhere, such as the answer to a change of one's own; the higher version holds. */
  put(task: Task): void {
    if (this.#tombstones.has(task.id) || (this.#tasks.get(task.id)?.version ?? 0) >= task.version) return
    this.#change((tasks) => tasks.set(task.id, task))
  }

  /** Takes in one event, in whatever order they come. */
  apply(event: TaskEvent): void {
    if (event.type === 'task.deleted') this.remove(event.id)
    else this.put({ id: event.id, version: event.version, updatedAt: event.at, ...event.data })
  }

  /** The task is gone: nothing late brings it back. */
  remove(id: string): void {
    this.#tombstones.add(id)
    for (const oldest of this.#tombstones) {
      if (this.#tombstones.size <= MAX_TOMBSTONES) break
      this.#tombstones.delete(oldest)
    }
    if (this.#tasks.has(id)) this.#change((tasks) => tasks.delete(id))
  }

  /** Reads a snapshot again, for whoever has reason to doubt. */
  refresh(): void {
    this.#snapshotAt = -1
    void this.#read()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#retry)
    this.#subscription.close()
    this.#listeners.clear()
  }

  #change(change: (tasks: Map<string, Task>) => unknown): void {
    const tasks = new Map(this.#tasks)
    change(tasks)
    this.#tasks = tasks
    this.#tellListeners()
  }

  #tellListeners(): void {
    for (const listener of [...this.#listeners]) listener()
  }

  /** A function, since it may change while something is waited for. */
  #isOver(): boolean {
    return this.#isClosed
  }

  #need(offset: number): void {
    this.#needed = Math.max(this.#needed, offset)
    if (this.#snapshotAt < this.#needed) void this.#read()
  }

  /** Events go on being applied meanwhile; what was here before and is not in the snapshot is gone. */
  async #read(failures = 0): Promise<void> {
    if (this.#isReading || this.#isClosed) return
    this.#isReading = true
    clearTimeout(this.#retry)
    try {
      do {
        const before = [...this.#tasks.keys()]
        const { tasks, offset } = await this.#fetchAll()
        if (this.#isOver()) return
        const present = new Set<string>(tasks.map(({ id }) => id))
        for (const id of before) if (!present.has(id)) this.remove(id)
        for (const task of tasks) this.put(task)
        this.#snapshotAt = offset
      } while (this.#snapshotAt < this.#needed)
      if (!this.#isReady) {
        this.#isReady = true
        this.#tellListeners()
      }
    } catch (error) {
      if (this.#isOver()) return
      this.#options.onTrouble?.(error)
      const wait = delayMs(failures, Math.random, DEFAULT_BACKOFF)
      this.#retry = setTimeout(() => void this.#read(failures + 1), wait)
    } finally {
      this.#isReading = false
    }
  }

  /** Every page, and the offset of the first: what a later page shows too early, events repeat. */
  async #fetchAll(): Promise<{ readonly tasks: readonly Task[]; readonly offset: number }> {
    const { rest, headers, fetch: get = fetch } = this.#options
    const base = typeof rest === 'string' ? rest : await rest()
    const tasks: Task[] = []
    let offset: number | undefined
    let cursor: string | undefined
    do {
      const query = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const response = await get(`${base}/tasks?limit=100${query}`, { headers: { ...headers?.() } })
      if (!response.ok) throw new Error(`GET /tasks was answered with ${response.status}; expected 200`)
      const page = (await response.json()) as Page
      tasks.push(...page.tasks)
      offset ??= page.offset
      cursor = page.cursor
    } while (cursor !== undefined)
    return { tasks, offset }
  }
}

interface Page {
  readonly tasks: readonly Task[]
  readonly offset: number
  readonly cursor?: string
}

/** All tasks, live: see `LiveTasks`. */
export const liveTasks = (options: LiveTasksOptions): LiveTasks => new LiveTasks(options)
