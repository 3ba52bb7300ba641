import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { BINARY_REFUSED, type Close, GOING_AWAY, TOO_BIG, WebSocketConnection } from './connection.ts'
import type { ConnectionContext } from './events.ts'
import { FrameMeter } from './frame-meter.ts'
import { MAX_FRAME_BYTES, MAX_MESSAGE_BYTES } from './limits.ts'
import type { Accepted } from './handshake.ts'

export interface SocketsOptions {
  readonly clock: Clock
  readonly log: Log
  readonly source: string
  readonly onMessage: (connection: WebSocketConnection, body: string) => void
  /** Once for each connection, at the first word of its end. */
  readonly onEnd: (context: ConnectionContext, why: Close) => void
}

/** The open connections of an API: opens them, and judges each frame that comes in. */
export class Sockets implements Iterable<WebSocketConnection> {
  readonly #options: SocketsOptions
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: { threshold: 1024 },
    // The handshake's answer names the subprotocol that $connect chose; the library must choose none.
    handleProtocols: () => false,
  })
  readonly #subprotocols = new WeakMap<IncomingMessage, string>()
  readonly #open = new Map<string, WebSocketConnection>()
  #isClosed = false

  constructor(options: SocketsOptions) {
    this.#options = options
    this.#server.on('headers', (headers, request) => {
      const protocol = this.#subprotocols.get(request)
      if (protocol !== undefined) headers.push(`Sec-WebSocket-Protocol: ${protocol}`)
    })
  }

  [Symbol.iterator](): Iterator<WebSocketConnection> {
    return this.#open.values()
  }

  /** An open connection of a stage. */
  find(stage: string, connectionId: string): WebSocketConnection | undefined {
    const connection = this.#open.get(connectionId)
    return connection?.context.stage === stage && connection.isOpen ? connection : undefined
  }

  /** Answers an accepted handshake with 101. */
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer, { context, protocol }: Accepted): void {
    if (protocol !== undefined) this.#subprotocols.set(request, protocol)
    this.#server.handleUpgrade(request, stream, head, (socket) => this.#add(socket, stream, context))
  }

  /** Closes every connection, and each that still opens. */
  close(): void {
    this.#isClosed = true
    for (const connection of this.#open.values()) connection.terminate(GOING_AWAY)
  }

  #add(socket: WebSocket, stream: Duplex, context: ConnectionContext): void {
    const { clock, log, source, onMessage, onEnd } = this.#options
    const connection = new WebSocketConnection(context, socket, clock.now(), (why) => onEnd(context, why))
    this.#open.set(context.connectionId, connection)
    const meter = new FrameMeter(MAX_FRAME_BYTES)
    stream.prependListener('data', (chunk: Buffer) => {
      if (!connection.closing && !meter.accepts(chunk)) connection.close(TOO_BIG)
    })
    socket.on('message', (data: Buffer, isBinary) => {
      if (connection.closing) return
      connection.lastActiveAt = clock.now()
      const frames = meter.takeFrames()
      if (isBinary) connection.close(BINARY_REFUSED)
      // Compressed frames are small on the wire; together they may hold no more than so many frames of the quota.
      else if (data.length > frames * MAX_FRAME_BYTES) connection.close(TOO_BIG)
      else onMessage(connection, data.toString())
    })
    socket.on('error', (error: Error & { code?: string }) => {
      if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') connection.closing ??= TOO_BIG
      log.info(source, `${context.connectionId}: ${error.message}`)
    })
    socket.on('close', (code, reason) => {
      this.#open.delete(context.connectionId)
      connection.ended(clientClose(code, reason.toString()))
    })
    if (this.#isClosed) connection.terminate(GOING_AWAY)
  }
}

/** What a client's own close comes to: a close frame without a code is told in words. */
function clientClose(code: number, reason: string): Close {
  return code === 1005 && reason === ''
    ? { code, reason: 'Client-side close frame status not set' }
    : { code, reason }
}
