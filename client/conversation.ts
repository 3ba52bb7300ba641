import { type ErrorCode, RETRIED } from '../protocol/errors.ts'
import type { Channel, Offset } from '../protocol/ids.ts'
import type { ErrorFrame, ResetFrame, SubscribedFrame, UnsubscribedFrame } from '../protocol/messages.ts'
import { MAX_TRIES, retryMs } from './backoff.ts'
import { OpenlineError } from './errors.ts'
import type { Followed } from './followed.ts'
import type { Link } from './link.ts'

export interface ConversationContext {
  /** How long an action may stay unanswered, in milliseconds. */
  readonly replyMs: number
  readonly random: () => number
  /** An id for an action, used once on a line. */
  readonly nextId: () => string
  /** Who follows a channel now, if anybody does. */
  readonly followedOn: (channel: Channel) => Followed | undefined
  /** The server will not have it followed. */
  readonly onRefused: (followed: Followed, error: OpenlineError) => void
}

/** Where a link stands with one channel. */
interface Exchange {
  readonly channel: Channel
  /** For whom it was last subscribed to; nobody where it was last unsubscribed from, or never asked about. */
  followed?: Followed | undefined
  /** Actions that are not answered, with the `after` of each. */
  readonly unanswered: Map<string, number | undefined>
  /** How often the last action was sent. */
  tries: number
  timer?: ReturnType<typeof setTimeout>
  /** The offset that the server counted up to in its last answer. */
  upTo?: number | undefined
}

/**
 * What is said about channels on one link. The server may carry out two actions in either order, so `subscribe` and
 * `unsubscribe` are never under way at once for one channel.
 */
export class Conversation {
  readonly #link: Link
  readonly #context: ConversationContext
  readonly #exchanges = new Map<Channel, Exchange>()
  #hasLeft = false

  constructor(link: Link, context: ConversationContext) {
    this.#link = link
    this.#context = context
  }

  /** Subscribes, or renews, and has the server say what came after what is here. */
  ask(followed: Followed): void {
    const { channel } = followed
    const exchange: Exchange = this.#exchanges.get(channel) ?? { channel, unanswered: new Map(), tries: 0 }
    this.#exchanges.set(channel, exchange)
    const { followed: current, tries, unanswered } = exchange
    // It is asked already, or will be once the channel has been left.
    if (unanswered.size > 0 && (current === followed || (!current && tries === 1))) return
    // An `unsubscribe` that stayed unanswered may be carried out at any time: only on another link is it harmless.
    if (!current && tries > 1) this.#link.giveUp()
    else this.#start(exchange, followed)
  }

  /** Unsubscribes, unless somebody follows the channel again before it can be said. */
  leave(channel: Channel): void {
    const exchange = this.#exchanges.get(channel)
    if (!exchange?.followed || exchange.unanswered.size > 0) return
    this.#hasLeft = true
    this.#start(exchange, undefined)
  }

  receive(frame: SubscribedFrame | ResetFrame | UnsubscribedFrame): void {
    const { channel, id = '' } = frame
    const exchange = this.#exchanges.get(channel)
    if (!exchange?.unanswered.has(id)) return // of a question that has been answered otherwise
    const after = exchange.unanswered.get(id)
    this.#settle(exchange)
    const { followed } = exchange
    if (frame.type !== 'unsubscribed' && followed) {
      exchange.upTo = frame.offset
      if (!followed.answer(frame, after) && followed === this.#context.followedOn(channel)) {
        exchange.upTo = undefined
        this.ask(followed)
      }
    }
    this.#compare(exchange)
  }

  /** @returns whether the error answers something that was asked here */
  refused({ id = '', code, message, requestId }: ErrorFrame): boolean {
    const exchange = [...this.#exchanges.values()].find(({ unanswered }) => unanswered.has(id))
    if (!exchange) return false
    if (this.#maySucceed(code, exchange)) {
      clearTimeout(exchange.timer)
      const { random, replyMs } = this.#context
      exchange.timer = setTimeout(() => this.#again(exchange), retryMs(exchange.tries, random, replyMs))
      return true
    }
    const { followed } = exchange
    this.#settle(exchange)
    exchange.followed = undefined
    exchange.tries = 0
    if (followed) this.#context.onRefused(followed, new OpenlineError(code, message, requestId))
    this.#compare(exchange)
    return true
  }

  /** Whether the server has answered on this link, and everything that it counted on is here. */
  hasCaughtUp(followed: Followed): boolean {
    const exchange = this.#exchanges.get(followed.channel)
    if (exchange?.followed !== followed || exchange.upTo === undefined) return false
    return followed.have !== undefined && followed.have >= exchange.upTo
  }

  end(): void {
    for (const exchange of this.#exchanges.values()) this.#settle(exchange)
  }

  #start(exchange: Exchange, followed: Followed | undefined): void {
    if (exchange.followed !== followed) {
      exchange.followed = followed
      exchange.upTo = undefined
      this.#settle(exchange)
    }
    exchange.tries = 0
    this.#say(exchange)
  }

  #say(exchange: Exchange): void {
    const { channel, followed, unanswered } = exchange
    const id = this.#context.nextId()
    const after = followed?.have as Offset | undefined
    const isSent = this.#link.send(
      followed
        ? { action: 'subscribe', channel, id, ...(after === undefined ? {} : { after }) }
        : { action: 'unsubscribe', channel, id },
    )
    if (!isSent) return
    exchange.tries++
    unanswered.set(id, after)
    clearTimeout(exchange.timer)
    exchange.timer = setTimeout(() => this.#again(exchange), this.#context.replyMs)
  }

  /** Nothing has come of what was said. */
  #again(exchange: Exchange): void {
    const { channel, followed, tries } = exchange
    const wanted = this.#context.followedOn(channel)
    if (tries >= MAX_TRIES || (wanted && !followed)) this.#link.giveUp()
    else if (wanted === followed) this.#say(exchange)
    else {
      this.#settle(exchange)
      this.#compare(exchange)
    }
  }

  /** An answered action may have been about what is not wanted any more. */
  #compare({ channel, followed }: Exchange): void {
    const wanted = this.#context.followedOn(channel)
    if (wanted === followed) return
    if (wanted) this.ask(wanted)
    else this.leave(channel)
  }

  #settle({ timer, unanswered }: Exchange): void {
    clearTimeout(timer)
    unanswered.clear()
  }

  /** Too many channels: not for long, where others are being left. */
  #maySucceed(code: ErrorCode, { tries }: Exchange): boolean {
    return RETRIED.has(code) || (code === 'too_many_channels' && this.#hasLeft && tries < MAX_TRIES)
  }
}
