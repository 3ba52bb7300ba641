import { FATAL_CLOSES } from '../protocol/errors.ts'
import { CONNECTION_LIFETIME_MS } from '../protocol/limits.ts'
import { SUBPROTOCOL, type ServerMessage, type WelcomeFrame, bearer } from '../protocol/messages.ts'
import { type Backoff, DEFAULT_BACKOFF, delayMs } from './backoff.ts'
import { OpenlineError } from './errors.ts'
import { Link, type LinkTimes, type WebSocketConstructor, type WebSocketLike } from './link.ts'
import { watchNetwork } from './network.ts'
import { type Given, valueOf, within } from './waiting.ts'

/** See `LineOptions`. */
export interface LinksOptions extends Partial<LinkTimes> {
  readonly url: Given<string>
  readonly token?: Given<string>
  readonly WebSocket: WebSocketConstructor
  readonly backoff?: Partial<Backoff>
  readonly random: () => number
}

export interface LinksHandlers {
  readonly onOpen: (link: Link) => void
  readonly onFrame: (link: Link, frame: ServerMessage) => void
  /** A link has ended; nothing that was asked on it will be answered. */
  readonly onGone: (link: Link) => void
  readonly onWake: () => void
  /** Coming back makes no sense. */
  readonly onRefused: (error: OpenlineError) => void
}

/** A link is replaced this long before its end, and up to as long again: not all at the same moment. */
const REPLACE_BEFORE_MS = 300_000

/**
 * The link that carries, and the one that is to replace it: opened anew when they are lost, with growing waits, and
 * before API Gateway ends them.
 */
export class Links {
  readonly #options: LinksOptions
  readonly #handlers: LinksHandlers
  readonly #times: LinkTimes
  #link: Link | undefined
  #next: Link | undefined
  /** The last link that has caught up. */
  #settled: Link | undefined
  #isOpening = false
  #isOver = false
  /** Of attempts since a link last had caught up. */
  #attempt = 0
  #baseMs = DEFAULT_BACKOFF.baseMs
  /** The next time that a link is opened. */
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #release: () => void

  constructor(options: LinksOptions, handlers: LinksHandlers) {
    this.#options = options
    this.#handlers = handlers
    const { openMs = 15_000, pongMs = 10_000 } = options
    this.#times = { openMs, pongMs }
    this.#release = watchNetwork({
      online: () => {
        this.#link?.probe()
        this.#attempt = 0
        if (!this.#link) this.#openLater()
      },
      offline: () => this.#link?.probe(),
    })
    void this.#open()
  }

  /** The link that carries, open or not; undefined while there is none. */
  get link(): Link | undefined {
    return this.#link
  }

  /** Whether the link that carries has caught up. */
  get hasCaughtUp(): boolean {
    return this.#link !== undefined && this.#link === this.#settled
  }

  /** Links that have not, as far as is known; the newest first. */
  get behind(): readonly Link[] {
    return [this.#next, this.#link].filter((link) => link && link !== this.#settled) as Link[]
  }

  /** A link has caught up: the next attempt is a first one, and if it was to replace another, it does. */
  caughtUp(link: Link): void {
    this.#settled = link
    this.#attempt = 0
    if (link !== this.#next) return
    const old = this.#link
    this.#link = link
    this.#next = undefined
    old?.close()
    if (old) this.#handlers.onGone(old)
  }

  welcomed(link: Link, { heartbeatMs, reconnectMs, lifetimeMs }: WelcomeFrame): void {
    link.heartbeatMs = heartbeatMs
    this.#baseMs = reconnectMs
    this.#replaceWithin(lifetimeMs)
  }

  close(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#release()
    this.#link?.close()
    this.#next?.close()
  }

  async #open(): Promise<void> {
    if (this.#isOpening || this.#next || this.#isOver) return
    this.#isOpening = true
    const { url, token } = this.#options
    const given = await within(this.#times.openMs, Promise.all([valueOf(url), valueOf(token)])).catch(
      () => undefined,
    )
    this.#isOpening = false
    if (given) this.#connect(...given)
    else this.#openLater() // no address or no token to be had now
  }

  #connect(url: string, token: string | undefined): void {
    if (this.#isOver) return
    clearTimeout(this.#timer)
    let socket: WebSocketLike
    try {
      const protocols = [SUBPROTOCOL, ...(token === undefined ? [] : [bearer(token)])]
      socket = new this.#options.WebSocket(url, protocols)
    } catch {
      // Refused by the platform, which would refuse it again; its own words may hold the token.
      const message = `no WebSocket can be opened to "${url}"; expected wss://…, and a token that fits a header`
      if (this.#link) this.#openLater()
      else this.#handlers.onRefused(new OpenlineError('refused', message))
      return
    }
    const handlers = {
      onOpen: () => {
        this.#replaceWithin(CONNECTION_LIFETIME_MS) // unless `welcome` says otherwise, or is lost
        this.#handlers.onOpen(link)
      },
      onFrame: (frame: ServerMessage) => this.#handlers.onFrame(link, frame),
      onEnd: (code: number) => this.#ended(link, code),
      onWake: this.#handlers.onWake,
    }
    const link: Link = new Link(socket, handlers, this.#times)
    if (this.#link) this.#next = link
    else this.#link = link
  }

  #ended(link: Link, code: number): void {
    const reason = FATAL_CLOSES[code]
    const didCarry = link === this.#link
    if (didCarry && reason !== undefined) {
      const message = `the server closed the line with ${code}: ${reason}`
      this.#handlers.onRefused(new OpenlineError('refused', message))
      return
    }
    if (didCarry) this.#link = this.#next // on its way already, perhaps
    this.#next = undefined
    this.#handlers.onGone(link)
    if (!didCarry || !this.#link) this.#openLater()
  }

  #openLater(): void {
    const backoff = { ...DEFAULT_BACKOFF, baseMs: this.#baseMs, ...this.#options.backoff }
    this.#openIn(delayMs(this.#attempt++, this.#options.random, backoff))
  }

  #replaceWithin(lifetimeMs: number): void {
    const lifetime = Math.min(lifetimeMs, CONNECTION_LIFETIME_MS)
    this.#openIn(Math.max(lifetime / 2, lifetime - REPLACE_BEFORE_MS * (1 + this.#options.random())))
  }

  #openIn(ms: number): void {
    clearTimeout(this.#timer)
    if (this.#isOver) return
    this.#timer = setTimeout(() => void this.#open(), ms)
  }
}
