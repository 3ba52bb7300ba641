/** What falls due, and when. */
export interface QueuedTimer<T> {
  readonly at: number
  readonly item: T
}

interface Entry<T> extends QueuedTimer<T> {
  readonly sequence: number
}

/** Timers in the order in which they fall due; those of one moment in the order in which they were set. */
export class TimerQueue<T> {
  /** Sorted. */
  readonly #entries: Entry<T>[] = []
  #sequence = 0

  get first(): QueuedTimer<T> | undefined {
    return this.#entries[0]
  }

  add(at: number, item: T): QueuedTimer<T> {
    const entry = { at, item, sequence: ++this.#sequence }
    this.#entries.splice(this.#placeOf(entry), 0, entry)
    return entry
  }

  /** Idempotent. */
  remove(timer: QueuedTimer<T>): void {
    const place = this.#placeOf(timer as Entry<T>)
    if (this.#entries[place] === timer) this.#entries.splice(place, 1)
  }

  /** Takes out the first one, if it is due by a moment. */
  takeDue(by: number): QueuedTimer<T> | undefined {
    const { first } = this
    return first && first.at <= by ? this.#entries.shift() : undefined
  }

  /** How many stand before it. */
  #placeOf({ at, sequence }: Entry<T>): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#entries[middle]
      if (other && (other.at < at || (other.at === at && other.sequence < sequence))) low = middle + 1
      else high = middle
    }
    return low
  }
}
