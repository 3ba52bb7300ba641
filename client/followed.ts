import type { Channel } from '../protocol/ids.ts'
import type { ChannelEvent, ResetFrame, SubscribedFrame } from '../protocol/messages.ts'
import type { OpenlineError } from './errors.ts'
import { type Carried, type Item, Sequence } from './sequence.ts'
import type { Subscription } from './subscription.ts'

/** How many times `holeMs` a hole is waited for at most before it is asked about once more. */
const MAX_HOLE_WAITS = 16

/** A channel that is followed on a line: what has come of it, on whichever link, and everyone who is told. */
export class Followed {
  readonly channel: Channel
  readonly subscriptions = new Set<Subscription<ChannelEvent>>()
  readonly #sequence: Sequence<ChannelEvent>
  readonly #holeMs: number
  readonly #onHole: () => void
  #look: ReturnType<typeof setTimeout> | undefined
  #looks = 0
  #stoodAt: number | undefined

  /** @param onHole something has been missing for `holeMs`, and still is, with longer and longer waits in between */
  constructor(channel: Channel, after: number | undefined, holeMs: number, onHole: () => void) {
    this.channel = channel
    this.#sequence = new Sequence(!channel.startsWith('tasks/'), after)
    this.#holeMs = holeMs
    this.#onHole = onHole
  }

  /** Everything up to here has been told; undefined before the server has said where the channel stands. */
  get have(): number | undefined {
    return this.#sequence.have
  }

  take(frame: Carried<ChannelEvent>): void {
    this.#tell(this.#sequence.take(frame))
  }

  /**
   * Takes in the answer to the question what came after `after`.
   * @returns false where it has to be asked once more: the answer came too late to be of use, or the log has begun anew,
   * and frames may have been taken for old ones before that was known
   */
  answer(frame: SubscribedFrame | ResetFrame, after: number | undefined): boolean {
    if (frame.type === 'reset') {
      const items = this.#sequence.reset(frame.offset, after)
      if (!items) return false
      this.#tell(items)
    } else {
      if (frame.events) this.take(frame)
      this.#tell(this.#sequence.reach(frame.offset))
    }
    for (const subscription of [...this.subscriptions]) subscription.subscribed(frame.offset)
    return frame.offset >= (after ?? 0)
  }

  /** The server has lost something for good, which only those do not know yet who have not come so far. */
  lose(offset: number): void {
    if (this.have !== undefined) this.#tell(this.#sequence.reset(offset) ?? [])
  }

  /** Nobody is told any more. */
  end(error?: OpenlineError): void {
    clearTimeout(this.#look)
    for (const subscription of this.subscriptions) subscription.end(error)
  }

  #tell(items: readonly Item[]): void {
    // Whoever joins meanwhile begins after all of them.
    const subscriptions = [...this.subscriptions]
    for (const item of items) for (const subscription of subscriptions) subscription.tell(item)
    if (this.subscriptions.size > 0) this.#watch()
  }

  /** Frames may overtake one another: a hole is only asked about when it stays. */
  #watch(): void {
    const { have, hasHole } = this.#sequence
    const isSame = have === this.#stoodAt
    if (isSame && hasHole && this.#look) return
    clearTimeout(this.#look)
    this.#look = undefined
    if (!isSame) this.#looks = 0
    this.#stoodAt = have
    if (!hasHole) return
    const waits = Math.min(2 ** this.#looks++, MAX_HOLE_WAITS)
    this.#look = setTimeout(() => {
      this.#look = undefined
      this.#watch()
      this.#onHole()
    }, this.#holeMs * waits)
  }
}
