import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Line } from '../../client/line.ts'
import { type LiveTasks, liveTasks } from '../../client/live-tasks.ts'
import type { SubscriptionCallbacks } from '../../client/subscription.ts'
import { taskId } from '../../protocol/ids.ts'
import type { Task, TaskEvent } from '../../protocol/messages.ts'
import { aTask } from '../support/fakes.ts'
import { seeded } from './seeded.ts'

const SEEDS = 1_500
const MAX_STEPS = 100
const PAGE = 2

/** A request for a page, which the server answers in three steps: the offset, the items, the way back. */
interface Request {
  readonly after: string
  readonly resolve: (response: Response) => void
  offset?: number
  body?: object
}

/**
 * A table, its stream, the log and the ways between them and one client, each moved on by one step at a time. The
 * stream is in order and late; events are delivered in any order, at least once, or dropped by a reset.
 */
class World {
  readonly #random: () => number
  /** How often a change is the client's own, and how often it reads a snapshot for no reason, either of which mends a lot. */
  readonly #tells: number
  readonly #doubts: number
  readonly table = new Map<string, Task>()
  readonly #stream: TaskEvent[] = []
  readonly #log = new Map<number, TaskEvent>()
  readonly #delivered = new Set<number>()
  readonly #requests: Request[] = []
  /** Answers to changes of the client's own, on their way. */
  readonly #answers: (() => void)[] = []
  #newest = 100
  /** What is at or before this is delivered no more. */
  #from = Infinity
  #ids = 0
  #callbacks: SubscriptionCallbacks<TaskEvent> = {}
  readonly live: LiveTasks
  /** What was shown and should not have been. */
  readonly wrong: string[] = []
  readonly #shown = new Map<string, number>()
  readonly #gone = new Set<string>()

  constructor(seed: number) {
    this.#random = seeded(seed)
    this.#tells = this.#pick([0, 0.3]) ?? 0
    this.#doubts = this.#pick([0, 0.1]) ?? 0
    const line = {
      subscribe: (_: string, callbacks: SubscriptionCallbacks<TaskEvent>) => {
        this.#callbacks = callbacks
        return { close: () => undefined }
      },
    } as unknown as Line
    const fetch = ((url: string) =>
      new Promise<Response>((resolve) => {
        this.#requests.push({ after: new URL(url).searchParams.get('cursor') ?? '', resolve })
      })) as unknown as typeof globalThis.fetch
    for (let i = 0; i < 3; i++) this.#create()
    this.live = liveTasks({ line, rest: 'https://x', fetch })
    this.live.subscribe(() => this.#look())
  }

  /** What can happen at any time. */
  readonly #steps: readonly (() => void)[] = [
    () => this.#own(this.#create()),
    () => this.#own(this.#change()),
    () => this.#own(this.#delete()),
    () => this.#publish(),
    () => this.#publish(),
    () => this.#subscribe(),
    () => this.#deliver(),
    () => this.#deliver(),
    () => this.#serve(),
    () => this.#serve(),
    () => this.#serve(),
    () => this.#pick(this.#answers)?.(),
    () => this.#sometimes(0.4) && this.#reset(),
    () => this.#sometimes(this.#doubts) && this.live.refresh(),
  ]

  step(): void {
    this.#pick(this.#steps)?.()
  }

  /** Everything that is on its way arrives. */
  arrive(): boolean {
    const open = [...this.#log.keys()].filter((at) => at > this.#from && !this.#delivered.has(at))
    if (this.#stream.length > 0) this.#publish()
    else if (this.#from === Infinity) this.#subscribe()
    else if (open[0] !== undefined) this.#tell(open[0])
    else if (this.#answers.length > 0) this.#answers.pop()?.()
    else if (this.#requests.length > 0) this.#serve()
    else return false
    return true
  }

  #sometimes(share: number): boolean {
    return this.#random() < share
  }
  #pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#random() * from.length)]
  }

  #create(): () => void {
    // Its place among the pages is anywhere.
    const id = `${String.fromCharCode(97 + Math.floor(this.#random() * 26))}${++this.#ids}`
    return this.#commit(aTask({ id: taskId(id), version: 1 }), 'task.created')
  }
  #change(): () => void {
    const task = this.#pick([...this.table.values()])
    if (!task) return () => undefined
    return this.#commit({ ...task, version: task.version + 1 }, 'task.updated')
  }
  #commit(task: Task, type: 'task.created' | 'task.updated'): () => void {
    const { id, version, title, done, createdAt, updatedAt } = task
    this.table.set(id, task)
    this.#stream.push({ type, id, version, at: updatedAt, data: { title, done, createdAt } })
    return () => this.live.put(task)
  }
  #delete(): () => void {
    const task = this.#pick([...this.table.values()])
    if (!task) return () => undefined
    this.table.delete(task.id)
    this.#stream.push({ type: 'task.deleted', id: task.id, version: task.version + 1, at: '' })
    return () => this.live.remove(task.id)
  }
  /** Some of the changes are the client's own, and answered. */
  #own(answer: () => void): void {
    if (this.#sometimes(this.#tells)) this.#answers.push(once(answer))
  }

  #publish(): void {
    const event = this.#stream.shift()
    if (event) this.#log.set(++this.#newest, event)
  }
  #subscribe(): void {
    if (this.#from !== Infinity) return
    this.#from = this.#newest
    this.#callbacks.onSubscribed?.(this.#newest)
  }
  /** Again, perhaps. */
  #deliver(): void {
    const at = this.#pick([...this.#log.keys()].filter((offset) => offset > this.#from))
    if (at !== undefined) this.#tell(at)
  }
  #tell(at: number): void {
    const event = this.#log.get(at)
    if (!event) return
    this.#delivered.add(at)
    this.#callbacks.onEvent?.(event, at)
  }
  /** What has not been delivered so far never will be. */
  #reset(): void {
    if (this.#from === Infinity) return
    this.#from = this.#newest
    this.#callbacks.onReset?.(this.#newest)
  }

  #serve(): void {
    const request = this.#pick(this.#requests)
    if (!request) return
    if (request.offset === undefined) request.offset = this.#newest
    else if (request.body === undefined) {
      const after = [...this.table.values()].filter(({ id }) => id > request.after)
      const tasks = after.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, PAGE)
      const cursor = after.length > PAGE ? { cursor: tasks.at(-1)?.id } : {}
      request.body = { tasks, offset: request.offset, ...cursor }
    } else {
      this.#requests.splice(this.#requests.indexOf(request), 1)
      request.resolve(this.#sometimes(0.1) ? new Response('', { status: 503 }) : Response.json(request.body))
    }
  }

  /** Holds at every moment: no version after a newer one, nothing shown again that was gone. */
  #look(): void {
    const { tasks } = this.live
    for (const { id, version } of tasks.values()) {
      if (this.#gone.has(id)) this.wrong.push(`${id} is shown again`)
      if (version < (this.#shown.get(id) ?? 0)) this.wrong.push(`${id} goes back to ${version}`)
      this.#shown.set(id, version)
    }
    for (const id of this.#shown.keys()) if (!tasks.has(id)) this.#gone.add(id)
  }
}

const once = (work: () => void) => {
  let isDone = false
  return () => {
    if (!isDone) work()
    isDone = true
  }
}

const sorted = (tasks: Iterable<Task>) => [...tasks].map(({ id, version }) => `${id}.${version}`).sort()

describe('liveTasks, whatever comes in between', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it(`shows the table in the end, and never what is older or gone (${SEEDS} seeds)`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = new World(seed)
      for (let step = 0; step < 1 + (seed % MAX_STEPS); step++) {
        world.step()
        await vi.advanceTimersByTimeAsync(0)
      }
      do {
        while (world.arrive()) await vi.advanceTimersByTimeAsync(0)
        await vi.runOnlyPendingTimersAsync() // a snapshot that failed is read again, as is one in doubt
      } while (world.arrive())
      expect(sorted(world.live.tasks.values()), `seed ${seed}`).toEqual(sorted(world.table.values()))
      expect(world.wrong, `seed ${seed}`).toEqual([])
      expect(world.live.isReady).toBe(true)
      world.live.close()
      expect(vi.getTimerCount()).toBe(0)
    }
  })
})
