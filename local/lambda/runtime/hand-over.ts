/**
 * How invocations pass to the thread of an execution environment. The thread takes them in order, one at a time, and
 * sleeps between them; one or more may lie ready while it works, so that it need not sleep and be woken for each. What
 * lies ready can be taken back, as long as the thread has not begun with it: whoever changes a slot first has it.
 *
 * The memory that both sides share holds a count of what was handed over, on which the thread sleeps, then a slot for
 * each invocation that may lie ready.
 */

/** How many invocations may lie ready for one thread, the one that it works on included. */
export const SLOTS = 16

const INSPECTED_SLEEP_MS = 100

const COUNT = 0
const FIRST_SLOT = 1

const State = { ready: 1, begun: 2, takenBack: 3 } as const

/** What a slot holds: which invocation it is about, so that a late look at an old one finds nothing, and its state. */
const valueOf = (number: number, state: number) => (number << 2) | state

const slotOf = (number: number) => FIRST_SLOT + (number % SLOTS)

export const newHandOver = () => new SharedArrayBuffer((FIRST_SLOT + SLOTS) * Int32Array.BYTES_PER_ELEMENT)

/** The side that hands invocations over. */
export class Sender {
  readonly #memory: Int32Array
  #last = 0

  constructor(shared: SharedArrayBuffer) {
    this.#memory = new Int32Array(shared)
  }

  /**
   * Whether another invocation may be handed over while the one numbered `oldest` is not over: its slot must not be
   * taken before the thread has looked at it, even when those between have been taken back.
   */
  hasSlotBeside(oldest: number): boolean {
    return this.#last + 1 - oldest < SLOTS
  }

  /** @returns the number of an invocation that is about to be posted */
  next(): number {
    const number = ++this.#last
    Atomics.store(this.#memory, slotOf(number), valueOf(number, State.ready))
    return number
  }

  /** Wakes the thread; the invocation has been posted. */
  wake(): void {
    Atomics.add(this.#memory, COUNT, 1)
    Atomics.notify(this.#memory, COUNT)
  }

  /** @returns whether it is taken back; otherwise the thread has begun with it */
  takeBack(number: number): boolean {
    return exchange(this.#memory, number, State.takenBack)
  }
}

/** The thread's side. */
export class Receiver {
  readonly #memory: Int32Array
  readonly #longestSleepMs: number
  #seen = 0

  /** @param isInspected a debugger is heard only while the thread is awake */
  constructor(shared: SharedArrayBuffer, isInspected = false) {
    this.#memory = new Int32Array(shared)
    this.#longestSleepMs = isInspected ? INSPECTED_SLEEP_MS : Infinity
  }

  /** Sleeps, frozen with all that is running, until something was handed over since the last time. */
  sleep(): void {
    Atomics.wait(this.#memory, COUNT, this.#seen, this.#longestSleepMs)
    this.#seen = Atomics.load(this.#memory, COUNT)
  }

  /** @returns whether the invocation is to be carried out; otherwise it was taken back */
  begin(number: number): boolean {
    return exchange(this.#memory, number, State.begun)
  }
}

/** Whoever changes the state of what lies ready first, has it. */
function exchange(memory: Int32Array, number: number, state: number): boolean {
  const ready = valueOf(number, State.ready)
  return Atomics.compareExchange(memory, slotOf(number), ready, valueOf(number, state)) === ready
}
