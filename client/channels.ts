import type { Channel } from '../protocol/ids.ts'
import type { ChannelEvent, ErrorFrame, ServerMessage } from '../protocol/messages.ts'
import { Conversation, type ConversationContext } from './conversation.ts'
import type { OpenlineError } from './errors.ts'
import { Followed } from './followed.ts'
import type { Link } from './link.ts'
import { Subscription, type SubscriptionCallbacks } from './subscription.ts'

/** A lease is renewed when this share of it is over. */
const RENEWAL_SHARE = 1 / 3
/** The shortest that a deployment may give: until the server has said how long its leases are. */
const SHORTEST_LEASE_MS = 60_000

export interface ChannelsOptions extends Pick<ConversationContext, 'replyMs' | 'random' | 'nextId'> {
  readonly holeMs: number
  /** One channel less is followed. */
  readonly onLess: () => void
}

/** The channels that are followed on a line, on each of its links. */
export class Channels {
  readonly #options: ChannelsOptions
  readonly #context: ConversationContext
  readonly #followed = new Map<Channel, Followed>()
  /** Open links, the newest last. */
  readonly #conversations = new Map<Link, Conversation>()
  #leaseMs = 0
  #renewal: ReturnType<typeof setInterval> | undefined

  constructor(options: ChannelsOptions) {
    this.#options = options
    this.#context = {
      ...options,
      followedOn: (channel) => this.#followed.get(channel),
      onRefused: (followed, error) => this.#unfollow(followed, error),
    }
    this.lease(SHORTEST_LEASE_MS)
  }

  subscribe(
    channel: Channel,
    after: number | undefined,
    callbacks: SubscriptionCallbacks<ChannelEvent>,
  ): Subscription<ChannelEvent> {
    const known = this.#followed.get(channel)
    if (known && after !== undefined)
      throw new Error(
        `"${channel}" is followed on this line already; subscribe without after, or first close the other`,
      )
    const followed: Followed =
      known ?? new Followed(channel, after, this.#options.holeMs, () => this.#askNow(followed))
    const { subscriptions } = followed
    const subscription = new Subscription(callbacks, () => {
      subscriptions.delete(subscription)
      if (subscriptions.size === 0) this.#unfollow(followed)
    })
    subscriptions.add(subscription)
    if (!known) {
      this.#followed.set(channel, followed)
      for (const conversation of this.#conversations.values()) conversation.ask(followed)
    } else {
      const { have } = known
      // Everything after this has still to come.
      if (have !== undefined) queueMicrotask(() => subscription.subscribed(have))
    }
    return subscription
  }

  /** A link is open: everything is asked for on it. */
  opened(link: Link): void {
    const conversation = new Conversation(link, this.#context)
    this.#conversations.set(link, conversation)
    for (const followed of this.#followed.values()) conversation.ask(followed)
  }

  gone(link: Link): void {
    this.#conversations.get(link)?.end()
    this.#conversations.delete(link)
  }

  receive(link: Link, frame: ServerMessage): void {
    if (frame.type === 'events') this.#followed.get(frame.channel)?.take(frame)
    else if (frame.type === 'reset' && frame.id === undefined)
      this.#followed.get(frame.channel)?.lose(frame.offset)
    else if (frame.type === 'subscribed' || frame.type === 'reset' || frame.type === 'unsubscribed')
      this.#conversations.get(link)?.receive(frame)
  }

  /** @returns whether the error answers something that was asked here */
  refused(link: Link, frame: ErrorFrame): boolean {
    return this.#conversations.get(link)?.refused(frame) ?? false
  }

  /** Whether the server has answered for every channel on this link, and everything that it counted on is here. */
  hasCaughtUp(link: Link): boolean {
    const conversation = this.#conversations.get(link)
    if (!conversation) return false
    return [...this.#followed.values()].every((followed) => conversation.hasCaughtUp(followed))
  }

  /** How long the server keeps up a subscription that is not renewed, in milliseconds. */
  lease(ms: number): void {
    if (ms === this.#leaseMs) return
    this.#leaseMs = ms
    clearInterval(this.#renewal)
    this.#renewal = setInterval(() => this.renew(), ms * RENEWAL_SHARE)
  }

  renew(): void {
    for (const conversation of this.#conversations.values())
      for (const followed of this.#followed.values()) conversation.ask(followed)
  }

  end(error?: OpenlineError): void {
    clearInterval(this.#renewal)
    for (const link of this.#conversations.keys()) this.gone(link)
    const all = [...this.#followed.values()]
    this.#followed.clear()
    for (const followed of all) followed.end(error)
  }

  /** The newest link is the surest. */
  #askNow(followed: Followed): void {
    ;[...this.#conversations.values()].at(-1)?.ask(followed)
  }

  #unfollow(followed: Followed, error?: OpenlineError): void {
    const { channel } = followed
    if (this.#followed.get(channel) !== followed) return
    this.#followed.delete(channel)
    followed.end(error)
    for (const conversation of this.#conversations.values()) conversation.leave(channel)
    this.#options.onLess()
  }
}
