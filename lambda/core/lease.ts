import { type EpochMillis, type EpochSeconds, type Offset, epochSeconds, later } from '../../protocol/ids.ts'

/** Longer than the two hours that a connection can live: TTL is the net, not the way out. */
export const CONNECTION_TTL_MS = 130 * 60 * 1000

/**
 * Until when a subscription is posted to. A client that says what it has (`after`) renews, so its subscription is a
 * lease; one that does not, such as a person with a terminal, keeps it for as long as a connection can live.
 */
export function subscribedUntil(
  now: EpochMillis,
  after: Offset | undefined,
  { leaseMs }: { readonly leaseMs: number },
): EpochSeconds {
  return epochSeconds(later(now, after === undefined ? CONNECTION_TTL_MS : leaseMs))
}
