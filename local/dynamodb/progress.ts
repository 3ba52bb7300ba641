import type { Position } from './stream.ts'

/**
 * What of a shard has been read and not yet handled. The checkpoint is where a reader starts that must miss nothing: it may
 * see again what was handled out of order, and skips nothing that was not.
 */
export class Progress {
  /** Records on their way, oldest first, each with the position before it. */
  readonly #before = new Map<string, Position>()
  #read: Position

  constructor(start: Position) {
    this.#read = start
  }

  get checkpoint(): Position {
    const [oldest] = this.#before.values()
    return oldest ?? this.#read
  }

  /** A record was read and goes to the function. @param after where to go on after it */
  taken(sequenceNumber: string, after: Position): void {
    this.#before.set(sequenceNumber, this.#read)
    this.#read = after
  }

  /** All was looked at up to here. */
  passed(position: Position): void {
    this.#read = position
  }

  /** The function has handled it, or it was given up. */
  done(sequenceNumber: string): void {
    this.#before.delete(sequenceNumber)
  }
}
