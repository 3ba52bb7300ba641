import type { Clock } from '../../clock.ts'
import type { WebSocketConnection } from './connection.ts'
import type { WebSocketApiDefinition, WebSocketRoute } from './definition.ts'
import { messageEvent } from './events.ts'
import { parseBody, select } from './expressions.ts'
import { newMessageId, newRequestId } from './identifiers.ts'
import type { IntegrationDeps } from './integration.ts'
import { callRoute } from './route-call.ts'
import type { RequestThrottle } from './request-throttle.ts'

export interface MessagesDependencies {
  readonly clock: Clock
  readonly throttle: RequestThrottle
  readonly integrations: IntegrationDeps
}

/** Takes what clients say to the routes of an API, and what those answer back to the clients. */
export class Messages {
  readonly #definition: WebSocketApiDefinition
  readonly #deps: MessagesDependencies

  constructor(definition: WebSocketApiDefinition, deps: MessagesDependencies) {
    this.#definition = definition
    this.#deps = deps
  }

  /** Messages of one connection run at the same time: nothing is promised about their order. */
  async route(connection: WebSocketConnection, body: string): Promise<void> {
    const { context } = connection
    const { clock, throttle, integrations } = this.#deps
    const at = clock.now()
    const requestId = newRequestId(at)
    const route = this.#select(body)
    const fail = (message: string) => {
      connection.sendIfOpen(errorFrame(message, context.connectionId, requestId), clock.now())
    }
    if (!route) {
      fail('Forbidden')
      return
    }
    if (!throttle.take(context.stage, route.key)) {
      fail('Too Many Requests')
      return
    }
    const messageId = newMessageId(at, context.connectionId)
    const event = messageEvent({ body, messageId, routeKey: route.key }, context, { requestId, at })
    const result = await callRoute({ route, event, body, context, requestId }, integrations)
    if (!result.ok)
      fail(result.reason === 'timed-out' ? 'Endpoint request timed out' : 'Internal server error')
    else if (route.isTwoWay && result.body) connection.sendIfOpen(result.body, clock.now())
  }

  /** The route whose key the expression gives; reserved keys can't be chosen by a message. */
  #select(body: string): WebSocketRoute | undefined {
    const { routes, routeSelectionExpression } = this.#definition
    const key = select(routeSelectionExpression, { 'request.body': parseBody(body) })
    const chosen = key.startsWith('$') ? undefined : routes.get(key)
    return chosen ?? routes.get('$default')
  }
}

/** The very spacing that is seen on the wire. */
const errorFrame = (message: string, connectionId: string, requestId: string) =>
  `{"message": "${message}", "connectionId":"${connectionId}", "requestId":"${requestId}"}`
