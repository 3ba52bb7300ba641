import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type PerMessageDeflateOptions, WebSocketServer } from 'ws'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import {
  BINARY_REFUSED,
  type Close,
  GOING_AWAY,
  GatewaySocket,
  LOST,
  TOO_BIG,
  WebSocketConnection,
} from './connection.ts'
import type { ConnectionContext } from './events.ts'
import { FrameMeter } from './frame-meter.ts'
import type { Accepted } from './handshake.ts'
import { MAX_FRAME_BYTES, MAX_MESSAGE_BYTES } from './limits.ts'
import type { LossNotice } from './loss-notice.ts'

export interface SocketsOptions {
  readonly clock: Clock
  readonly log: Log
  readonly source: string
  /** `never`: the connection is forgotten at the idle timeout, and no `$disconnect` tells of it. */
  readonly lossNotice: LossNotice
  readonly onMessage: (connection: WebSocketConnection, body: string) => void
  /** Once for each connection, at the first word of its end. */
  readonly onEnd: (context: ConnectionContext, why: Close) => void
}

/** The open connections of an API: opens them, and judges each frame that comes in. */
export class Sockets implements Iterable<WebSocketConnection> {
  readonly #options: SocketsOptions
  readonly #server = new WebSocketServer<typeof GatewaySocket>({
    noServer: true,
    WebSocket: GatewaySocket,
    clientTracking: false,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: DEFLATE,
    // The handshake's answer names the subprotocol that $connect chose; the library must choose none.
    handleProtocols: () => false,
  })
  readonly #subprotocols = new WeakMap<IncomingMessage, string>()
  readonly #open = new Map<string, WebSocketConnection>()
  readonly #lost = new Set<WebSocketConnection>()
  #isClosed = false

  constructor(options: SocketsOptions) {
    this.#options = options
    this.#server.on('headers', (headers, request) => {
      const answer = toAnswer(headers, options.clock.now(), this.#subprotocols.get(request))
      headers.splice(0, headers.length, ...answer)
    })
  }

  [Symbol.iterator](): Iterator<WebSocketConnection> {
    return this.#open.values()
  }

  /** A connection of a stage that is open as far as the gateway knows. */
  find(stage: string, connectionId: string): WebSocketConnection | undefined {
    const connection = this.#open.get(connectionId)
    return connection?.context.stage === stage ? connection : undefined
  }

  /** Answers an accepted handshake with 101. @returns false when the client went at the last moment */
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer, { context, protocol }: Accepted): boolean {
    if (protocol !== undefined) this.#subprotocols.set(request, protocol)
    let isOpen = false
    this.#server.handleUpgrade(request, stream, head, (socket) => {
      isOpen = true
      this.#add(socket, stream, context)
    })
    return isOpen
  }

  /** Closes every connection, and each that still opens. */
  close(): void {
    this.#isClosed = true
    for (const connection of this.#open.values()) connection.terminate(GOING_AWAY)
  }

  #add(socket: GatewaySocket, stream: Duplex, context: ConnectionContext): void {
    const { clock, log, source, onMessage } = this.#options
    const connection = new WebSocketConnection(context, socket, clock.now(), this.#end)
    this.#open.set(context.connectionId, connection)
    const meter = new FrameMeter(MAX_FRAME_BYTES)
    stream.prependListener('data', (chunk: Buffer) => {
      if (connection.isOpen && !meter.accepts(chunk)) connection.close(TOO_BIG)
    })
    socket.on('message', (data: Buffer, isBinary) => {
      if (!connection.isOpen) return
      connection.lastActiveAt = clock.now()
      const frames = meter.takeFrames()
      if (isBinary) connection.close(BINARY_REFUSED)
      // Compressed frames are small on the wire; together they may hold no more than so many frames of the quota.
      else if (data.length > frames * MAX_FRAME_BYTES) connection.close(TOO_BIG)
      else onMessage(connection, data.toString())
    })
    socket.on('error', (error) => log.info(source, `${context.connectionId}: ${error.message}`))
    socket.on('close', () => this.#lose(connection))
    if (this.#isClosed) connection.terminate(GOING_AWAY)
  }

  readonly #end = (connection: WebSocketConnection, why: Close): void => {
    this.#open.delete(connection.context.connectionId)
    const isLost = this.#lost.delete(connection)
    if (isLost && this.#options.lossNotice === 'never') return
    this.#options.onEnd(connection.context, isLost && why === GOING_AWAY ? LOST : why)
  }

  /** The line is no more. Most often the connection ended before, with a close frame. */
  #lose(connection: WebSocketConnection): void {
    if (!connection.isOpen) return
    const { log, source, lossNotice } = this.#options
    log.info(source, `${connection.context.connectionId}: the line broke without a close frame`)
    if (lossNotice === 'immediately' || this.#isClosed) connection.ended(LOST)
    else this.#lost.add(connection)
  }
}

/**
 * Of the parameters that a client offers, the answer on record repeats the server's window alone. `false` is not among
 * the library's types, but in its documentation.
 */
const DEFLATE: PerMessageDeflateOptions = {
  threshold: 1024,
  ...({ clientMaxWindowBits: false } as object),
}

/** The answer's lines as they were recorded from AWS: their order, their case, and no space in the extension. */
function toAnswer(lines: readonly string[], now: number, protocol: string | undefined): string[] {
  const [status = '', ...rest] = lines
  const valueOf = (name: string) => {
    const line = rest.find((each) => each.toLowerCase().startsWith(`${name}:`))
    return line?.slice(name.length + 1).trim()
  }
  const extensions = valueOf('sec-websocket-extensions')
  return [
    status,
    `Date: ${new Date(now).toUTCString()}`,
    'Connection: upgrade',
    'upgrade: websocket',
    `sec-websocket-accept: ${valueOf('sec-websocket-accept') ?? ''}`,
    ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
    ...(extensions === undefined ? [] : [`sec-websocket-extensions: ${extensions.replaceAll('; ', ';')}`]),
  ]
}
