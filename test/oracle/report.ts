import type { ChannelEvent } from '../../protocol/messages.ts'

/** What a subscriber hears, in order. */
export type Told =
  | { readonly type: 'subscribed'; readonly offset: number }
  | { readonly type: 'event'; readonly offset: number; readonly event: ChannelEvent }
  | { readonly type: 'reset'; readonly offset: number }

/** One subscription from its beginning to its end. */
export interface FollowReport {
  readonly key: string
  readonly channel: string
  readonly isOpen: boolean
  /** Since the last report. */
  readonly told: readonly Told[]
}

export interface PublicationReport {
  readonly viewer: string
  readonly channel: string
  readonly messageId: string
  /** The offset, or the code of the error with which it failed for good. */
  readonly outcome: number | string
}

export interface Report {
  readonly follows: readonly FollowReport[]
  /** Settled since the last report. */
  readonly publications: readonly PublicationReport[]
  /** How often each line that is open has been lost. */
  readonly losses: Readonly<Record<string, number>>
  /** How many sockets each of them has opened. */
  readonly sockets: Readonly<Record<string, number>>
  /** Channels that lines follow, each line counted for itself. */
  readonly subscriptions: number
  /** Bytes of the largest frame that came since the beginning. */
  readonly largestFrame: number
}

/** One report after another, as one. */
export function both(earlier: Report | undefined, later: Report): Report {
  if (!earlier) return later
  const follows = new Map(earlier.follows.map((follow) => [follow.key, follow]))
  for (const follow of later.follows) {
    const told = [...(follows.get(follow.key)?.told ?? []), ...follow.told]
    follows.set(follow.key, { ...follow, told })
  }
  const publications = [...earlier.publications, ...later.publications]
  return { ...later, follows: [...follows.values()], publications }
}
