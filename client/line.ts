import type { Channel } from '../protocol/ids.ts'
import type { ChannelEvent, ServerMessage } from '../protocol/messages.ts'
import type { Backoff } from './backoff.ts'
import { call } from './callback.ts'
import { Channels } from './channels.ts'
import { OpenlineError } from './errors.ts'
import type { Link, WebSocketConstructor } from './link.ts'
import { Links } from './links.ts'
import { type Publication, Publications } from './publications.ts'
import type { Subscription, SubscriptionCallbacks } from './subscription.ts'
import type { EventOf } from './types.ts'

/**
 * - `connecting`: no line yet, for the first time;
 * - `open`: on a line that has caught up: the server has answered for every channel, and everything that was missed is here;
 * - `resuming`: the line was lost, or some of that is still to come;
 * - `closed`: for good.
 */
export type Status = 'connecting' | 'open' | 'resuming' | 'closed'

export interface LineOptions {
  /** `wss://…/dev`, or a function that is asked before each attempt. */
  readonly url: string | (() => string | Promise<string>)
  /** Sent as a subprotocol, where no log sees it; a function is asked before each attempt. @default none */
  readonly token?: string | (() => string | Promise<string>)
  /** @default the global one, which Node has from version 22 on */
  readonly WebSocket?: WebSocketConstructor
  /** Waits before coming back. @default 1 s, doubled up to 400 s, or what the server says; always with full jitter */
  readonly backoff?: Partial<Backoff>
  /** Messages that may wait to be published. @default 100 */
  readonly maxWaiting?: number
  /** How long an address and a handshake, and a ping, may be waited for, in milliseconds. @default 15 s and 10 s */
  readonly openMs?: number
  readonly pongMs?: number
  /** How long an action may stay unanswered before it is sent again, in milliseconds. @default 10 s */
  readonly replyMs?: number
  /** How long a missing frame is waited for before it is asked for, in milliseconds. @default 500 ms */
  readonly holeMs?: number
  /** Uniform in [0, 1). @default Math.random */
  readonly random?: () => number
}

/** One line to the server that is kept open: what `connect` gives. */
export class Line {
  readonly #channels: Channels
  readonly #publications: Publications
  readonly #links: Links
  readonly #listeners = new Set<(status: Status, error?: OpenlineError) => void>()
  #status: Status = 'connecting'

  constructor(options: LineOptions) {
    const { maxWaiting = 100, random = Math.random, replyMs = 10_000, holeMs = 500 } = options
    const global = globalThis as { readonly WebSocket?: WebSocketConstructor }
    const WebSocket = options.WebSocket ?? global.WebSocket
    if (!WebSocket)
      throw new Error(
        'there is no global WebSocket; pass one, such as that of the package ws, as the option WebSocket',
      )
    let ids = 0
    const acting = { replyMs, random, nextId: () => String(++ids) }
    this.#publications = new Publications({ ...acting, limit: maxWaiting })
    this.#channels = new Channels({ ...acting, holeMs, onLess: () => this.#look() })
    this.#links = new Links(
      { ...options, WebSocket, random },
      {
        onOpen: (link) => {
          this.#channels.opened(link)
          this.#look()
        },
        onFrame: (link, frame) => {
          this.#receive(link, frame)
          this.#look()
        },
        onGone: (link) => {
          this.#channels.gone(link)
          this.#look()
        },
        onWake: () => this.#channels.renew(),
        onRefused: (error) => this.#finish(error),
      },
    )
  }

  get status(): Status {
    return this.#status
  }

  /**
   * Tells of each change of status.
   * @param listener gets the error with which a line that was refused is `closed`
   * @returns a function that ends it
   */
  onStatus(listener: (status: Status, error?: OpenlineError) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * Follows a channel.
   * @param after the last offset that is known, to hear everything since; without it, what comes from now on
   * @throws OpenlineError `closed` on a line that is closed
   * @throws Error for an `after` beside a subscription to the same channel, which has its own place
   */
  subscribe<C extends string>(
    channel: C,
    { after, ...callbacks }: { readonly after?: number } & SubscriptionCallbacks<EventOf<C>> = {},
  ): Subscription<EventOf<C>> {
    if (this.#status === 'closed') throw closed()
    const subscription = this.#channels.subscribe(
      channel as string as Channel, // the server checks the name; a wrong one comes back as an error
      after,
      callbacks as SubscriptionCallbacks<ChannelEvent>,
    )
    return subscription as unknown as Subscription<EventOf<C>> // the channel's name says which events it carries
  }

  /**
   * Says something in a room. Offline it waits, in order; sent again after a loss it is published once all the same.
   * @param messageId by which a repetition is known. @default a new one
   */
  publish(channel: `chat/${string}`, data: string, messageId: string = newMessageId()): Publication {
    const publication = this.#publications.publish(channel, data, messageId)
    if (this.#status === 'closed') this.#publications.failAll(closed())
    return publication
  }

  /** Ends the line for good: subscriptions end, publications that are not through fail with `closed`. */
  close(): void {
    this.#finish()
  }

  #finish(error?: OpenlineError): void {
    if (this.#status === 'closed') return
    this.#links.close()
    this.#publications.carry(undefined)
    this.#set('closed', error)
    this.#publications.failAll(error ?? closed())
    this.#channels.end(error)
  }

  #set(status: Status, error?: OpenlineError): void {
    if (this.#status === status) return
    this.#status = status
    for (const listener of [...this.#listeners]) call(listener, status, error)
  }

  /** Something has happened: has a link caught up, or has one been lost? */
  #look(): void {
    if (this.#status === 'closed') return
    for (const link of this.#links.behind) if (this.#channels.hasCaughtUp(link)) this.#links.caughtUp(link)
    const { link, hasCaughtUp } = this.#links
    this.#publications.carry(link?.isOpen ? link : undefined)
    if (hasCaughtUp) this.#set('open')
    else if (this.#status === 'open') this.#set('resuming')
  }

  #receive(link: Link, frame: ServerMessage): void {
    if (frame.type === 'welcome') {
      this.#links.welcomed(link, frame)
      this.#channels.lease(frame.leaseMs)
    } else if (frame.type === 'published') this.#publications.settle(frame.id, frame.offset)
    else if (frame.type !== 'error') this.#channels.receive(link, frame)
    else if (frame.code === 'not_connected') link.giveUp()
    else if (!this.#channels.refused(link, frame)) this.#publications.refused(frame)
  }
}

/** 96 random bits; `randomUUID` is there on secure pages only. */
const newMessageId = () =>
  `m-${Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join('')}`

const closed = () => new OpenlineError('closed', 'the line was closed')
