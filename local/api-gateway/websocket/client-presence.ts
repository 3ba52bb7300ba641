import type { Duplex } from 'node:stream'

/**
 * Watches a client that waits for the answer to its handshake. Nothing is taken from what it sends meanwhile; that it went
 * shows all the same, by a reset or by the end of its stream.
 */
export class ClientPresence {
  readonly #socket: Duplex
  #isGone = false

  constructor(socket: Duplex) {
    this.#socket = socket
    socket.on('error', this.#onError).on('close', this.#onGone)
    socket.on('end', this.#onEnd).on('readable', this.#onReadable)
  }

  get isGone(): boolean {
    return this.#isGone || this.#socket.destroyed
  }

  /** Leaves the socket to its next owner, who listens for its errors from now on. */
  release(): void {
    this.#socket.off('error', this.#onError).off('close', this.#onGone)
    this.#socket.off('end', this.#onEnd).off('readable', this.#onReadable)
  }

  readonly #onError = () => undefined // the close that follows says it

  readonly #onGone = () => {
    this.#isGone = true
  }

  readonly #onEnd = () => {
    this.#isGone = true
    this.#socket.destroy()
  }

  /** The end of a stream is told only to who reads: where nothing is buffered, a read takes nothing. */
  readonly #onReadable = () => {
    if (this.#socket.readableLength === 0) this.#socket.read()
  }
}
