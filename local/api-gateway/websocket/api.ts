import { type IncomingMessage, STATUS_CODES, type Server, createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Clock, type Timer, withinTime } from '../../clock.ts'
import type { Environment } from '../../cloudformation/resource.ts'
import type { FunctionInvoker } from '../../lambda/invoker.ts'
import type { Log } from '../../log.ts'
import { FrameMeter } from './frame-meter.ts'
import { RouteThrottles, type Throttle } from '../throttle.ts'
import { newConnectionId, newMessageId, newRequestId } from './identifiers.ts'
import {
  CLOSE_GRACE_MS,
  IDLE_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  MAX_CONNECTION_MS,
  MAX_FRAME_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_URL_LENGTH,
} from './limits.ts'
import { ManagementApi } from './management-api.ts'
import { parseBody, select } from './expressions.ts'
import { BINARY_REFUSED, type Close, GOING_AWAY, TOO_BIG, WebSocketConnection } from './connection.ts'
import type { WebSocketApiDefinition, WebSocketRoute, WebSocketStage } from './definition.ts'
import { type ConnectionContext, connectEvent, disconnectEvent, messageEvent } from './events.ts'
import { type IntegrationDeps, type IntegrationResult, callIntegration } from './integration.ts'

export interface WebSocketApiDependencies {
  readonly functions: FunctionInvoker
  readonly clock: Clock
  readonly log: Log
  readonly environment: Environment
  /** The account's bucket, shared with every other API and with `@connections`. */
  readonly throttle?: Throttle
  readonly maxBufferedBytes?: number
}

/** How often idle and old connections are looked for: one timer for all of them. */
const EXPIRY_CHECK_MS = 1_000

/** One WebSocket API behind one port: the sockets of every stage, and the management API beside them. */
export class WebSocketApi {
  readonly definition: WebSocketApiDefinition
  readonly #deps: WebSocketApiDependencies
  readonly #server: Server
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: { threshold: 1024 },
    // The handshake's answer names the subprotocol that $connect chose; the library must choose none.
    handleProtocols: () => false,
  })
  readonly #management: ManagementApi
  readonly #throttles: RouteThrottles
  readonly #integrations: IntegrationDeps
  readonly #connections = new Map<string, WebSocketConnection>()
  readonly #streams = new Set<Socket>()
  readonly #subprotocols = new WeakMap<IncomingMessage, string>()
  readonly #running = new Set<Promise<void>>()
  #expiry: Timer | undefined
  #isClosed = false

  constructor(definition: WebSocketApiDefinition, deps: WebSocketApiDependencies) {
    const { clock, log, functions, throttle, maxBufferedBytes } = deps
    this.definition = definition
    this.#deps = deps
    this.#throttles = new RouteThrottles(clock)
    this.#integrations = { functions, clock, log, source: definition.logicalId }
    this.#management = new ManagementApi({
      find: (stage, id) => {
        const connection = this.#connections.get(id)
        const isOpen = connection?.socket.readyState === connection?.socket.OPEN
        return connection?.context.stage === stage && isOpen ? connection : undefined
      },
      hasStage: (name) => definition.stages.some((stage) => stage.name === name),
      clock,
      log,
      throttle,
      source: definition.logicalId,
      ...(maxBufferedBytes === undefined ? {} : { maxBufferedBytes }),
    })
    this.#server = createServer((request, response) => {
      if (this.#management.handle(request, response)) return
      const known = this.#stageOf(request) !== undefined
      response.writeHead(known ? 426 : 403, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ message: known ? 'Upgrade Required' : 'Forbidden' }))
    })
    this.#server.keepAliveTimeout = KEEP_ALIVE_MS
    this.#server.on('connection', (stream) => {
      this.#streams.add(stream)
      stream.on('close', () => this.#streams.delete(stream))
    })
    // The subprotocol is sent as $connect gave it, whether it was offered or not.
    this.#sockets.on('headers', (headers, request) => {
      const protocol = this.#subprotocols.get(request)
      if (protocol !== undefined) headers.push(`Sec-WebSocket-Protocol: ${protocol}`)
    })
    this.#server.on('upgrade', (request, socket, head) => {
      this.#track(this.#handshake(request, socket, head), socket)
    })
    this.#server.on('clientError', (_error, socket) => socket.destroy())
  }

  /**
   * @param port 0 for any free one
   * @returns the port
   * @throws the socket's error, such as EADDRINUSE
   */
  async listen(port: number, host = '127.0.0.1'): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    this.#scheduleExpiry()
    return (this.#server.address() as AddressInfo).port
  }

  /** Closes every connection and stops listening; `$disconnect` runs for each, and 2 s are left to it. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#expiry?.cancel()
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const connection of this.#connections.values()) {
      connection.close(GOING_AWAY)
      connection.socket.terminate()
    }
    for (const stream of this.#streams) stream.destroy()
    const { clock, log } = this.#deps
    if ((await withinTime(clock, CLOSE_GRACE_MS, this.#drain(closed))) === 'timed-out')
      log.warn(this.definition.logicalId, `closed while ${this.#running.size} handlers still run`)
  }

  async #drain(closed: Promise<unknown>): Promise<void> {
    await closed
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  #track(work: Promise<void>, socket?: Duplex): void {
    const running = work
      .catch((error: unknown) => {
        this.#deps.log.error(this.definition.logicalId, `the gateway failed: ${String(error)}`)
        socket?.destroy()
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  #stageOf({ url = '' }: IncomingMessage): WebSocketStage | undefined {
    const path = (url.split('?')[0] ?? '').replace(/^\/+|\/+$/g, '')
    return this.definition.stages.find((stage) => stage.name === path)
  }

  async #handshake(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const client = { isGone: false }
    socket.on('error', () => undefined) // the close that follows says it
    socket.on('close', () => (client.isGone = true))
    const at = this.#deps.clock.now()
    const stage = this.#stageOf(request)
    const connectionId = newConnectionId(at)
    const requestId = newRequestId(at)
    const refuse = (status: number, message?: string) => refuseHandshake(socket, status, requestId, message)
    if ((request.url ?? '').length > MAX_URL_LENGTH) {
      refuse(414, 'Request-URI Too Long')
      return
    }
    if (!stage) {
      refuse(403, 'Forbidden')
      return
    }
    if (!isHandshake(request)) {
      refuse(400, 'Bad Request')
      return
    }
    if (!this.#take(stage, '$connect')) {
      refuse(429, 'Too Many Requests')
      return
    }
    const context: ConnectionContext = {
      apiId: this.definition.apiId,
      domainName: this.definition.domainName,
      stage: stage.name,
      stageVariables: stage.variables,
      connectionId,
      connectedAt: at,
      sourceIp: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
      userAgent: request.headers['user-agent'],
    }
    const route = this.definition.routes.get('$connect')
    if (route) {
      const event = connectEvent(request, context, { requestId, at })
      const result = await this.#call(route, event, '', context, requestId)
      if (!result.ok) {
        if (result.reason === 'timed-out') refuse(504, 'Endpoint request timed out')
        else refuse(502, 'Internal server error')
        return
      }
      if (result.statusCode < 200 || result.statusCode > 299) {
        refuse(result.statusCode)
        return
      }
      const protocol = headerOf(result.headers, 'sec-websocket-protocol')
      if (protocol !== undefined && !TOKEN.test(protocol)) {
        const came = JSON.stringify(protocol)
        this.#deps.log.warn(
          this.definition.logicalId,
          `$connect names the subprotocol ${came}; expected a token`,
        )
        refuse(502, 'Internal server error')
        return
      }
      if (protocol !== undefined) this.#subprotocols.set(request, protocol)
    }
    if (client.isGone) {
      // Accepted, but nobody is there any more.
      this.#afterClose(context, { code: 1006, reason: '' })
      return
    }
    this.#sockets.handleUpgrade(request, socket, head, (opened) => this.#open(opened, socket, context))
  }

  #open(socket: WebSocket, stream: Duplex, context: ConnectionContext): void {
    const { clock, log } = this.#deps
    const connection = new WebSocketConnection(context, socket, clock.now(), (why) =>
      this.#afterClose(context, why),
    )
    this.#connections.set(context.connectionId, connection)
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
      else this.#track(this.#message(connection, data.toString()))
    })
    socket.on('error', (error: Error & { code?: string }) => {
      if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') connection.closing ??= TOO_BIG
      log.info(this.definition.logicalId, `${context.connectionId}: ${error.message}`)
    })
    socket.on('close', (code, reason) => {
      this.#connections.delete(context.connectionId)
      connection.ended(clientClose(code, reason.toString()))
    })
    if (this.#isClosed) {
      connection.close(GOING_AWAY)
      socket.terminate()
    }
  }

  async #message(connection: WebSocketConnection, body: string): Promise<void> {
    const { context } = connection
    const at = this.#deps.clock.now()
    const requestId = newRequestId(at)
    const route = this.#select(body)
    const fail = (message: string) => {
      if (connection.socket.readyState === connection.socket.OPEN)
        connection.send(errorFrame(message, context.connectionId, requestId), this.#deps.clock.now())
    }
    if (!route) {
      fail('Forbidden')
      return
    }
    const stage = this.definition.stages.find(({ name }) => name === context.stage)
    if (stage && !this.#take(stage, route.key)) {
      fail('Too Many Requests')
      return
    }
    const messageId = newMessageId(at, context.connectionId)
    const event = messageEvent({ body, messageId, routeKey: route.key }, context, { requestId, at })
    const result = await this.#call(route, event, body, context, requestId)
    if (!result.ok) {
      fail(result.reason === 'timed-out' ? 'Endpoint request timed out' : 'Internal server error')
      return
    }
    if (!route.isTwoWay || !result.body || connection.socket.readyState !== connection.socket.OPEN) return
    connection.send(result.body, this.#deps.clock.now())
  }

  /** The route whose key the expression gives; reserved keys can't be chosen by a message. */
  #select(body: string): WebSocketRoute | undefined {
    const key = select(this.definition.routeSelectionExpression, { 'request.body': parseBody(body) })
    const chosen = key.startsWith('$') ? undefined : this.definition.routes.get(key)
    return chosen ?? this.definition.routes.get('$default')
  }

  #afterClose(context: ConnectionContext, close: Close): void {
    const route = this.definition.routes.get('$disconnect')
    if (!route) return
    const at = this.#deps.clock.now()
    const requestId = newRequestId(at)
    const event = disconnectEvent(close, context, { requestId, at })
    this.#track(this.#call(route, event, '', context, requestId).then(() => undefined))
  }

  #call(
    route: WebSocketRoute,
    event: unknown,
    body: string,
    context: ConnectionContext,
    requestId: string,
  ): Promise<IntegrationResult> {
    const { requestContext } = event as { requestContext: Readonly<Record<string, unknown>> }
    const template = {
      body,
      context: { ...requestContext, requestId },
      stageVariables: context.stageVariables,
    }
    const deps = { ...this.#integrations, isHandshake: route.key === '$connect' }
    return callIntegration(route.integration, event, template, deps)
  }

  #take(stage: WebSocketStage, routeKey: string): boolean {
    return this.#throttles.take(stage, routeKey) && (this.#deps.throttle?.take() ?? true)
  }

  #scheduleExpiry(): void {
    this.#expiry = this.#deps.clock.after(EXPIRY_CHECK_MS, () => {
      const now = this.#deps.clock.now()
      for (const connection of this.#connections.values()) {
        const isIdle = now - connection.lastActiveAt >= IDLE_TIMEOUT_MS
        const isOld = now - connection.context.connectedAt >= MAX_CONNECTION_MS
        if (isIdle || isOld) connection.close(GOING_AWAY)
      }
      if (!this.#isClosed) this.#scheduleExpiry()
    })
  }
}

/** The very spacing that is seen on the wire. */
const errorFrame = (message: string, connectionId: string, requestId: string) =>
  `{"message": "${message}", "connectionId":"${connectionId}", "requestId":"${requestId}"}`

/** What a client's own close comes to: a close frame without a code is told in words. */
function clientClose(code: number, reason: string): Close {
  return code === 1005 && reason === ''
    ? { code, reason: 'Client-side close frame status not set' }
    : { code, reason }
}

function headerOf(headers: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
  return typeof found === 'string' ? found : undefined
}

/** A word that a header can carry: no space, no comma, no line break. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Whether the WebSocket library will take it: to be known before $connect runs and says yes. */
function isHandshake({ method, headers }: IncomingMessage): boolean {
  const isKey = /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')
  const isUpgrade = headers.upgrade?.toLowerCase() === 'websocket'
  return method === 'GET' && isUpgrade && isKey && headers['sec-websocket-version'] === '13'
}

/** A refusal is a plain HTTP response: with a message when it is the gateway's own, else with the function's status alone. */
function refuseHandshake(socket: Duplex, status: number, requestId: string, message?: string): void {
  const body = message === undefined ? '' : JSON.stringify({ message, connectionId: null, requestId })
  const type = message === undefined ? [] : ['Content-Type: application/json']
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    ...type,
    `x-amzn-RequestId: ${requestId}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
