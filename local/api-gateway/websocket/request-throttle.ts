import type { Clock } from '../../clock.ts'
import { RouteThrottles, type Throttle } from '../throttle.ts'
import type { WebSocketStage } from './definition.ts'

export interface RequestThrottleOptions {
  readonly clock: Clock
  /** The account's bucket for requests. @default none */
  readonly account: Throttle | undefined
  /** The account's bucket for new connections. @default none */
  readonly newConnections: Throttle | undefined
}

/** What a request to an API has to pass: the bucket of its route in its stage, then the account's. */
export class RequestThrottle {
  readonly #stages: ReadonlyMap<string, WebSocketStage>
  readonly #routes: RouteThrottles
  readonly #options: RequestThrottleOptions

  constructor(stages: readonly WebSocketStage[], options: RequestThrottleOptions) {
    this.#stages = new Map(stages.map((stage) => [stage.name, stage]))
    this.#routes = new RouteThrottles(options.clock)
    this.#options = options
  }

  /** False when the request is one too many. */
  take(stageName: string, routeKey: string): boolean {
    const stage = this.#stages.get(stageName)
    return (!stage || this.#routes.take(stage, routeKey)) && (this.#options.account?.take() ?? true)
  }

  /** Of a handshake: the rate of new connections has a quota of its own. */
  takeConnection(stageName: string): boolean {
    return (this.#options.newConnections?.take() ?? true) && this.take(stageName, '$connect')
  }
}
