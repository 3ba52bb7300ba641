import { ERRORS, FATAL_CLOSES } from '../protocol/errors.ts'
import type { Channel, Offset } from '../protocol/ids.ts'
import { CONNECTION_LIFETIME_MS, MAX_FRAME_BYTES, utf8Bytes } from '../protocol/limits.ts'
import {
  type ChannelEvent,
  type ErrorFrame,
  SUBPROTOCOL,
  type ServerMessage,
  bearer,
} from '../protocol/messages.ts'
import { type Backoff, DEFAULT_BACKOFF, delayMs } from './backoff.ts'
import { OpenlineError } from './errors.ts'
import { Link, type WebSocketConstructor } from './link.ts'
import { PendingPublication, type Publication, Publications } from './publications.ts'
import { type Carried, type Item, Sequence } from './sequence.ts'
import { Subscription, type SubscriptionCallbacks } from './subscription.ts'
import type { EventOf } from './types.ts'

/**
 * - `connecting`: no line yet, for the first time;
 * - `open`: on a line, and the server has answered for every channel with what was missed;
 * - `resuming`: the line was lost, or that answer is still to come;
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
  /** How long a handshake, and a ping, may stay unanswered, in milliseconds. @default 15 s and 10 s */
  readonly openMs?: number
  readonly pongMs?: number
  /** How long an action may stay unanswered before it is sent again, in milliseconds. @default 10 s */
  readonly replyMs?: number
  /** How long a missing frame is waited for before it is asked for, in milliseconds. @default 500 ms */
  readonly holeMs?: number
  /** Uniform in [0, 1). @default Math.random */
  readonly random?: () => number
}

interface Followed {
  readonly channel: Channel
  readonly sequence: Sequence<ChannelEvent>
  readonly subscriptions: Set<Subscription<ChannelEvent>>
  hole: Timer | undefined
}

/** A question to the server, on one link. */
interface Asked {
  readonly link: Link
  readonly followed: Followed
  readonly timer: Timer
}

type Timer = ReturnType<typeof setTimeout>

/** A line is replaced this long before its end, and up to as long again: not all at the same moment. */
const REPLACE_BEFORE_MS = 300_000
/** A lease is renewed when this share of it is over. */
const RENEWAL_SHARE = 1 / 3
/** Of a publication that the server failed to carry out. */
const MAX_RETRIES = 5

/** One line to the server that is kept open: what `connect` gives. */
export class Line {
  readonly #options: LineOptions
  readonly #WebSocket: WebSocketConstructor
  readonly #random: () => number
  #backoff: Backoff
  #status: Status = 'connecting'
  readonly #listeners = new Set<(status: Status, error?: OpenlineError) => void>()
  readonly #followed = new Map<Channel, Followed>()
  readonly #publications: Publications
  readonly #asked = new Map<string, Asked>()
  readonly #retries = new Map<string, number>()
  /** The link that carries, and the one that is to replace it. */
  #link: Link | undefined
  #next: Link | undefined
  /** Channels whose first answer on a link is still to come. */
  readonly #behind = new Map<Link, Set<Channel>>()
  #attempt = 0
  #ids = 0
  #comeback: Timer | undefined
  #replacement: Timer | undefined
  #renewal: ReturnType<typeof setInterval> | undefined
  #leaseMs = 0
  readonly #release: () => void

  constructor(options: LineOptions) {
    this.#options = options
    const global = globalThis.WebSocket as unknown as WebSocketConstructor | undefined
    const given = options.WebSocket ?? global
    if (!given)
      throw new Error(
        'there is no global WebSocket; pass one, such as that of the package ws, as the option WebSocket',
      )
    this.#WebSocket = given
    this.#random = options.random ?? Math.random
    this.#backoff = { ...DEFAULT_BACKOFF, ...options.backoff }
    this.#publications = new Publications(options.maxWaiting ?? 100)
    this.#release = this.#watchNetwork()
    void this.#open('link')
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
    const name = channel as string as Channel
    let followed = this.#followed.get(name)
    if (followed && after !== undefined)
      throw new Error(
        `"${channel}" is followed on this line already; subscribe without after, or first close the other`,
      )
    if (!followed) {
      const sequence = new Sequence<ChannelEvent>(!/^tasks\//.test(channel), after)
      followed = { channel: name, sequence, subscriptions: new Set(), hole: undefined }
      this.#followed.set(name, followed)
      for (const link of this.#behind.keys()) this.#ask(link, followed)
    }
    const { subscriptions } = followed
    const subscription = new Subscription<ChannelEvent>(
      callbacks as SubscriptionCallbacks<ChannelEvent>,
      () => {
        subscriptions.delete(subscription)
        if (subscriptions.size === 0) this.#unfollow(name)
      },
    )
    subscriptions.add(subscription)
    const { have } = followed.sequence
    // Known already: it was followed before, and everything after this has still to come.
    if (have !== undefined && after === undefined) queueMicrotask(() => subscription.subscribed(have))
    return subscription as unknown as Subscription<EventOf<C>> // the channel's name says which events it carries
  }

  /**
   * Says something in a room. Offline it waits, in order; sent again after a loss it is published once all the same.
   * @param messageId by which a repetition is known. @default a new one
   */
  publish(channel: `chat/${string}`, data: string, messageId: string = newMessageId()): Publication {
    const publication = new PendingPublication(channel, data, messageId)
    const bytes = utf8Bytes(JSON.stringify(publication.message))
    if (this.#status === 'closed') publication.failed(closed())
    else if (bytes > MAX_FRAME_BYTES)
      publication.failed(
        new OpenlineError(
          'message_too_large',
          `the message takes ${bytes} bytes; at most ${MAX_FRAME_BYTES} fit a frame`,
        ),
      )
    else {
      this.#publications.add(publication)
      if (publication.state === 'waiting' && this.#status === 'open') this.#send(publication)
    }
    return publication
  }

  /** Ends the line for good: subscriptions end, publications that are not through fail with `closed`. */
  close(): void {
    this.#finish(closed())
  }

  #finish(error: OpenlineError): void {
    if (this.#status === 'closed') return
    clearTimeout(this.#comeback)
    clearTimeout(this.#replacement)
    clearInterval(this.#renewal)
    this.#release()
    for (const { timer } of this.#asked.values()) clearTimeout(timer)
    for (const link of this.#behind.keys()) link.close()
    this.#behind.clear()
    this.#publications.failAll(error)
    const isOwn = error.code === 'closed'
    for (const { hole, subscriptions } of this.#followed.values()) {
      clearTimeout(hole)
      for (const subscription of subscriptions) subscription.end(isOwn ? undefined : error)
    }
    this.#set('closed', isOwn ? undefined : error)
  }

  #set(status: Status, error?: OpenlineError): void {
    if (this.#status === status) return
    this.#status = status
    for (const listener of [...this.#listeners]) listener(status, error)
  }

  async #open(role: 'link' | 'next'): Promise<void> {
    const { url, token } = this.#options
    let link: Link
    try {
      const [address, secret] = await Promise.all([valueOf(url), valueOf(token)])
      if (this.#status === 'closed') return
      const protocols = [SUBPROTOCOL, ...(secret === undefined ? [] : [bearer(secret)])]
      const { openMs = 15_000, pongMs = 10_000 } = this.#options
      link = new Link(
        new this.#WebSocket(address, protocols),
        {
          onOpen: () => this.#opened(link),
          onFrame: (frame) => this.#receive(link, frame),
          onEnd: (code) => this.#ended(link, code),
        },
        { openMs, pongMs },
      )
    } catch {
      // No address or no token to be had now.
      if (role === 'link') this.#retry()
      else this.#replaceIn(delayMs(this.#attempt++, this.#random, this.#backoff))
      return
    }
    if (role === 'link') this.#link = link
    else this.#next = link
  }

  #opened(link: Link): void {
    this.#behind.set(link, new Set(this.#followed.keys()))
    for (const followed of this.#followed.values()) this.#ask(link, followed)
    this.#advance(link)
  }

  /** Where a link has answered for every channel, it carries from now on, and the one before it is closed. */
  #advance(link: Link): void {
    if (this.#behind.get(link)?.size !== 0) return
    if (link === this.#next) {
      const old = this.#link
      this.#link = link
      this.#next = undefined
      if (old) this.#drop(old)
      old?.close()
    }
    if (link !== this.#link || this.#status === 'open') return
    this.#attempt = 0
    this.#set('open')
    for (const message of this.#publications.sendAll()) link.send(message)
  }

  #drop(link: Link): void {
    this.#behind.delete(link)
    for (const [id, asked] of this.#asked) {
      if (asked.link !== link) continue
      clearTimeout(asked.timer)
      this.#asked.delete(id)
    }
  }

  #ended(link: Link, code: number): void {
    this.#drop(link)
    if (link === this.#next) {
      this.#next = undefined
      this.#replaceIn(delayMs(this.#attempt++, this.#random, this.#backoff))
      return
    }
    if (link !== this.#link) return
    const reason = FATAL_CLOSES[code]
    if (reason !== undefined) {
      this.#finish(new OpenlineError('refused', `the server closed the line with ${code}: ${reason}`))
      return
    }
    this.#link = this.#next // on its way already
    this.#next = undefined
    this.#publications.lost()
    if (this.#status === 'open') this.#set('resuming')
    if (!this.#link) this.#retry()
    else this.#advance(this.#link)
  }

  #retry(): void {
    clearTimeout(this.#comeback)
    this.#comeback = setTimeout(
      () => void this.#open('link'),
      delayMs(this.#attempt++, this.#random, this.#backoff),
    )
  }

  #replaceIn(ms: number): void {
    clearTimeout(this.#replacement)
    this.#replacement = setTimeout(() => {
      if (this.#link && !this.#next) void this.#open('next')
    }, ms)
  }

  #receive(link: Link, frame: ServerMessage): void {
    switch (frame.type) {
      case 'welcome': {
        link.heartbeatMs = frame.heartbeatMs
        this.#backoff = { ...this.#backoff, baseMs: this.#options.backoff?.baseMs ?? frame.reconnectMs }
        const lifetime = Math.min(frame.lifetimeMs, CONNECTION_LIFETIME_MS)
        this.#replaceIn(Math.max(0, lifetime - REPLACE_BEFORE_MS * (1 + this.#random())))
        this.#renewEvery(frame.leaseMs * RENEWAL_SHARE)
        return
      }
      case 'events':
        this.#carry(this.#followed.get(frame.channel), frame)
        return
      case 'subscribed':
      case 'reset':
        this.#answered(frame.id, frame)
        return
      case 'published':
        if (frame.id !== undefined) this.#publications.published(frame.id, frame.offset)
        return
      case 'error':
        this.#refused(link, frame)
        return
      case 'unsubscribed':
      case 'pong':
    }
  }

  #answered(id: string | undefined, frame: Extract<ServerMessage, { type: 'subscribed' | 'reset' }>): void {
    const asked = this.#asked.get(id ?? '')
    const followed = this.#followed.get(frame.channel)
    if (followed) {
      const { sequence } = followed
      if (frame.type === 'reset') {
        // Unasked it tells of a loss, of which whoever has got past it has heard already.
        if (id !== undefined || sequence.have === undefined || frame.offset > sequence.have)
          this.#tell(followed, sequence.reset(frame.offset))
      } else {
        if (frame.events) this.#tell(followed, sequence.take(frame))
        this.#tell(followed, sequence.reach(frame.offset))
      }
      for (const subscription of [...followed.subscriptions]) subscription.subscribed(frame.offset)
    }
    if (!asked || id === undefined) return
    clearTimeout(asked.timer)
    this.#asked.delete(id)
    this.#behind.get(asked.link)?.delete(frame.channel)
    this.#advance(asked.link)
  }

  #carry(followed: Followed | undefined, frame: Carried<ChannelEvent>): void {
    if (followed) this.#tell(followed, followed.sequence.take(frame))
  }

  #tell(followed: Followed, items: readonly Item[]): void {
    for (const item of items) for (const subscription of [...followed.subscriptions]) subscription.tell(item)
    // Frames may overtake one another: a hole is only asked about when it stays.
    if (!followed.sequence.hasHole) {
      clearTimeout(followed.hole)
      followed.hole = undefined
      return
    }
    followed.hole ??= setTimeout(() => {
      followed.hole = undefined
      if (this.#link && followed.sequence.hasHole) this.#ask(this.#link, followed)
    }, this.#options.holeMs ?? 500)
  }

  /** Asks for everything after what is here. Unanswered it is asked again, and then the link is given up. */
  #ask(link: Link, followed: Followed, tries = 1): void {
    const { channel, sequence } = followed
    const id = String(++this.#ids)
    const after = sequence.have
    this.#behind.get(link)?.add(channel)
    const timer = setTimeout(() => {
      this.#asked.delete(id)
      if (!this.#followed.has(channel)) return
      if (tries < MAX_RETRIES) this.#ask(link, followed, tries + 1)
      else link.giveUp()
    }, this.#options.replyMs ?? 10_000)
    this.#asked.set(id, { link, followed, timer })
    link.send({
      action: 'subscribe',
      channel,
      id,
      ...(after === undefined ? {} : { after: after as Offset }),
    })
  }

  #renewEvery(ms: number): void {
    if (ms === this.#leaseMs) return
    this.#leaseMs = ms
    clearInterval(this.#renewal)
    this.#renewal = setInterval(() => {
      const link = this.#link
      if (link && this.#status === 'open')
        for (const followed of this.#followed.values()) this.#ask(link, followed)
    }, ms)
  }

  #unfollow(channel: Channel): void {
    const followed = this.#followed.get(channel)
    if (!followed) return
    clearTimeout(followed.hole)
    this.#followed.delete(channel)
    for (const [link, channels] of this.#behind) {
      link.send({ action: 'unsubscribe', channel })
      channels.delete(channel)
      this.#advance(link)
    }
  }

  #send(publication: PendingPublication): void {
    publication.state = 'sent'
    this.#link?.send(publication.message)
  }

  #refused(link: Link, { id = '', code, message, requestId }: ErrorFrame): void {
    if (code === 'not_connected') {
      link.giveUp()
      return
    }
    const error = new OpenlineError(code, message, requestId)
    const publication = this.#publications.get(id)
    const asked = this.#asked.get(id)
    const retries = (this.#retries.get(id) ?? 0) + 1
    if (ERRORS[code].retry && retries <= MAX_RETRIES) {
      if (!publication) return // a question is asked again when its time is over
      this.#retries.set(id, retries)
      setTimeout(
        () => {
          if (this.#status === 'open' && this.#publications.get(id)) this.#send(publication)
        },
        delayMs(retries, this.#random, this.#backoff),
      )
      return
    }
    this.#retries.delete(id)
    this.#publications.failed(id, error)
    if (!asked) return
    clearTimeout(asked.timer)
    this.#asked.delete(id)
    const { channel, subscriptions } = asked.followed
    this.#followed.delete(channel)
    for (const subscription of subscriptions) subscription.end(error)
    for (const [other, channels] of this.#behind) {
      channels.delete(channel)
      this.#advance(other)
    }
  }

  /** A browser knows when its network goes and comes. */
  #watchNetwork(): () => void {
    const target = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>
    const back = () => {
      if (this.#link) this.#link.probe()
      else if (this.#status !== 'closed') {
        this.#attempt = 0
        this.#retry()
      }
    }
    const gone = () => this.#link?.probe()
    target.addEventListener?.('online', back)
    target.addEventListener?.('offline', gone)
    return () => {
      target.removeEventListener?.('online', back)
      target.removeEventListener?.('offline', gone)
    }
  }
}

/** 96 random bits; `randomUUID` is there on secure pages only. */
const newMessageId = () =>
  `m-${Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join('')}`

const closed = () => new OpenlineError('closed', 'the line was closed')

const valueOf = async <T>(value: T | (() => T | Promise<T>)): Promise<T> =>
  typeof value === 'function' ? (value as () => T | Promise<T>)() : value
