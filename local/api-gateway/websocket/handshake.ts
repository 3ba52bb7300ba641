import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import type { ConnectAuthorizer } from './authorizer.ts'
import type { WebSocketApiDefinition, WebSocketStage } from './definition.ts'
import { type ConnectionContext, connectEvent } from './events.ts'
import { newConnectionId, newRequestId } from './identifiers.ts'
import { MAX_URL_LENGTH } from './limits.ts'
import { type Refusal, refuseHandshake } from './refusal.ts'
import type { RequestThrottle } from './request-throttle.ts'
import { Payload } from '../payload.ts'
import type { Route, Routes } from './routes.ts'

export interface HandshakeDependencies {
  readonly clock: Clock
  readonly log: Log
  readonly throttle: RequestThrottle
  readonly routes: Routes
  /** Of the `$connect` route. @default everybody may try */
  readonly authorizer?: ConnectAuthorizer | undefined
}

/** A handshake that every step let through. */
export interface Accepted {
  readonly context: ConnectionContext
  /** What `$connect` answered in `Sec-WebSocket-Protocol`, whether it was offered or not. */
  readonly protocol?: string
  /** Nobody is there any more: the client went while `$connect` ran. */
  readonly isClientGone: boolean
}

/** Decides on upgrade requests: throttle → authorizer → `$connect`; the socket waits until the last has answered. */
export class Handshakes {
  readonly #definition: WebSocketApiDefinition
  readonly #deps: HandshakeDependencies

  constructor(definition: WebSocketApiDefinition, deps: HandshakeDependencies) {
    this.#definition = definition
    this.#deps = deps
  }

  stageOf({ url = '' }: IncomingMessage): WebSocketStage | undefined {
    const path = (url.split('?')[0] ?? '').replace(/^\/+|\/+$/g, '')
    return this.#definition.stages.find((stage) => stage.name === path)
  }

  /** @returns undefined when the handshake was refused, which the client has been told then */
  async run(request: IncomingMessage, socket: Duplex): Promise<Accepted | undefined> {
    const at = this.#deps.clock.now()
    const requestId = newRequestId(at)
    let isClientGone = false
    socket.on('error', () => undefined) // the close that follows says it
    socket.on('close', () => (isClientGone = true))
    const outcome = await this.#decide(request, requestId, at)
    if ('status' in outcome) {
      refuseHandshake(socket, outcome, requestId)
      return undefined
    }
    return { ...outcome, isClientGone }
  }

  async #decide(
    request: IncomingMessage,
    requestId: string,
    at: number,
  ): Promise<Refusal | Omit<Accepted, 'isClientGone'>> {
    const { throttle, authorizer } = this.#deps
    if ((request.url ?? '').length > MAX_URL_LENGTH) return { status: 414, message: 'Request-URI Too Long' }
    const stage = this.stageOf(request)
    if (!stage) return { status: 403, message: 'Forbidden' }
    if (!isHandshake(request)) return { status: 400, message: 'Bad Request' }
    if (!throttle.take(stage.name, '$connect')) return { status: 429, message: 'Too Many Requests' }
    const context: ConnectionContext = {
      apiId: this.#definition.apiId,
      domainName: this.#definition.domainName,
      stage: stage.name,
      stageVariables: stage.variables,
      connectionId: newConnectionId(at),
      connectedAt: at,
      sourceIp: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
      userAgent: request.headers['user-agent'],
    }
    const authorization = await authorizer?.authorize({ request, context, requestId, at })
    if (authorization?.isAllowed === false) return authorization
    const route = this.#deps.routes.get('$connect')
    return route ? this.#integrate(route, request, context, { requestId, at }) : { context }
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
    if (!result.ok) return { status: result.statusCode, message: result.message }
    if (result.statusCode < 200 || result.statusCode > 299) return { status: result.statusCode }
    const protocol = headerOf(result.headers, 'sec-websocket-protocol')
    if (protocol === undefined) return { context }
    if (TOKEN.test(protocol)) return { context, protocol }
    const came = JSON.stringify(protocol)
    log.warn(this.#definition.logicalId, `$connect names the subprotocol ${came}; expected a token`)
    return { status: 502, message: 'Internal server error' }
  }
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
