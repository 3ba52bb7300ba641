/** Node fires timers that are longer at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** A time that runs, in a form that can be posted to a thread of this process, which then reads the same moments. */
export interface SharedTime {
  /** What may change: a `BigInt64` of microseconds that jumps have added, then an `Int32` that counts the jumps. */
  readonly memory: SharedArrayBuffer
  /** `process.hrtime.bigint()` when it began: that clock is one for all threads of a process. */
  readonly originNs: bigint
  /** Epoch milliseconds when it began. */
  readonly startMs: number
  /** How many of its milliseconds go by in one of the machine's. */
  readonly speed: number
}

/** A time that begins with the machine's. @param speed how many times as fast it runs */
export const newSharedTime = (speed: number): SharedTime => ({
  memory: new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT + Int32Array.BYTES_PER_ELEMENT),
  originNs: process.hrtime.bigint(),
  startMs: Date.now(),
  speed,
})

/** A shared time as one thread sees it. */
export class RunningTime {
  readonly #shared: SharedTime
  readonly #jumpedUs: BigInt64Array
  readonly #jumps: Int32Array

  constructor(shared: SharedTime) {
    this.#shared = shared
    this.#jumpedUs = new BigInt64Array(shared.memory, 0, 1)
    this.#jumps = new Int32Array(shared.memory, BigInt64Array.BYTES_PER_ELEMENT, 1)
  }

  /** Epoch milliseconds with their fractions; never less than before. */
  now(): number {
    const { originNs, startMs, speed } = this.#shared
    return startMs + this.jumpedMs + (Number(process.hrtime.bigint() - originNs) / 1e6) * speed
  }

  /** By how much all jumps together have moved it on. */
  get jumpedMs(): number {
    return Number(Atomics.load(this.#jumpedUs, 0)) / 1e3
  }

  /** How long a timer of the machine has to be to go off at a moment, or as near before it as timers can be. */
  realDelay(at: number): number {
    return Math.min(Math.max(Math.ceil((at - this.now()) / this.#shared.speed), 0), MAX_TIMEOUT_MS)
  }

  /** Moves time on to a moment, if it is not there yet. For the one thread alone whose clock it is. */
  moveTo(at: number): void {
    const missingMs = at - this.now()
    if (missingMs > 0) Atomics.add(this.#jumpedUs, 0, BigInt(Math.ceil(missingMs * 1e3)))
  }

  /** Tells all threads that time has jumped. */
  announceJump(): void {
    Atomics.add(this.#jumps, 0, 1)
    Atomics.notify(this.#jumps, 0)
  }

  /** Has `listener` run soon after each jump from now on; does not keep the thread alive. */
  onJump(listener: () => void): void {
    const watch = (seen: number) => {
      const wait = Atomics.waitAsync(this.#jumps, 0, seen)
      const look = () => {
        // Counted before it is told: a jump in between is told as well.
        const count = Atomics.load(this.#jumps, 0)
        listener()
        watch(count)
      }
      if (wait.async) void wait.value.then(look)
      else look()
    }
    watch(Atomics.load(this.#jumps, 0))
  }
}
