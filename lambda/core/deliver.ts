import { type ConnectionId, later } from '../../protocol/ids.ts'
import { forget } from './forget.ts'
import { type GiveUpDeps, close, giveUp, pause, until } from './give-up.ts'

/**
 * A handshake is over this long after it began, or given up: until then a post may answer 410 for a connection that
 * is about to open.
 */
export const HANDSHAKE_GRACE_MS = 5_000
/** How long one frame is tried before its connection is given up. */
export const DELIVERY_BUDGET_MS = 10_000

export type DeliverDeps = GiveUpDeps

/** `kept`: not delivered, and yet recorded, since it could be neither closed nor forgotten now; the next frame tries. */
export type Delivery = 'sent' | 'forgotten' | 'kept'

/**
 * Delivered or closed: posts a frame, again with full jitter after a 429, a 5xx or a timeout, and closes and forgets a
 * connection that can't be reached within the budget. 410 forgets it at once, unless it is so young that its
 * handshake may still be going on.
 * @throws what no retry can mend and no connection is to blame for
 */
export async function deliver(id: ConnectionId, frame: string, deps: DeliverDeps): Promise<Delivery> {
  const end = until(DELIVERY_BUDGET_MS, deps)
  for (let attempt = 0; ; attempt++) {
    const outcome = await deps.sender.send(id, frame)
    if (outcome === 'sent') return 'sent'
    try {
      if (outcome === 'gone' && (await forgetGrown(id, deps))) return 'forgotten'
      if (!(await pause(attempt, end, deps))) return await giveUp(id, 'undeliverable', deps)
    } catch (error) {
      // The trouble of one: whoever else is served has nothing to do with it.
      deps.report('error', 'could not give a connection up', { connectionId: id, error: String(error) })
      return 'kept'
    }
  }
}

/** @returns false for a connection whose handshake may not be over */
async function forgetGrown(id: ConnectionId, deps: DeliverDeps): Promise<boolean> {
  const grown = later(deps.clock.now(), -HANDSHAKE_GRACE_MS)
  if ((await forget(id, 'gone', deps, grown)) === 'young') return false
  // A live one has been said to be gone (https://github.com/aws/aws-sdk-js/issues/3773): closed, it comes back.
  await close(id, deps)
  return true
}
