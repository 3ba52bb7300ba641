import type { Clock } from '../clock.ts'

export interface ThrottleSettings {
  /** Requests per second. */
  readonly rate: number
  /** Size of the token bucket. */
  readonly burst: number
}

/** A stage with limits of its own: for routes named, and for the rest. */
export interface ThrottledStage {
  readonly name: string
  readonly throttle?: ThrottleSettings
  readonly routeThrottles: Readonly<Record<string, ThrottleSettings>>
}

/** Something that lets a request through or not. */
export interface Throttle {
  /** False when the request is one too many. */
  take(): boolean
}

/** A bucket of `burst` tokens that fills with `rate` tokens per second, full at first. */
export class TokenBucket implements Throttle {
  readonly #settings: ThrottleSettings
  readonly #clock: Clock
  #tokens: number
  #filledAt: number

  constructor(settings: ThrottleSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
    this.#tokens = settings.burst
    this.#filledAt = clock.now()
  }

  take(): boolean {
    const now = this.#clock.now()
    const { rate, burst } = this.#settings
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) / 1000) * rate)
    this.#filledAt = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}

/** The buckets of an API's routes, one per stage and route key, by the stage's settings. */
export class RouteThrottles {
  readonly #clock: Clock
  readonly #buckets = new Map<string, Throttle>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** False when the route's bucket is empty; a route without settings has none. */
  take(stage: ThrottledStage, routeKey: string): boolean {
    const settings = stage.routeThrottles[routeKey] ?? stage.throttle
    if (!settings) return true
    const id = `${stage.name} ${routeKey}`
    let bucket = this.#buckets.get(id)
    if (!bucket) this.#buckets.set(id, (bucket = new TokenBucket(settings, this.#clock)))
    return bucket.take()
  }
}
