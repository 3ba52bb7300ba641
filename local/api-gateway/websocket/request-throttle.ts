import type { Clock } from '../../clock.ts'
import { RouteThrottles, type Throttle } from '../throttle.ts'
import type { WebSocketStage } from './definition.ts'

/** What a request to an API has to pass: the bucket of its route in its stage, then the account's. */
export class RequestThrottle {
  readonly #stages: ReadonlyMap<string, WebSocketStage>
  readonly #routes: RouteThrottles
  readonly #account: Throttle | undefined

  constructor(stages: readonly WebSocketStage[], account: Throttle | undefined, clock: Clock) {
    this.#stages = new Map(stages.map((stage) => [stage.name, stage]))
    this.#routes = new RouteThrottles(clock)
    this.#account = account
  }

  /** False when the request is one too many. */
  take(stageName: string, routeKey: string): boolean {
    const stage = this.#stages.get(stageName)
    return (!stage || this.#routes.take(stage, routeKey)) && (this.#account?.take() ?? true)
  }
}
