/** Lets one side wait until the other side has something for it. */
export class Wakeup {
  #wake: () => void = () => undefined
  #woken: Promise<void>

  constructor() {
    this.#woken = this.#sleep()
  }

  /** Resolves with the next wake; to be taken before looking whether there is anything to do. */
  next(): Promise<void> {
    return this.#woken
  }

  readonly wake = (): void => {
    const wake = this.#wake
    this.#woken = this.#sleep()
    wake()
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }
}
