/** How an execution environment comes to a bad end during an invocation. */
export interface Trouble {
  /** It is killed, or stands still until the timeout. */
  readonly kind: 'crash' | 'timeout'
  /** Before the handler, once a service has answered it, or when it is done and nobody has its reply. */
  readonly moment: 'before' | 'midway' | 'after'
  /** For `midway`: how many answers it sees the last of. */
  readonly calls: number
}

/** Runs in the thread: brings the trouble that the invocation came with, at its moment. */
export class TroubleMaker {
  readonly #askToBeKilled: () => void
  #trouble: Trouble | undefined
  #calls = 0

  constructor(askToBeKilled: () => void) {
    this.#askToBeKilled = askToBeKilled
  }

  /** An invocation begins. */
  begin(trouble: Trouble | undefined): void {
    this.#trouble = trouble
    this.#calls = trouble?.calls ?? 0
    if (trouble?.moment === 'before') this.#strike(trouble)
  }

  /** A service has begun to answer: what it was asked for is done. */
  answered(): void {
    if (this.#trouble?.moment === 'midway' && --this.#calls <= 0) this.#strike(this.#trouble)
  }

  /** The handler is done; one that saw fewer answers than it should have is struck here. */
  end(): void {
    if (this.#trouble) this.#strike(this.#trouble)
  }

  /** The thread runs no further, not even an `exit` listener: it is ended from outside, now or at the timeout. */
  #strike({ kind }: Trouble): never {
    if (kind === 'crash') this.#askToBeKilled()
    const forever = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    for (;;) Atomics.wait(forever, 0, 0)
  }
}
