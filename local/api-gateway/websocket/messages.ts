import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import type { WebSocketConnection } from './connection.ts'
import { messageEvent } from './events.ts'
import { newMessageId, newRequestId } from './identifiers.ts'
import { errorText } from './error-text.ts'
import { Payload } from '../payload.ts'
import type { GatewayRefusal, RequestLog } from './request-log.ts'
import type { RequestThrottle } from './request-throttle.ts'
import type { Routes } from './routes.ts'

export interface MessagesDependencies {
  readonly clock: Clock
  readonly log: Log
  /** The API's logical id. */
  readonly source: string
  readonly throttle: RequestThrottle
  readonly routes: Routes
  readonly requestLog: RequestLog
}

/** Takes what clients say to the routes of an API, and what those answer back to the clients. */
export class Messages {
  readonly #deps: MessagesDependencies

  constructor(deps: MessagesDependencies) {
    this.#deps = deps
  }

  /** Messages of one connection run at the same time: nothing is promised about their order. */
  async route(connection: WebSocketConnection, body: string): Promise<void> {
    const { context } = connection
    const { clock, log, source, throttle, routes, requestLog } = this.#deps
    const at = clock.now()
    const requestId = newRequestId(at)
    const payload = new Payload(body)
    const route = routes.select(payload)
    const eventFor = (routeKey: string) =>
      messageEvent({ body, messageId: newMessageId(at, context.connectionId), routeKey }, context, {
        requestId,
        at,
      })
    const fail = (message: string) => {
      connection.sendIfOpen(
        errorText(message, { connectionId: context.connectionId, requestId }),
        clock.now(),
      )
    }
    const refuse = (refusal: GatewayRefusal & { readonly message: string }) => {
      fail(refusal.message)
      requestLog.refused(context.stage, () => eventFor(route?.key ?? '').requestContext, refusal)
    }
    if (!route) {
      refuse({ status: 403, message: 'Forbidden' })
      return
    }
    if (!throttle.take(context.stage, route.key)) {
      refuse({ status: 429, message: 'Too Many Requests' })
      return
    }
    const validationError = route.problemOf(payload)
    if (validationError !== undefined) {
      log.warn(source, `route "${route.key}": ${validationError}`)
      refuse({ status: 400, message: 'Bad request body', validationError })
      return
    }
    const event = eventFor(route.key)
    const result = await route.call({ event, payload, stageVariables: context.stageVariables })
    if (!result.ok) fail(result.message)
    else if (route.isTwoWay && result.body) connection.sendIfOpen(result.body, clock.now())
  }
}
