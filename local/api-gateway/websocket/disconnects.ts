import { type Clock, landed } from '../../clock.ts'
import type { Faults } from '../../faults.ts'
import type { Close } from './connection.ts'
import { type ConnectionContext, disconnectEvent } from './events.ts'
import { newRequestId } from './identifiers.ts'
import { Payload } from '../payload.ts'
import type { RequestLog } from './request-log.ts'
import type { Route } from './routes.ts'
import type { RunningWork } from './running-work.ts'

const KINDS = ['disconnect.lost', 'disconnect.late', 'disconnect.double'] as const

/** Tells the `$disconnect` route of connections that ended. What it replies matters to nobody, and nothing is retried. */
export class Disconnects {
  readonly #route: Route | undefined
  readonly #clock: Clock
  readonly #requestLog: RequestLog
  readonly #work: RunningWork
  readonly #faults: Faults | undefined

  constructor(
    route: Route | undefined,
    deps: {
      readonly clock: Clock
      readonly requestLog: RequestLog
      readonly work: RunningWork
      readonly faults?: Faults | undefined
    },
  ) {
    this.#route = route
    this.#clock = deps.clock
    this.#requestLog = deps.requestLog
    this.#work = deps.work
    this.#faults = deps.faults
  }

  send(context: ConnectionContext, close: Close): void {
    const route = this.#route
    const strike = this.#faults?.strike(KINDS, context.connectionId)
    if (strike?.kind === 'disconnect.lost') return
    if (strike?.kind === 'disconnect.late')
      this.#clock.after(
        strike.durationMs,
        () => void landed().then(() => this.#tell(route, context, close, 1)),
      )
    else this.#tell(route, context, close, strike ? 2 : 1)
  }

  /** @param times the same event, with the same request id */
  #tell(route: Route | undefined, context: ConnectionContext, close: Close, times: number): void {
    const at = this.#clock.now()
    const requestId = newRequestId(at)
    const event = disconnectEvent(close, context, { requestId, at })
    const { stage, stageVariables } = context
    if (!route) {
      this.#requestLog.passed(stage, () => event.requestContext)
      return
    }
    for (let i = 0; i < times; i++)
      this.#work.track(route.call({ event, payload: new Payload(''), stageVariables }))
  }
}
