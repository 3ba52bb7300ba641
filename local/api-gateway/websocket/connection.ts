import { WebSocket } from 'ws'
import { MAX_FRAME_BYTES } from './limits.ts'
import type { ConnectionContext } from './events.ts'

/** Why a connection ended, as its `$disconnect` event will say. */
export interface Close {
  readonly code: number
  readonly reason: string
}

export const CLOSED_BY_DELETE: Close = { code: 1000, reason: 'Connection Closed Normally' }
export const GOING_AWAY: Close = { code: 1001, reason: 'Going away' }
export const BINARY_REFUSED: Close = { code: 1003, reason: '' }
/** The line broke, and nobody said anything. */
export const LOST: Close = { code: 1006, reason: '' }
export const TOO_BIG: Close = { code: 1009, reason: '' }

/** The library's socket, which knows whose it is: listeners are shared then, and a connection costs none of its own. */
export class GatewaySocket extends WebSocket {
  connection: WebSocketConnection | undefined

  /** Called by us, and by the library for a client's close frame (with its code) and for a breach of the protocol. */
  override close(code?: number, reason?: string | Buffer): void {
    const isFirst = this.readyState === WebSocket.OPEN
    super.close(code, reason)
    if (isFirst) this.connection?.ended(toClose(code, reason?.toString()))
  }
}

/** A close frame without a code is told in words. */
const toClose = (code: number | undefined, reason = ''): Close =>
  code === undefined ? { code: 1005, reason: 'Client-side close frame status not set' } : { code, reason }

/** An open connection. */
export class WebSocketConnection {
  readonly context: ConnectionContext
  readonly #socket: GatewaySocket
  /** When data last went in or out; protocol pings do not count. Epoch milliseconds. */
  lastActiveAt: number
  /** Set when the gateway closes: what `$disconnect` says then, whatever the client answers. */
  #closing: Close | undefined
  readonly #onEnd: (connection: WebSocketConnection, why: Close) => void
  #hasEnded = false

  constructor(
    context: ConnectionContext,
    socket: GatewaySocket,
    openedAt: number,
    onEnd: (connection: WebSocketConnection, why: Close) => void,
  ) {
    this.context = context
    this.#socket = socket
    this.lastActiveAt = openedAt
    this.#onEnd = onEnd
    socket.connection = this
  }

  /** Whether the gateway takes it to be open: a line that broke in silence may be, for as long as nobody noticed. */
  get isOpen(): boolean {
    return !this.#hasEnded
  }

  /** Bytes that wait for the client. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount
  }

  /** Answers a message; a client that is gone by then needs no answer. */
  sendIfOpen(text: string, at: number): void {
    if (this.isOpen) this.send(Buffer.from(text), at)
  }

  /** Sends UTF-8 text as one message, in frames of at most the quota. */
  send(text: Buffer, at: number): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return // into the void, as on AWS
    this.lastActiveAt = at
    if (text.length <= MAX_FRAME_BYTES) {
      this.#socket.send(text, { binary: false })
      return
    }
    for (let start = 0; start < text.length; start += MAX_FRAME_BYTES) {
      const end = start + MAX_FRAME_BYTES
      this.#socket.send(text.subarray(start, end), { binary: false, fin: end >= text.length })
    }
  }

  /** @param clientReason what the client is told; with DELETE it is told nothing */
  close(why: Close, clientReason = why.reason): void {
    this.#closing ??= why
    this.#socket.close(why.code, clientReason)
    this.ended(this.#closing)
  }

  /** Closes without leaving the client time to answer. */
  terminate(why: Close): void {
    this.close(why)
    this.#socket.terminate()
  }

  /** Tells once, at the first word of it, that the connection is no more; the gateway waits for no client's answer. */
  ended(why: Close): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#onEnd(this, this.#closing ?? why)
  }
}
