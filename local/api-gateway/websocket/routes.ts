import type { WebSocketApiDefinition } from './definition.ts'
import type { WebSocketEvent } from './events.ts'
import type { WebSocketRoute } from './route-definition.ts'
import { type Sources, SelectionExpression } from './expressions.ts'
import { createIntegration, refusing } from './integrations/create.ts'
import { HttpClient } from './integrations/http-client.ts'
import type { Integration, IntegrationDeps, IntegrationResult } from './integrations/integration.ts'
import type { Handshake } from './parameter-mapping.ts'
import type { Payload } from '../payload.ts'
import type { RequestLog } from './request-log.ts'
import { RequestModels } from './request-models.ts'
import type { StageVariables } from '../stage-variables.ts'

/** One event on its way to the backend of its route. */
export interface RouteCall {
  /** A CONNECT, MESSAGE or DISCONNECT event. */
  readonly event: WebSocketEvent
  readonly payload: Payload
  readonly stageVariables: StageVariables
}

/** A route with its integration and its request models, read once. */
export class Route {
  readonly key: string
  /** Whether what the integration answers goes to the client. */
  readonly isTwoWay: boolean
  readonly #integration: Integration
  readonly #models: RequestModels | undefined
  readonly #log: RequestLog

  constructor(
    { key, isTwoWay }: WebSocketRoute,
    integration: Integration,
    models: RequestModels | undefined,
    log: RequestLog,
  ) {
    this.key = key
    this.isTwoWay = isTwoWay
    this.#integration = integration
    this.#models = models
    this.#log = log
  }

  /** @returns what is wrong with a message, in words; undefined for one that fits, and without models */
  problemOf(payload: Payload): string | undefined {
    return this.#models?.problemOf(payload)
  }

  /** Never rejects: trouble is logged, and the failure says what the client is told. */
  call({ event, payload, stageVariables }: RouteCall): Promise<IntegrationResult> {
    const context = event.requestContext
    return this.#log.integrated(context, () =>
      this.#integration.call({
        routeKey: this.key,
        isTwoWay: this.isTwoWay,
        event,
        payload,
        context,
        stageVariables,
        ...(this.key === '$connect' ? { handshake: event as Handshake } : {}),
      }),
    )
  }
}

/** Keys that a message can't choose. */
const RESERVED = new Set(['$connect', '$disconnect', '$default'])

/** The routes of an API, made when it starts: expressions, templates and models are read then and never again. */
export class Routes {
  readonly #routes: ReadonlyMap<string, Route>
  readonly #expression: SelectionExpression
  readonly #deps: IntegrationDeps
  readonly #client: HttpClient
  readonly #log: RequestLog

  constructor(definition: WebSocketApiDefinition, deps: IntegrationDeps, log: RequestLog) {
    this.#deps = deps
    this.#log = log
    this.#client = new HttpClient(deps.clock, deps.hosts)
    this.#expression = this.#readExpression(definition.routeSelectionExpression)
    this.#routes = new Map([...definition.routes].map(([key, route]) => [key, this.#make(route)]))
  }

  get(key: string): Route | undefined {
    return this.#routes.get(key)
  }

  /** The route whose key the message gives, by its exact letters; else `$default`, where there is one. */
  select(payload: Payload): Route | undefined {
    const sources: Sources = { request: payload }
    const key = this.#expression.select(sources)
    if (key === undefined)
      this.#deps.log.warn(
        this.#deps.source,
        `"${this.#expression.text}" leads to an object in a message, which is the key of no route`,
      )
    const chosen = key === undefined || RESERVED.has(key) ? undefined : this.#routes.get(key)
    return chosen ?? this.#routes.get('$default')
  }

  /** Ends the lines that HTTP integrations keep open. */
  close(): void {
    this.#client.close()
  }

  #make(route: WebSocketRoute): Route {
    const integration = createIntegration(route.key, route.integration, this.#client, this.#deps)
    try {
      return new Route(route, integration, route.models && new RequestModels(route.models), this.#log)
    } catch (error) {
      const why = `route "${route.key}" can not be served: ${(error as Error).message}`
      return new Route(route, refusing(this.#deps, why), undefined, this.#log)
    }
  }

  #readExpression(text: string): SelectionExpression {
    try {
      return new SelectionExpression(text)
    } catch (error) {
      this.#deps.log.warn(
        this.#deps.source,
        `RouteSelectionExpression "${text}" can not be read, every message goes to $default: ${(error as Error).message}`,
      )
      return new SelectionExpression('')
    }
  }
}
