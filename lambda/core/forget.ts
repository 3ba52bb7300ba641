import type { ConnectionId, EpochMillis } from '../../protocol/ids.ts'
import type { ConnectionStore, Report } from './ports.ts'

export interface ForgetDeps {
  readonly store: ConnectionStore
  readonly report: Report
}

export type ForgetReason = 'disconnected' | 'gone' | 'undeliverable' | 'quiet' | 'said-bye' | 'not-greeted'

/**
 * The one way out for a connection: its item and its subscriptions go, and nobody else's. Idempotent.
 * @param connectedBefore leave a younger connection alone: its handshake may not be over
 */
export async function forget(
  id: ConnectionId,
  reason: ForgetReason,
  deps: ForgetDeps,
  connectedBefore?: EpochMillis,
): Promise<'removed' | 'young'> {
  const outcome = await deps.store.remove(id, connectedBefore)
  if (outcome === 'removed') deps.report('info', 'forgot a connection', { connectionId: id, reason })
  return outcome
}
