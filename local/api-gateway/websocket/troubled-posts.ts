import { type Clock, sleep } from '../../clock.ts'
import type { Faults } from '../../faults.ts'
import type { WebSocketConnection } from './connection.ts'

export interface TroubledPostsOptions {
  readonly clock: Clock
  readonly faults: Faults
  /** How long a post takes before anything is done about it. */
  readonly delayMs: number
}

/** A post on its way, and what may become of it. */
export interface Post {
  readonly connectionId: string
  /** Looks the connection up: it may end while the post is on its way. */
  readonly find: () => WebSocketConnection | undefined
  /** Answers and sends, as without trouble. @param send is how the text goes to the client */
  readonly carryOut: (connection: WebSocketConnection, send: (text: Buffer) => void) => void
  readonly refuse: (status: number, type: string, message?: string) => void
  /** Cuts the line to whoever posts. */
  readonly cut: () => void
}

const KINDS = ['post.410', 'post.429', 'post.500', 'post.503', 'post.cut', 'post.reorder'] as const

/** Posts to connections with the delays and the faults that are asked for. */
export class TroubledPosts {
  readonly #options: TroubledPostsOptions
  /** Answered and not sent yet: they go behind the next post to their connection. */
  readonly #held = new WeakMap<WebSocketConnection, Buffer[]>()

  constructor(options: TroubledPostsOptions) {
    this.#options = options
  }

  async run({ connectionId, find, carryOut, refuse, cut }: Post): Promise<void> {
    const { clock, faults, delayMs } = this.#options
    if (delayMs > 0) await sleep(clock, delayMs)
    const stall = faults.strike('post.stall', connectionId)
    if (stall) await sleep(clock, stall.durationMs)
    const connection = find()
    if (!connection) {
      refuse(410, 'GoneException')
      return
    }
    const deliver = (text: Buffer) => {
      connection.send(text, clock.now())
      this.#release(connection)
    }
    const strike = faults.strike(KINDS, connectionId)
    switch (strike?.kind) {
      case 'post.410':
        refuse(410, 'GoneException')
        return
      case 'post.429':
        refuse(429, 'LimitExceededException', 'Too Many Requests')
        return
      case 'post.500':
        refuse(500, 'InternalServerErrorException', 'Internal server error')
        return
      case 'post.503':
        refuse(503, 'ServiceUnavailableException', 'Service Unavailable')
        return
      case 'post.cut':
        cut()
        carryOut(connection, deliver)
        return
      case 'post.reorder': {
        const { durationMs } = strike
        carryOut(connection, (text) => this.#hold(connection, text, durationMs))
        return
      }
      case undefined:
        carryOut(connection, deliver)
    }
  }

  #hold(connection: WebSocketConnection, text: Buffer, durationMs: number): void {
    this.#held.set(connection, [...(this.#held.get(connection) ?? []), text])
    this.#options.clock.after(durationMs, () => this.#release(connection))
  }

  #release(connection: WebSocketConnection): void {
    const held = this.#held.get(connection)
    if (!held) return
    this.#held.delete(connection)
    for (const text of held) connection.send(text, this.#options.clock.now())
  }
}
