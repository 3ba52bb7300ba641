import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import type { UsagePlans } from '../usage-plans.ts'
import type { Authorization, ConnectAuthorizer } from './authorizer.ts'
import { ClientPresence } from './client-presence.ts'
import type { WebSocketApiDefinition } from './definition.ts'
import type { Entrance } from './entrance.ts'
import { type ConnectionContext, connectEvent } from './events.ts'
import { newConnectionId, newRequestId } from './identifiers.ts'
import { MAX_HEADER_BYTES, MAX_URL_LENGTH } from './limits.ts'
import {
  BAD_GATEWAY,
  BAD_REQUEST,
  FORBIDDEN,
  HEADERS_TOO_LARGE,
  LIMIT_EXCEEDED,
  type Refusal,
  TOO_MANY_REQUESTS,
  URI_TOO_LONG,
  refuseHandshake,
} from './refusal.ts'
import type { RequestLog } from './request-log.ts'
import type { RequestThrottle } from './request-throttle.ts'
import { Payload } from '../payload.ts'
import type { Route, Routes } from './routes.ts'

export interface HandshakeDependencies {
  readonly clock: Clock
  readonly log: Log
  readonly throttle: RequestThrottle
  readonly routes: Routes
  readonly requestLog: RequestLog
  /** Of the `$connect` route. @default everybody may try */
  readonly authorizer?: ConnectAuthorizer | undefined
  /** The account's API keys. @default none */
  readonly usagePlans?: UsagePlans | undefined
}

/** A handshake that every step let through. */
export interface Accepted {
  readonly context: ConnectionContext
  /** What `$connect` answered in `Sec-WebSocket-Protocol`, whether it was offered or not. */
  readonly protocol?: string
  /** Nobody is there any more: the client went while `$connect` ran. */
  readonly isClientGone: boolean
}

interface Attempt {
  readonly request: IncomingMessage
  readonly entrance: Entrance | undefined
  readonly connectionId: string
  readonly requestId: string
  readonly at: number
}

/** Decides on upgrade requests: throttle → authorizer → API key → `$connect`; the socket waits until the last has answered. */
export class Handshakes {
  readonly #definition: WebSocketApiDefinition
  readonly #deps: HandshakeDependencies
  readonly #waiting = new Set<Duplex>()

  constructor(definition: WebSocketApiDefinition, deps: HandshakeDependencies) {
    this.#definition = definition
    this.#deps = deps
  }

  /**
   * @param entrance undefined for a path that leads nowhere
   * @returns undefined when the handshake was refused, which the client has been told then
   */
  async run(
    request: IncomingMessage,
    socket: Duplex,
    entrance: Entrance | undefined,
  ): Promise<Accepted | undefined> {
    const client = new ClientPresence(socket)
    this.#waiting.add(socket)
    try {
      const at = this.#deps.clock.now()
      const attempt = {
        request,
        entrance,
        at,
        connectionId: newConnectionId(at),
        requestId: newRequestId(at),
      }
      const outcome = await this.#decide(attempt)
      if ('status' in outcome) {
        refuseHandshake(socket, outcome, attempt)
        return undefined
      }
      const isClientGone = client.isGone
      if (!isClientGone) client.release()
      return { ...outcome, isClientGone }
    } finally {
      this.#waiting.delete(socket)
    }
  }

  /** Cuts off who still waits. */
  close(): void {
    for (const socket of this.#waiting) socket.destroy()
  }

  async #decide(attempt: Attempt): Promise<Refusal | Omit<Accepted, 'isClientGone'>> {
    const { request, entrance, ...moment } = attempt
    const { throttle, authorizer, requestLog } = this.#deps
    const refusal = refusalOf(request, entrance)
    if (refusal) return refusal
    if (!entrance) return FORBIDDEN
    const { stage, domainName } = entrance
    const anonymous: ConnectionContext = {
      apiId: this.#definition.apiId,
      domainName,
      stage: stage.name,
      stageVariables: stage.variables,
      connectionId: moment.connectionId,
      connectedAt: moment.at,
      sourceIp: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
      userAgent: request.headers['user-agent'],
    }
    const contextFor = (context: ConnectionContext) => () =>
      connectEvent(request, context, moment).requestContext
    const refuse = (reason: Refusal): Refusal => {
      requestLog.refused(stage.name, contextFor(anonymous), reason)
      return reason
    }
    if (!throttle.takeConnection(stage.name)) return refuse(TOO_MANY_REQUESTS)
    const authorization = await authorizer?.authorize({ request, context: anonymous, ...moment })
    if (authorization?.isAllowed === false) return refuse(refusalBy(authorization))
    const key = this.#useKey(anonymous, request, authorization?.usageIdentifierKey)
    if ('status' in key) return refuse(key)
    const context = { ...anonymous, ...contextOf(authorization, key) }
    const route = this.#deps.routes.get('$connect')
    if (route) return this.#integrate(route, request, context, moment)
    requestLog.passed(stage.name, contextFor(context))
    return { context }
  }

  /** @returns what the key adds to the identity: nothing where none is asked for */
  #useKey(
    { apiId, stage }: ConnectionContext,
    { headers }: IncomingMessage,
    ofAuthorizer: string | undefined,
  ): Refusal | { readonly identity?: Readonly<Record<string, unknown>> } {
    const { isKeyRequired, keySource } = this.#definition.connectAccess
    if (!isKeyRequired) return {}
    const ofHeader = headers['x-api-key']
    const value = keySource === 'header' ? ofHeader?.toString() : ofAuthorizer
    const use = this.#deps.usagePlans?.use(apiId, stage, value) ?? { refused: 'unknown' }
    if ('key' in use) return { identity: { apiKey: use.key.value, apiKeyId: use.key.id } }
    return KEY_REFUSALS[use.refused]
  }

  async #integrate(
    route: Route,
    request: IncomingMessage,
    context: ConnectionContext,
    moment: { readonly requestId: string; readonly at: number },
  ): Promise<Refusal | Omit<Accepted, 'isClientGone'>> {
    const { log } = this.#deps
    const event = connectEvent(request, context, moment)
    const { stageVariables } = context
    const result = await route.call({ event, payload: new Payload(''), stageVariables })
    if (!result.ok) return { ...BAD_GATEWAY, status: result.statusCode, message: result.message }
    if (result.statusCode < 200 || result.statusCode > 299) return { status: result.statusCode }
    const protocol = headerOf(result.headers, 'sec-websocket-protocol')
    if (protocol === undefined) return { context }
    if (TOKEN.test(protocol)) return { context, protocol }
    const came = JSON.stringify(protocol)
    log.warn(this.#definition.logicalId, `$connect names the subprotocol ${came}; expected a token`)
    return BAD_GATEWAY
  }
}

/** What is wrong with the request itself, whatever it is for. */
function refusalOf(request: IncomingMessage, entrance: Entrance | undefined): Refusal | undefined {
  const { rawHeaders, url = '' } = request
  if (url.length > MAX_URL_LENGTH) return URI_TOO_LONG
  if (rawHeaders.reduce((sum, text) => sum + text.length, 0) > MAX_HEADER_BYTES) return HEADERS_TOO_LARGE
  if (!entrance || entrance.path !== '') return FORBIDDEN
  return isHandshake(request) ? undefined : BAD_REQUEST
}

/** Whether the WebSocket library will take it: to be known before $connect runs and says yes. */
function isHandshake({ method, headers }: IncomingMessage): boolean {
  const isKey = /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')
  const protocols = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? []
  const areTokens =
    protocols.every((name) => TOKEN.test(name)) && new Set(protocols).size === protocols.length
  return method === 'GET' && isKey && areTokens && headers['sec-websocket-version'] === '13'
}

const KEY_REFUSALS = {
  unknown: FORBIDDEN,
  throttled: TOO_MANY_REQUESTS,
  quota: LIMIT_EXCEEDED,
} as const

const AUTHORIZER_TYPES = {
  401: 'UnauthorizedException',
  403: 'AccessDeniedException',
  500: 'AuthorizerConfigurationException',
} as const

const refusalBy = ({ status, message }: Extract<Authorization, { isAllowed: false }>): Refusal => ({
  status,
  message,
  type: AUTHORIZER_TYPES[status],
})

/** What the authorizer and the API key add to every event of the connection. */
function contextOf(
  authorization: Extract<Authorization, { isAllowed: true }> | undefined,
  key: { readonly identity?: Readonly<Record<string, unknown>> },
): Pick<ConnectionContext, 'authorizer' | 'identity'> {
  const { authorizer, identity } = authorization ?? {}
  return {
    ...(authorizer === undefined ? {} : { authorizer }),
    ...(identity === undefined && key.identity === undefined
      ? {}
      : { identity: { ...identity, ...key.identity } }),
  }
}

function headerOf(headers: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
  return typeof found === 'string' ? found : undefined
}

/** A word that a header can carry: no space, no comma, no line break. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
