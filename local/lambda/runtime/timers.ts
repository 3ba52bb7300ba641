import { AsyncResource } from 'node:async_hooks'
import type { RunningTime } from '../../shared-time.ts'
import { type QueuedTimer, TimerQueue } from '../../timer-queue.ts'

const { setTimeout, clearTimeout, setImmediate } = globalThis

/** Node's: what is longer, and what is no number from 1 on, becomes 1. */
const MAX_DELAY_MS = 2 ** 31 - 1

export type Callback = (...args: unknown[]) => unknown

export interface TimeoutOptions {
  readonly callback: Callback
  readonly delay: unknown
  readonly args?: readonly unknown[]
  /** Whether it goes off again and again. */
  readonly repeats?: boolean
  readonly isRef?: boolean
}

/**
 * The timers of a thread in a time that is not the machine's. One timer of the machine goes off for the first of them;
 * a jump of time is looked at when it comes.
 */
export class ThreadTimers {
  readonly #time: RunningTime
  readonly #queue = new TimerQueue<Timeout>()
  /** Those whose number has been asked for, by which they can be cleared. */
  readonly #byNumber = new Map<number, Timeout>()
  /** How many keep the thread alive. */
  #refs = 0
  #alarm: NodeJS.Timeout | undefined
  #alarmAt = Infinity
  #next: NodeJS.Immediate | undefined

  constructor(time: RunningTime) {
    this.#time = time
    time.onJump(() => {
      this.#alarmAt = Infinity // what it was set for is nearer now
      this.#setAlarm()
    })
  }

  start(options: TimeoutOptions): Timeout {
    return new Timeout(this, options)
  }

  /** The timer that a number belongs to, as a number or as text. */
  numbered(number: unknown): Timeout | undefined {
    return this.#byNumber.get(Number(number))
  }

  number(timeout: Timeout, number: number): void {
    this.#byNumber.set(number, timeout)
  }

  forget(number: number): void {
    this.#byNumber.delete(number)
  }

  add(timeout: Timeout, delayMs: number): QueuedTimer<Timeout> {
    const timer = this.#queue.add(this.#time.now() + delayMs, timeout)
    this.#setAlarm()
    return timer
  }

  remove(timer: QueuedTimer<Timeout>): void {
    this.#queue.remove(timer)
  }

  /** The thread is kept alive by one more, or one less. */
  countRefs(change: 1 | -1): void {
    this.#refs += change
    this.#keepAlive()
  }

  #keepAlive(): void {
    if (this.#refs > 0) {
      this.#alarm?.ref()
      this.#next?.ref()
    } else {
      this.#alarm?.unref()
      this.#next?.unref()
    }
  }

  #setAlarm(): void {
    const { first } = this.#queue
    if (!first || first.at >= this.#alarmAt) return
    clearTimeout(this.#alarm)
    this.#alarmAt = first.at
    this.#alarm = setTimeout(() => this.#ring(), this.#time.realDelay(first.at))
    this.#keepAlive()
  }

  /** Runs the first that is due. Each has a turn of the event loop, so that promises go on in between as with Node's. */
  #ring(): void {
    this.#alarmAt = Infinity
    this.#next = undefined
    const now = this.#time.now()
    const due = this.#queue.takeDue(now)
    try {
      due?.item.run()
    } finally {
      const { first } = this.#queue
      if (due && first && first.at <= now) {
        this.#alarmAt = -Infinity // nothing is nearer
        this.#next = setImmediate(() => this.#ring())
        this.#keepAlive()
      } else this.#setAlarm()
    }
  }
}

/** What `setTimeout` and `setInterval` give. https://nodejs.org/api/timers.html#class-timeout */
export class Timeout {
  readonly #timers: ThreadTimers
  readonly #callback: Callback
  readonly #args: readonly unknown[]
  readonly #repeats: boolean
  /** Keeps what `AsyncLocalStorage` has where it was set. */
  readonly #resource = new AsyncResource('Timeout')
  readonly #delayMs: number
  #isRef: boolean
  #isCleared = false
  #timer: QueuedTimer<Timeout> | undefined

  constructor(
    timers: ThreadTimers,
    { callback, delay, args = [], repeats = false, isRef = true }: TimeoutOptions,
  ) {
    this.#timers = timers
    this.#callback = callback
    this.#args = args
    this.#repeats = repeats
    this.#isRef = isRef
    this.#delayMs = delayOf(delay)
    this.#begin()
  }

  ref(): this {
    return this.#setRef(true)
  }

  unref(): this {
    return this.#setRef(false)
  }

  hasRef(): boolean {
    return this.#isRef
  }

  /** Begins anew; one that has gone off goes off again, one that was cleared does not. */
  refresh(): this {
    if (this.#isCleared) return this
    this.#end()
    this.#begin()
    return this
  }

  close(): this {
    this.#isCleared = true
    this.#end()
    this.#timers.forget(this.#resource.asyncId())
    return this
  }

  [Symbol.toPrimitive](): number {
    const number = this.#resource.asyncId()
    if (this.#timer) this.#timers.number(this, number)
    return number
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** It is due, and out of the queue. */
  run(): void {
    this.#end()
    try {
      this.#resource.runInAsyncScope(this.#callback, this, ...this.#args)
    } finally {
      if (this.#repeats && !this.#isCleared && !this.#timer) this.#begin()
      if (!this.#timer) this.#timers.forget(this.#resource.asyncId())
    }
  }

  #begin(): void {
    this.#timer = this.#timers.add(this, this.#delayMs)
    if (this.#isRef) this.#timers.countRefs(1)
  }

  #end(): void {
    if (!this.#timer) return
    this.#timers.remove(this.#timer)
    this.#timer = undefined
    if (this.#isRef) this.#timers.countRefs(-1)
  }

  #setRef(isRef: boolean): this {
    if (this.#timer && isRef !== this.#isRef) this.#timers.countRefs(isRef ? 1 : -1)
    this.#isRef = isRef
    return this
  }
}

function delayOf(delay: unknown): number {
  const ms = Number(delay)
  if (ms > MAX_DELAY_MS)
    process.emitWarning(
      `${ms} does not fit into a 32-bit signed integer.\nTimeout duration was set to 1.`,
      'TimeoutOverflowWarning',
    )
  return ms >= 1 && ms <= MAX_DELAY_MS ? Math.trunc(ms) : 1
}
