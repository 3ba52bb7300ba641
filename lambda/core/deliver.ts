import { type ConnectionId, later } from '../../protocol/ids.ts'
import { fullJitterMs } from './backoff.ts'
import { type ForgetDeps, forget } from './forget.ts'
import type { Clock, Random, Sender } from './ports.ts'

/**
 * A handshake is over this long after it began, or given up: until then a post may answer 410 for a connection that
 * is about to open.
 */
export const HANDSHAKE_GRACE_MS = 5_000
/** How long one frame is tried before its connection is given up. */
export const DELIVERY_BUDGET_MS = 10_000

export interface DeliverDeps extends ForgetDeps {
  readonly sender: Sender
  readonly clock: Clock
  readonly random: Random
}

/**
 * Delivered or closed: posts a frame, again with full jitter after a 429, a 5xx or a timeout, and forgets and closes a
 * connection that can't be reached within the budget. 410 forgets it at once, unless it is so young that its
 * handshake may still be going on.
 * @returns whether the gateway took the frame
 */
export async function deliver(id: ConnectionId, frame: string, deps: DeliverDeps): Promise<boolean> {
  const { sender, clock } = deps
  const deadline = later(clock.now(), DELIVERY_BUDGET_MS)
  for (let attempt = 0; ; attempt++) {
    const outcome = await sender.send(id, frame)
    if (outcome === 'sent') return true
    if (outcome === 'gone') {
      const grown = later(clock.now(), -HANDSHAKE_GRACE_MS)
      if ((await forget(id, 'gone', deps, grown)) === 'removed') return false
    }
    const wait = fullJitterMs(attempt, deps.random)
    if (clock.now() + wait > deadline) {
      await forget(id, 'undeliverable', deps)
      await sender.close(id)
      return false
    }
    await clock.sleep(wait)
  }
}
