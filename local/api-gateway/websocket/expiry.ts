import type { Clock, Timer } from '../../clock.ts'
import { GOING_AWAY, type WebSocketConnection } from './connection.ts'
import { IDLE_TIMEOUT_MS, MAX_CONNECTION_MS } from './limits.ts'

/** How often idle and old connections are looked for: one timer for all of them. */
const EXPIRY_CHECK_MS = 1_000

/** Closes connections that were idle or open for too long. */
export class Expiry {
  readonly #clock: Clock
  readonly #connections: () => Iterable<WebSocketConnection>
  #timer: Timer | undefined

  constructor(clock: Clock, connections: () => Iterable<WebSocketConnection>) {
    this.#clock = clock
    this.#connections = connections
  }

  start(): void {
    this.#timer = this.#clock.after(EXPIRY_CHECK_MS, () => {
      this.#check(this.#clock.now())
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #check(now: number): void {
    for (const connection of this.#connections()) {
      const isIdle = now - connection.lastActiveAt >= IDLE_TIMEOUT_MS
      const isOld = now - connection.context.connectedAt >= MAX_CONNECTION_MS
      if (isIdle || isOld) connection.close(GOING_AWAY)
    }
  }
}
