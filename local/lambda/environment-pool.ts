import type { Clock, Timer } from '../clock.ts'
import type { ExecutionEnvironment, Work } from './execution-environment.ts'
import { failure } from './failures.ts'
import { IDLE_ENVIRONMENT_MS } from './limits.ts'

export interface PoolOptions {
  readonly clock: Clock
  /** Execution environments at a time. */
  readonly limit: number
  /** How long an invocation lies ready behind another one before it gets an environment of its own. */
  readonly patienceMs: number
  /** @param temporaryFolder that a crashed environment left, if any */
  readonly make: (temporaryFolder: string | undefined) => ExecutionEnvironment
  /** How long an environment takes to start on AWS, beyond what it takes here. */
  readonly coldStart: () => Promise<void> | undefined
  /** The code can't be loaded without hooks for `import`: those made from now on must have them. */
  readonly addImportHooks: () => void
}

/** The execution environments of one version of a function, and the invocations that wait for one. */
export class EnvironmentPool {
  readonly #options: PoolOptions
  /** Those that run the newest code and have loaded it. */
  readonly #environments = new Set<ExecutionEnvironment>()
  /** Busy with code that was replaced, or loading their handler. */
  readonly #others = new Set<ExecutionEnvironment>()
  /** Not assigned to an environment yet, in order. */
  readonly #waiting: Work[] = []
  /** Moment of the clock since when an environment rests. */
  readonly #resting = new Map<ExecutionEnvironment, number>()
  readonly #crashed: ExecutionEnvironment[] = []
  #starting: ExecutionEnvironment | undefined
  #patience: NodeJS.Timeout | undefined
  #retirement: Timer | undefined
  #isClosed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  add(work: Omit<Work, 'handBack'>): void {
    if (this.#isClosed) {
      work.settle(CLOSED)
      return
    }
    this.#waiting.push({ ...work, handBack: this.#handBack })
    this.#distribute()
  }

  /** An invocation of one of the environments is over. */
  freed(environment: ExecutionEnvironment): void {
    // Whoever invoked hears of it first, then the room that it leaves is given away.
    queueMicrotask(() => {
      if (!environment.isAlive || this.#others.has(environment)) this.#drop(environment)
      else if (environment.load === 0) this.#rest(environment)
      this.#distribute()
    })
  }

  /** Has an environment load its handler, to take over later. @returns what `init` does */
  async load(environment: ExecutionEnvironment): ReturnType<ExecutionEnvironment['init']> {
    if (this.#isClosed) await environment.stop()
    this.#others.add(environment)
    const outcome = await environment.init()
    this.#others.delete(environment)
    if (this.#isClosed) await environment.stop()
    return outcome
  }

  /**
   * Has new environments take over; those that have begun with an invocation end with it.
   * @param successor the first of the new ones, which has loaded its handler
   */
  retire(successor?: ExecutionEnvironment): void {
    this.#starting = undefined
    for (const environment of this.#environments) {
      this.#waiting.push(...environment.takeBack(0))
      if (environment.load === 0) this.#drop(environment)
      else this.#others.add(environment)
    }
    this.#environments.clear()
    if (successor) {
      this.#environments.add(successor)
      this.#rest(successor)
    }
    this.#distribute()
  }

  /** Ends every environment, whatever it is doing; its invocation fails. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#patience)
    this.#retirement?.cancel()
    for (const { settle } of this.#waiting.splice(0)) settle(CLOSED)
    const all = [...this.#environments, ...this.#others]
    await Promise.all(all.map((environment) => environment.stop()))
    for (const environment of [...all, ...this.#crashed]) environment.clear()
  }

  /** Assigns what waits: to an environment that rests, else to lie ready for the one with the least to do. */
  #distribute(): void {
    while (this.#waiting.length > 0) {
      const environment = this.#leastLoaded()
      if (!environment) break
      const work = this.#waiting.shift()
      if (work) this.#assign(environment, work)
    }
    if (this.#environments.size === 0) this.#startAnother()
    this.#bePatient()
  }

  #leastLoaded(): ExecutionEnvironment | undefined {
    let least: ExecutionEnvironment | undefined
    for (const environment of this.#environments)
      if (environment.hasRoom && (!least || environment.load < least.load)) {
        least = environment
        if (least.load === 0) break
      }
    return least
  }

  #assign(environment: ExecutionEnvironment, work: Work): void {
    this.#resting.delete(environment)
    environment.assign(work)
  }

  /** Looks again soon, for as long as anything waits behind something else. */
  #bePatient(): void {
    if (this.#patience || this.#isClosed || !this.#isAnythingBehind()) return
    const { patienceMs } = this.#options
    this.#patience = setTimeout(() => {
      this.#patience = undefined
      const late = [...this.#environments].flatMap((environment) => environment.takeBack(patienceMs))
      this.#waiting.unshift(...late)
      const resting = [...this.#environments].filter(({ isAlive, load }) => isAlive && load === 0)
      for (const environment of resting) {
        const work = this.#waiting.shift()
        if (work) this.#assign(environment, work)
      }
      if (this.#waiting.length > 0) this.#startAnother()
      this.#bePatient()
    }, patienceMs).unref()
  }

  #isAnythingBehind(): boolean {
    return this.#waiting.length > 0 || [...this.#environments].some(({ load }) => load > 1)
  }

  /** The environment ended before it began with this: another gets it, before everything that came later. */
  readonly #handBack = (work: Work): void => {
    this.#waiting.unshift(work)
    queueMicrotask(() => this.#distribute())
  }

  /** One at a time: what waits meanwhile may find a rest by then. */
  #startAnother(): void {
    const { limit, make, coldStart, addImportHooks } = this.#options
    if (this.#starting || this.#isClosed || this.#waiting.length === 0) return
    if (this.#environments.size >= limit) return
    const environment = make(this.#crashed.pop()?.temporaryFolder)
    this.#starting = environment
    this.#others.add(environment)
    void Promise.all([environment.init(), coldStart()]).then(([outcome]) => {
      if (this.#isClosed) return
      this.#others.delete(environment)
      const isWanted = this.#starting === environment // else its code was replaced meanwhile
      if (isWanted) this.#starting = undefined
      if (isWanted && outcome === 'ready') {
        if (environment.isAlive) this.#environments.add(environment)
        const work = this.#waiting.shift()
        if (work) environment.assign(work)
        else this.#rest(environment)
      }
      if (outcome === 'needs-import-hooks') addImportHooks()
      if (!this.#environments.has(environment)) this.#drop(environment)
      this.#distribute()
    })
  }

  #rest(environment: ExecutionEnvironment): void {
    const { clock } = this.#options
    this.#resting.set(environment, clock.now())
    this.#retirement ??= clock.after(IDLE_ENVIRONMENT_MS, () => this.#endResting())
  }

  #endResting(): void {
    const { clock } = this.#options
    const latest = clock.now() - IDLE_ENVIRONMENT_MS
    this.#retirement = undefined
    for (const [environment, since] of this.#resting) if (since <= latest) this.#drop(environment)
    const oldest = Math.min(...this.#resting.values())
    if (oldest < Infinity) this.#retirement = clock.after(oldest - latest, () => this.#endResting())
  }

  #drop(environment: ExecutionEnvironment): void {
    const wasCurrent = this.#environments.delete(environment)
    this.#others.delete(environment)
    this.#resting.delete(environment)
    const keepsFiles = wasCurrent && environment.hasCrashed && !this.#isClosed
    if (keepsFiles) this.#crashed.push(environment)
    void environment.stop().then(() => {
      if (!keepsFiles) environment.clear()
    })
  }
}

const CLOSED = failure('Runtime.ExitError', 'the local stack has ended')
