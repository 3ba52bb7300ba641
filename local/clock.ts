import { RunningTime, type SharedTime, newSharedTime } from './shared-time.ts'
import { TimerQueue } from './timer-queue.ts'

/** A pending timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void
}

/** Time, given from outside, so that idle limits of minutes are tested in milliseconds. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number
  /** Runs `callback` once after `delayMs`; a pending timer does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer
  /** Where other threads can live in this time: what they read it from. Functions do; without it theirs is the machine's. */
  readonly shared?: SharedTime
  /** Epoch milliseconds of this clock at a moment of the machine's that is over; without it the two are taken for the same. */
  momentOf?(machineMs: number): number
}

/** Node refuses longer timers by firing them at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), MAX_TIMEOUT_MS))
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
}

/** Resolves after `delayMs` of the clock's time. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve)
  })
}

/**
 * Resolves once no clock is being moved on. Work takes the machine's time, which a jump does not give: whatever falls due
 * on the way and has work done has it begin where the jump lands, so that its limits count from there.
 */
export const landed = (): Promise<void> => Promise.resolve()

/** What a promise gives, or `timed-out` when it takes longer; nobody waits for it then, and its failure is nobody's. */
export function withinTime<T>(clock: Clock, limitMs: number, work: Promise<T>): Promise<T | 'timed-out'> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(limitMs, () => resolve('timed-out'))
    work.then(resolve, reject).finally(() => timer.cancel())
  })
}

/** A clock that stands still until it is told to move. */
export class ManualClock implements Clock {
  #now: number
  readonly #timers = new TimerQueue<() => void>()

  constructor(startMs = Date.UTC(2026, 10, 23, 9, 0, 0)) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = this.#timers.add(this.#now + Math.max(delayMs, 0), callback)
    return { cancel: () => this.#timers.remove(timer) }
  }

  /** Moves time on, running what falls due in order, each at its own moment. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let due; (due = this.#timers.takeDue(end));) {
      this.#now = due.at
      due.item()
    }
    this.#now = end
  }
}

/**
 * A clock that runs from the machine's time on, at a speed of its own, and jumps when it is told to. A stack that is
 * given one has its functions live in its time: their dates and timers are this clock's.
 */
export class RunningClock implements Clock {
  readonly shared: SharedTime
  readonly #time: RunningTime
  readonly #timers = new TimerQueue<() => void>()
  #alarm: NodeJS.Timeout | undefined
  #alarmAt = Infinity
  /** Moments of the machine with what had been jumped by then, altogether. */
  readonly #jumps: { readonly machineMs: number; readonly jumpedMs: number }[] = []

  /** @param options.speed how many times as fast as the machine's time it runs. @default 1 */
  constructor({ speed = 1 }: { readonly speed?: number } = {}) {
    if (!(speed > 0 && speed < Infinity))
      throw new RangeError(`a clock can't run at speed ${speed}; expected a number above 0`)
    this.shared = newSharedTime(speed)
    this.#time = new RunningTime(this.shared)
  }

  now(): number {
    return Math.floor(this.#time.now())
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = this.#timers.add(this.#time.now() + Math.max(delayMs, 0), callback)
    this.#setAlarm()
    return { cancel: () => this.#timers.remove(timer) }
  }

  momentOf(machineMs: number): number {
    const { startMs, speed } = this.shared
    if (machineMs < startMs) return machineMs
    const { jumpedMs = 0 } = this.#jumps.findLast((jump) => jump.machineMs <= machineMs) ?? {}
    return startMs + jumpedMs + (machineMs - startMs) * speed
  }

  /**
   * Moves time on at once. What falls due by then runs before this returns, in order and each at its own moment, with
   * what that sets in its turn. Other threads see time move, and run what is due for them soon after.
   * @throws RangeError for a way back
   */
  jump(ms: number): void {
    if (!(ms >= 0 && ms < Infinity))
      throw new RangeError(`a clock can't jump by ${ms} ms; expected a number of milliseconds, 0 or more`)
    const end = this.#time.now() + ms
    try {
      for (let due; (due = this.#timers.takeDue(end));) {
        this.#time.moveTo(due.at)
        due.item()
      }
      this.#time.moveTo(end)
    } finally {
      this.#jumps.push({ machineMs: Date.now(), jumpedMs: this.#time.jumpedMs })
      this.#time.announceJump()
      this.#alarmAt = Infinity // what it was set for is nearer now
      this.#setAlarm()
    }
  }

  #setAlarm(): void {
    const { first } = this.#timers
    if (!first || first.at >= this.#alarmAt) return
    clearTimeout(this.#alarm)
    this.#alarmAt = first.at
    this.#alarm = setTimeout(() => this.#ring(), this.#time.realDelay(first.at)).unref()
  }

  #ring(): void {
    this.#alarmAt = Infinity
    const now = this.#time.now()
    try {
      for (let due; (due = this.#timers.takeDue(now));) due.item()
    } finally {
      this.#setAlarm()
    }
  }
}
