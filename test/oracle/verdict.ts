import { Follower } from './follower.ts'
import { type ConnectionItem, type Entry, type Ledger, identityOf } from './ledger.ts'
import { type FollowReport, type PublicationReport, type Report } from './report.ts'

const NOTHING: ReadonlyMap<number, Entry> = new Map()
const MAX_FRAME_BYTES = 32_768

/** Failures of a publication that are nobody's fault: it was too large for a frame, or its line was closed by its owner. */
const HONEST_FAILURES = ['message_too_large', 'closed']

export interface Limits {
  /** How long the log of a channel is kept, in milliseconds. */
  readonly retentionMs: number
  /** How far a clock may be off, ahead or behind. */
  readonly skewMs: number
}

/** Holds what was told against what is true, from one quiet point to the next. */
export class Verdict {
  readonly #ledger: Ledger
  readonly #followers = new Map<string, Follower>()
  /** Of the channels without a log, the version told last. */
  readonly #versions = new Map<string, number>()
  readonly #published = new Map<string, PublicationReport>()
  deliveries = 0
  resets = 0

  readonly #limits: Limits

  constructor(ledger: Ledger, limits: Limits) {
    this.#ledger = ledger
    this.#limits = limits
  }

  /**
   * @param report what everybody was told since the last time
   * @param connections what is recorded of them
   * @returns every promise that was broken, a sentence each
   */
  of(report: Report, connections: readonly ConnectionItem[], stackMs: number): string[] {
    const nowMs = stackMs + this.#limits.skewMs
    return [
      ...report.follows.flatMap((follow) => this.#ofFollow(follow, nowMs)),
      ...report.publications.flatMap((publication) => this.#ofPublication(publication)),
      ...commitsIn(this.#ledger),
      ...repetitionsIn(this.#ledger, [...this.#published.keys()], this.#limits),
      ...expiriesIn(this.#ledger, connections, nowMs, this.#limits),
      ...(report.largestFrame > MAX_FRAME_BYTES ? [`a frame of ${report.largestFrame} bytes came`] : []),
    ]
  }

  #ofFollow(follow: FollowReport, nowMs: number): string[] {
    const { key, channel, isOpen, told } = follow
    if (channel.startsWith('tasks/')) return this.#ofTask(follow)
    const log = this.#ledger.log.get(channel) ?? NOTHING
    const follower = this.#followers.get(key) ?? new Follower(key)
    this.#followers.set(key, follower)
    const before = follower.deliveries
    const complaints = follower.hear(told, log, nowMs)
    this.deliveries += follower.deliveries - before
    this.resets += told.filter(({ type }) => type === 'reset').length
    if (isOpen) complaints.push(...follower.missing(log))
    else this.#followers.delete(key)
    return complaints
  }

  /** A task's own channel: the newest version stands for all, so they only have to grow, up to the last one. */
  #ofTask({ key, channel, isOpen, told }: FollowReport): string[] {
    const complaints: string[] = []
    for (const item of told) {
      const before = this.#versions.get(key) ?? -1
      if (item.type !== 'event') {
        // A frame may come before the answer, which then speaks of the next one, still on its way.
        if (item.type === 'reset' || before < 0) this.#versions.set(key, item.offset)
        continue
      }
      this.deliveries++
      const version = 'version' in item.event ? item.event.version : item.offset
      if (version <= before) complaints.push(`${key}: was told version ${version} after ${before}`)
      this.#versions.set(key, version)
    }
    const id = channel.slice('tasks/'.length)
    const last = this.#ledger.commits.findLast((commit) => commit.id === id)
    const version = this.#versions.get(key) ?? -1
    if (isOpen && last && !last.isDelete && version < last.version)
      complaints.push(`${key}: stands at version ${version}; the task is at ${last.version}`)
    return complaints
  }

  #ofPublication(publication: PublicationReport): string[] {
    const { viewer, channel, messageId, outcome } = publication
    if (typeof outcome === 'string')
      return HONEST_FAILURES.includes(outcome) ? [] : [`${viewer}: ${messageId} failed with ${outcome}`]
    this.#published.set(messageId, publication)
    const entry = this.#ledger.log.get(channel)?.get(outcome)
    if (entry?.events.some(({ id }) => id === messageId)) return []
    return [`${viewer}: ${messageId} is said to be at ${outcome} of ${channel}, and is not`]
  }
}

/** Every change of every task is in the log, in the order in which it was made; or a gap says that some are not. */
export function commitsIn({ commits, log }: Ledger): string[] {
  const entries = [...(log.get('tasks') ?? NOTHING)].sort(([a], [b]) => a - b)
  const told = new Map<string, number>()
  const complaints: string[] = []
  const versions = new Map<string, number>()
  for (const [offset, { events }] of entries)
    for (const event of events) {
      const identity = identityOf(event)
      if (told.has(identity) || !('version' in event)) continue
      told.set(identity, offset)
      const before = versions.get(event.id) ?? 0
      if (event.version < before)
        complaints.push(`version ${event.version} of ${event.id} is in the log after ${before}, at ${offset}`)
      versions.set(event.id, event.version)
    }
  if (entries.some(([, { isGap }]) => isGap)) return complaints
  for (const { id, version } of commits)
    if (!told.has(`${id} ${version}`)) complaints.push(`version ${version} of ${id} is not in the log`)
  return complaints
}

/** Everything that is kept is over one day: nothing outlives its connection or its log by more than clocks differ. */
function expiriesIn(
  { log }: Ledger,
  connections: readonly ConnectionItem[],
  nowMs: number,
  { retentionMs }: Limits,
): string[] {
  const isFar = (expiresAt: number, keptMs: number) => !(expiresAt * 1000 <= nowMs + keptMs + 1000)
  const entries = [...log].flatMap(([channel, ofChannel]) =>
    [...ofChannel].map(([offset, { expiresAt }]) => ({ name: `${channel} ${offset}`, expiresAt })),
  )
  return [
    ...entries.filter(({ expiresAt }) => isFar(expiresAt, retentionMs)),
    ...connections
      .map(({ pk, sk, expiresAt }) => ({ name: `${pk} ${sk}`, expiresAt }))
      .filter(({ expiresAt }) => isFar(expiresAt, CONNECTION_KEPT_MS)),
  ].map(({ name, expiresAt }) => `${name} is kept until ${expiresAt} s, at ${Math.floor(nowMs / 1000)} s`)
}

/** A connection lives two hours; its items are kept ten minutes longer. */
export const CONNECTION_KEPT_MS = 130 * 60_000

/**
 * What was said with a message id is in the log once, however often it was sent; unless it was sent again after the log
 * had forgotten it.
 */
function repetitionsIn({ log }: Ledger, messageIds: readonly string[], limits: Limits): string[] {
  const keptMs = limits.retentionMs - 2 * limits.skewMs
  const places = new Map<string, { offset: number; writtenMs: number }[]>()
  for (const [channel, entries] of log) {
    if (!channel.startsWith('chat/')) continue
    for (const [offset, { events, expiresAt }] of entries)
      for (const { id } of events)
        places.set(id, [...(places.get(id) ?? []), { offset, writtenMs: expiresAt * 1000 }])
  }
  const twice = [...places].flatMap(([id, at]) => {
    const isRemembered = at.some((place, i) => place.writtenMs - (at[i - 1]?.writtenMs ?? -Infinity) < keptMs)
    return isRemembered ? [`${id} is in the log at ${at.map(({ offset }) => offset).join(' and ')}`] : []
  })
  const lost = messageIds.filter((id) => !places.has(id))
  return [...twice, ...lost.map((id) => `${id} was published and is not in the log`)]
}
