import { type ConnectionId, type EpochMillis, later } from '../../protocol/ids.ts'
import { fullJitterMs } from './backoff.ts'
import { type ForgetDeps, type ForgetReason, forget } from './forget.ts'
import type { Clock, CloseOutcome, Random, Sender } from './ports.ts'

/** How long a connection is tried to be closed. */
export const CLOSE_BUDGET_MS = 5_000

export interface GiveUpDeps extends ForgetDeps {
  readonly sender: Sender
  readonly clock: Clock
  readonly random: Random
  /** When whoever calls must be about to end: from then on nothing is tried twice. @default never */
  readonly deadline?: EpochMillis
}

/** Until when something may be tried that has a budget of its own, in milliseconds. */
export function until(budgetMs: number, { clock, deadline }: GiveUpDeps): EpochMillis {
  const end = later(clock.now(), budgetMs)
  return deadline !== undefined && deadline < end ? deadline : end
}

/** Waits before another attempt, with full jitter. @returns false, at once, where that would be too late */
export async function pause(
  attempt: number,
  end: EpochMillis,
  { clock, random }: GiveUpDeps,
): Promise<boolean> {
  const wait = fullJitterMs(attempt, random)
  if (clock.now() + wait > end) return false
  await clock.sleep(wait)
  return true
}

/** Closes a connection, again with full jitter where that fails, within its budget. */
export async function close(id: ConnectionId, deps: GiveUpDeps): Promise<CloseOutcome> {
  const end = until(CLOSE_BUDGET_MS, deps)
  for (let attempt = 0; ; attempt++) {
    const outcome = await deps.sender.close(id)
    if (outcome === 'closed' || !(await pause(attempt, end, deps))) return outcome
  }
}

/**
 * Closes a connection and forgets it, in that order: one that is forgotten and open waits for frames that nobody sends.
 * Where the gateway takes no requests (429) it is kept: the next frame tries again, and shows what was missed. Whoever
 * can't be closed for another reason is forgotten all the same, since each frame would wait for it; it hears so when it
 * renews its lease.
 */
export async function giveUp(
  id: ConnectionId,
  reason: ForgetReason,
  deps: GiveUpDeps,
): Promise<'forgotten' | 'kept'> {
  const outcome = await close(id, deps)
  if (outcome !== 'closed') deps.report('warn', 'could not close a connection', { connectionId: id, outcome })
  if (outcome === 'busy') return 'kept'
  await forget(id, reason, deps)
  return 'forgotten'
}
