import type { WebSocket } from 'ws'
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
export const TOO_BIG: Close = { code: 1009, reason: '' }

/** An open connection. */
export class WebSocketConnection {
  readonly context: ConnectionContext
  readonly socket: WebSocket
  /** When data last went in or out; protocol pings do not count. Epoch milliseconds. */
  lastActiveAt: number
  /** Set when the gateway closes: what `$disconnect` says then, whatever the client answers. */
  closing: Close | undefined
  readonly #onEnd: (why: Close) => void
  #hasEnded = false

  constructor(context: ConnectionContext, socket: WebSocket, openedAt: number, onEnd: (why: Close) => void) {
    this.context = context
    this.socket = socket
    this.lastActiveAt = openedAt
    this.#onEnd = onEnd
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN
  }

  /** Answers a message; a client that is gone by then needs no answer. */
  sendIfOpen(text: string, at: number): void {
    if (this.isOpen) this.send(text, at)
  }

  /** Sends text as one message, in frames of at most the quota. */
  send(text: string, at: number): void {
    this.lastActiveAt = at
    const bytes = Buffer.from(text)
    if (bytes.length <= MAX_FRAME_BYTES) {
      this.socket.send(bytes, { binary: false })
      return
    }
    for (let start = 0; start < bytes.length; start += MAX_FRAME_BYTES) {
      const end = start + MAX_FRAME_BYTES
      this.socket.send(bytes.subarray(start, end), { binary: false, fin: end >= bytes.length })
    }
  }

  /** @param clientReason what the client is told; with DELETE it is told nothing */
  close(why: Close, clientReason = why.reason): void {
    this.closing ??= why
    this.socket.close(why.code, clientReason)
    this.ended(this.closing)
  }

  /** Closes without leaving the client time to answer. */
  terminate(why: Close): void {
    this.close(why)
    this.socket.terminate()
  }

  /** Tells once, at the first word of it, that the connection is no more; the gateway waits for no client's answer. */
  ended(why: Close): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#onEnd(this.closing ?? why)
  }
}
