import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import type { WebSocketConnection } from './connection.ts'
import { messageEvent } from './events.ts'
import { newMessageId, newRequestId } from './identifiers.ts'
import { errorText } from './error-text.ts'
import { Payload } from '../payload.ts'
import type { RequestThrottle } from './request-throttle.ts'
import type { Routes } from './routes.ts'

export interface MessagesDependencies {
  readonly clock: Clock
  readonly log: Log
  /** The API's logical id. */
  readonly source: string
  readonly throttle: RequestThrottle
  readonly routes: Routes
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
    const { clock, log, source, throttle, routes } = this.#deps
    const at = clock.now()
    const requestId = newRequestId(at)
    const payload = new Payload(body)
    const route = routes.select(payload)
    const fail = (message: string) => {
      connection.sendIfOpen(
        errorText(message, { connectionId: context.connectionId, requestId }),
        clock.now(),
      )
    }
    if (!route) {
      fail('Forbidden')
      return
    }
    if (!throttle.take(context.stage, route.key)) {
      fail('Too Many Requests')
      return
    }
    const problem = route.problemOf(payload)
    if (problem !== undefined) {
      log.warn(source, `route "${route.key}": ${problem}`)
      fail('Bad request body')
      return
    }
    const messageId = newMessageId(at, context.connectionId)
    const event = messageEvent({ body, messageId, routeKey: route.key }, context, { requestId, at })
    const result = await route.call({ event, payload, stageVariables: context.stageVariables })
    if (!result.ok) fail(result.message)
    else if (route.isTwoWay && result.body) connection.sendIfOpen(result.body, clock.now())
  }
}
