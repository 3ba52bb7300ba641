import type { Action, ServerMessage } from '../protocol/messages.ts'

/** As much of a WebSocket as is used: the browser's, Node's own, and that of `ws` are all like this. */
export interface WebSocketLike {
  onopen: ((event: never) => unknown) | null
  onmessage: ((event: never) => unknown) | null
  onclose: ((event: never) => unknown) | null
  onerror: ((event: never) => unknown) | null
  send(data: string): void
  close(code?: number, reason?: string): void
}

export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike

export interface LinkHandlers {
  readonly onOpen: () => void
  readonly onFrame: (frame: ServerMessage) => void
  /** Once, at the end. @param code 1006 where the line was simply lost, and where it was given up here */
  readonly onEnd: (code: number) => void
  /** The machine has slept. */
  readonly onWake: () => void
}

export interface LinkTimes {
  /** How long a handshake may take, in milliseconds. */
  readonly openMs: number
  /** How long a ping may stay unanswered. */
  readonly pongMs: number
}

/** How often a link looks at the time: for silence, and for a sleep that it has slept through. */
const LOOK_MS = 15_000
/** No look for so long is a sleep: a browser lets a page that is not seen look once a minute. */
const SLEEP_MS = 90_000
/** What clients ping at before the server has said how often. */
const HEARTBEAT_MS = 240_000
const LOST = 1006

/** One WebSocket from its handshake to its end, kept alive by pings and given up when they stay unanswered. */
export class Link {
  readonly #socket: WebSocketLike
  readonly #handlers: LinkHandlers
  readonly #times: LinkTimes
  /** Silence after which it pings, in milliseconds. */
  heartbeatMs = HEARTBEAT_MS
  #heardAt = Date.now()
  #lookedAt = Date.now()
  #look: ReturnType<typeof setInterval> | undefined
  #limit: ReturnType<typeof setTimeout> | undefined
  #isOver = false

  constructor(socket: WebSocketLike, handlers: LinkHandlers, times: LinkTimes) {
    this.#socket = socket
    this.#handlers = handlers
    this.#times = times
    this.#limit = setTimeout(() => this.giveUp(), times.openMs)
    socket.onopen = () => this.#opened()
    socket.onmessage = ({ data }: { data: unknown }) => this.#receive(String(data))
    socket.onclose = ({ code }: { code?: number }) => this.#end(code ?? LOST)
    socket.onerror = () => undefined // the close that follows says it
  }

  /** @returns whether it is on its way; false once the link has ended */
  send(action: Action): boolean {
    if (!this.#isOver) this.#socket.send(JSON.stringify(action))
    return !this.#isOver
  }

  get isOpen(): boolean {
    return this.#look !== undefined && !this.#isOver
  }

  /** Finds out now whether anybody is there. */
  probe(): void {
    if (this.#limit || this.#isOver) return
    this.send({ action: 'ping' })
    this.#limit = setTimeout(() => this.giveUp(), this.#times.pongMs)
  }

  /** Ends it in good order; `onEnd` is not called. */
  close(): void {
    this.#release()
    this.#socket.close(1000)
  }

  /** Ends it without waiting for the other side, which a dead network would hold back. */
  giveUp(): void {
    if (this.#isOver) return
    this.#end(LOST)
    this.#socket.close()
  }

  #opened(): void {
    this.#heard()
    this.#lookedAt = Date.now()
    this.#look = setInterval(() => {
      const now = Date.now()
      const hasSlept = now - this.#lookedAt >= SLEEP_MS
      this.#lookedAt = now
      if (hasSlept || now - this.#heardAt >= this.heartbeatMs) this.probe()
      if (hasSlept) this.#handlers.onWake()
    }, LOOK_MS)
    this.#handlers.onOpen()
  }

  #heard(): void {
    this.#heardAt = Date.now()
    clearTimeout(this.#limit)
    this.#limit = undefined
  }

  #receive(text: string): void {
    this.#heard()
    let frame: ServerMessage | null | undefined
    try {
      frame = JSON.parse(text) as ServerMessage | null
    } catch {
      // The words of an echo line.
    }
    if (frame?.type !== undefined) this.#handlers.onFrame(frame)
  }

  #end(code: number): void {
    if (this.#isOver) return
    this.#release()
    this.#handlers.onEnd(code)
  }

  #release(): void {
    this.#isOver = true
    clearInterval(this.#look)
    clearTimeout(this.#limit)
    const socket = this.#socket
    socket.onopen = socket.onmessage = socket.onclose = null
  }
}
