/** Work that goes on after what caused it is dealt with, such as a `$disconnect`: closing waits for it. */
export class RunningWork {
  readonly #running = new Set<Promise<void>>()
  readonly #onFailure: (error: unknown) => void

  /** @param onFailure is told of work that rejects, which is always a fault of ours */
  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure
  }

  get size(): number {
    return this.#running.size
  }

  track(work: Promise<unknown>): void {
    const running = work
      .then(() => undefined, this.#onFailure)
      .finally(() => {
        this.#running.delete(running)
      })
    this.#running.add(running)
  }

  /** Resolves once nothing runs any more, work that began meanwhile included. */
  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
