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
  #sequence = 0
  readonly #timers = new Map<number, { at: number; callback: () => void }>()

  constructor(startMs = Date.UTC(2026, 10, 23, 9, 0, 0)) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  after(delayMs: number, callback: () => void): Timer {
    const id = ++this.#sequence
    this.#timers.set(id, { at: this.#now + Math.max(delayMs, 0), callback })
    return { cancel: () => void this.#timers.delete(id) }
  }

  /** Moves time on, running what falls due in order, each at its own moment. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      const due = [...this.#timers]
        .filter(([, t]) => t.at <= end)
        .sort(([a, x], [b, y]) => x.at - y.at || a - b)[0]
      if (!due) break
      const [id, timer] = due
      this.#timers.delete(id)
      this.#now = timer.at
      timer.callback()
    }
    this.#now = end
  }
}
