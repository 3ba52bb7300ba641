import type { Clock } from '../../clock.ts'
import type { Close } from './connection.ts'
import { type ConnectionContext, disconnectEvent } from './events.ts'
import { newRequestId } from './identifiers.ts'
import { Payload } from '../payload.ts'
import type { RequestLog } from './request-log.ts'
import type { Route } from './routes.ts'
import type { RunningWork } from './running-work.ts'

/** Tells the `$disconnect` route of connections that ended. What it replies matters to nobody, and nothing is retried. */
export class Disconnects {
  readonly #route: Route | undefined
  readonly #clock: Clock
  readonly #requestLog: RequestLog
  readonly #work: RunningWork

  constructor(
    route: Route | undefined,
    deps: { readonly clock: Clock; readonly requestLog: RequestLog; readonly work: RunningWork },
  ) {
    this.#route = route
    this.#clock = deps.clock
    this.#requestLog = deps.requestLog
    this.#work = deps.work
  }

  send(context: ConnectionContext, close: Close): void {
    const route = this.#route
    const at = this.#clock.now()
    const requestId = newRequestId(at)
    const event = disconnectEvent(close, context, { requestId, at })
    const { stage, stageVariables } = context
    if (!route) {
      this.#requestLog.passed(stage, () => event.requestContext)
      return
    }
    this.#work.track(route.call({ event, payload: new Payload(''), stageVariables }))
  }
}
