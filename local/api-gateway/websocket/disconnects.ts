import type { Clock } from '../../clock.ts'
import type { Close } from './connection.ts'
import type { WebSocketRoute } from './definition.ts'
import { type ConnectionContext, disconnectEvent } from './events.ts'
import { newRequestId } from './identifiers.ts'
import type { IntegrationDeps } from './integration.ts'
import { callRoute } from './route-call.ts'
import type { RunningWork } from './running-work.ts'

/** Tells the `$disconnect` route of connections that ended. What it replies matters to nobody, and nothing is retried. */
export class Disconnects {
  readonly #route: WebSocketRoute | undefined
  readonly #clock: Clock
  readonly #integrations: IntegrationDeps
  readonly #work: RunningWork

  constructor(
    route: WebSocketRoute | undefined,
    deps: { readonly clock: Clock; readonly integrations: IntegrationDeps; readonly work: RunningWork },
  ) {
    this.#route = route
    this.#clock = deps.clock
    this.#integrations = deps.integrations
    this.#work = deps.work
  }

  send(context: ConnectionContext, close: Close): void {
    const route = this.#route
    if (!route) return
    const at = this.#clock.now()
    const requestId = newRequestId(at)
    const event = disconnectEvent(close, context, { requestId, at })
    this.#work.track(callRoute({ route, event, body: '', context, requestId }, this.#integrations))
  }
}
