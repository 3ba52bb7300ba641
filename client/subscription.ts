import type { ChannelEvent } from '../protocol/messages.ts'
import { call } from './callback.ts'
import type { OpenlineError } from './errors.ts'
import type { Item } from './sequence.ts'

export interface SubscriptionCallbacks<E extends ChannelEvent> {
  readonly onEvent?: (event: E, offset: number) => void
  /** The channel is followed: everything after `offset` will come. Once. */
  readonly onSubscribed?: (offset: number) => void
  /** Something was missed that can't be had: take a snapshot, or start from nothing. */
  readonly onReset?: (offset: number) => void
  /** The channel can't be followed, for good. */
  readonly onError?: (error: OpenlineError) => void
}

/** Items that wait for a slow reader; what comes on top turns all of them into one reset. */
const MAX_WAITING = 10_000

/**
 * What comes of one channel, each event once and in order: told to callbacks, or read with `for await`. Reading begins
 * with the subscription when there are no callbacks.
 */
export class Subscription<E extends ChannelEvent> implements AsyncIterable<Item<E>> {
  readonly #callbacks: SubscriptionCallbacks<E>
  readonly #isRead: boolean
  readonly #onClose: () => void
  #waiting: Item<E>[] = []
  #reader: { resolve: (result: IteratorResult<Item<E>>) => void; reject: (error: Error) => void } | undefined
  #error: OpenlineError | undefined
  #isSubscribed = false
  #isOver = false

  constructor(callbacks: SubscriptionCallbacks<E>, onClose: () => void) {
    this.#callbacks = callbacks
    this.#isRead = !callbacks.onEvent && !callbacks.onReset
    this.#onClose = onClose
  }

  /** Follows the channel no longer; a loop that reads it ends. */
  close(): void {
    if (this.#isOver) return
    this.end()
    this.#onClose()
  }

  [Symbol.asyncIterator](): AsyncIterator<Item<E>> {
    return {
      next: () => this.#next(),
      return: () => {
        this.close()
        return Promise.resolve({ done: true, value: undefined })
      },
    }
  }

  /** @internal */
  tell(item: Item<E>): void {
    if (this.#isOver) return
    if (item.type === 'event') call(this.#callbacks.onEvent, item.event, item.offset)
    else call(this.#callbacks.onReset, item.offset)
    if (!this.#isRead) return
    if (this.#reader) {
      this.#reader.resolve({ done: false, value: item })
      this.#reader = undefined
    } else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(item)
    else this.#waiting = [{ type: 'reset', offset: item.offset }]
  }

  /** @internal */
  subscribed(offset: number): void {
    if (this.#isSubscribed || this.#isOver) return
    this.#isSubscribed = true
    call(this.#callbacks.onSubscribed, offset)
  }

  /** @internal */
  end(error?: OpenlineError): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#error = error
    if (error) call(this.#callbacks.onError, error)
    if (error) this.#reader?.reject(error)
    else this.#reader?.resolve({ done: true, value: undefined })
    this.#reader = undefined
  }

  #next(): Promise<IteratorResult<Item<E>>> {
    const item = this.#waiting.shift()
    if (item) return Promise.resolve({ done: false, value: item })
    if (this.#error) return Promise.reject(this.#error)
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => (this.#reader = { resolve, reject }))
  }
}
