import { later } from '../../protocol/ids.ts'
import { forEachBounded } from './bounded.ts'
import { HANDSHAKE_GRACE_MS } from './deliver.ts'
import { type ForgetDeps, forget } from './forget.ts'
import type { Clock, Connection, Sender } from './ports.ts'

export interface SweepDeps extends ForgetDeps {
  readonly sender: Sender
  readonly clock: Clock
  /** Connections quiet for longer than this are closed, in milliseconds. */
  readonly idleTimeoutMs: number
}

/** Connections asked about at once: a sweep must leave the account's requests to the messages. */
const SWEEP_LANES = 16

/** Closes connections quiet for longer than the timeout, and forgets ghosts whose `$disconnect` was lost. */
export async function sweep(deps: SweepDeps): Promise<{ checked: number; closed: number; ghosts: number }> {
  const summary = { checked: 0, closed: 0, ghosts: 0 }
  await forEachBounded(deps.store.all(), SWEEP_LANES, async ({ id, connectedAt }: Connection) => {
    const now = deps.clock.now()
    if (connectedAt > later(now, -HANDSHAKE_GRACE_MS)) return
    summary.checked++
    const state = await deps.sender.inspect(id)
    if (state === 'unknown') return // the next sweep asks again
    if (state === 'gone') {
      await forget(id, 'gone', deps)
      summary.ghosts++
    } else if (state.lastActiveAt < later(now, -deps.idleTimeoutMs)) {
      if ((await deps.sender.close(id)) !== 'closed') return // the next sweep tries again
      await forget(id, 'quiet', deps)
      summary.closed++
    }
  })
  deps.report('info', 'swept', summary)
  return summary
}
