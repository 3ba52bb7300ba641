import type { ChannelEvent } from '../protocol/messages.ts'
import { remember } from './remember.ts'

/** Events as frames carry them: see `EventsFrame`. */
export interface Carried<E extends ChannelEvent> {
  readonly offset: number
  readonly sizes?: readonly number[]
  readonly events?: readonly E[]
}

/** One thing that a subscriber is told. */
export type Item<E extends ChannelEvent = ChannelEvent> =
  | { readonly type: 'event'; readonly offset: number; readonly event: E }
  /** What came before `offset` and after the last event can't be had: take a snapshot, or start from nothing. */
  | { readonly type: 'reset'; readonly offset: number }

/** Events remembered by their identity: a batch that the server had to repeat comes soon after its first time. */
const REMEMBERED = 1_000
/** Groups of events kept for after a hole. */
const MAX_AHEAD = 1_000

/**
 * Puts what comes of one channel in order: each event once, by offset, without a hole. Pure: it neither waits nor sends.
 */
export class Sequence<E extends ChannelEvent> {
  /** Offsets are dense: a missing one is a hole. Those of `tasks/{id}` are versions, and the newest stands for all. */
  readonly #isDense: boolean
  #have: number | undefined
  /** The newest offset that the server has spoken of. */
  #known = -1
  /** What came too early, by its offset. */
  readonly #ahead = new Map<number, readonly E[]>()
  readonly #seen = new Set<string>()

  constructor(isDense: boolean, after?: number) {
    this.#isDense = isDense
    this.#have = after
  }

  /** Everything up to here has been handed on; undefined before the server has said where the channel stands. */
  get have(): number | undefined {
    return this.#have
  }

  /** Whether something is known to exist that is not here. */
  get hasHole(): boolean {
    return this.#have !== undefined && this.#have < this.#known
  }

  /** @returns what can be handed on now */
  take({ offset, sizes, events = [] }: Carried<E>): Item<E>[] {
    if (!this.#isDense) return this.#takeNewest(offset, events)
    let end = events.length
    for (let i = (sizes?.length ?? 1) - 1, at = offset; i >= 0; i--, at--) {
      const start = end - (sizes?.[i] ?? end)
      if (this.#have === undefined || at > this.#have) this.#ahead.set(at, events.slice(start, end))
      end = start
    }
    this.#known = Math.max(this.#known, offset)
    if (this.#ahead.size > MAX_AHEAD) this.#ahead.clear() // asked for again, all of it
    return this.#drain()
  }

  /** The server has said that the channel stands at `offset`: what is not here up to there is missing. */
  reach(offset: number): Item<E>[] {
    this.#known = Math.max(this.#known, offset)
    this.#have ??= offset
    return this.#drain()
  }

  /**
   * The server, asked for what comes after `after` or of its own accord, can't say what came before `offset`.
   * @returns undefined where that is of no use, since everything up to there has come meanwhile
   */
  reset(offset: number, after?: number): Item<E>[] | undefined {
    if (this.#have !== undefined && this.#have !== after && this.#have >= offset) return undefined
    if (after !== undefined && offset < after) this.#ahead.clear() // of a log that has begun anew since
    this.#have = offset
    this.#known = Math.max(offset, ...this.#ahead.keys())
    return [{ type: 'reset', offset }, ...this.#drain()]
  }

  /** A batch that was handed over again may bring versions along that are older than what is here. */
  #takeNewest(offset: number, events: readonly E[]): Item<E>[] {
    const { have = -1 } = this
    if (offset <= have) return []
    this.#have = offset
    const isNewer = (event: E) => !('version' in event) || event.version > have
    return this.#fresh(offset, events.filter(isNewer))
  }

  #drain(): Item<E>[] {
    const items: Item<E>[] = []
    if (this.#have === undefined) return items
    for (const at of this.#ahead.keys()) if (at <= this.#have) this.#ahead.delete(at)
    for (let next; (next = this.#ahead.get(this.#have + 1));) {
      this.#ahead.delete(++this.#have)
      items.push(...this.#fresh(this.#have, next))
    }
    return items
  }

  #fresh(offset: number, events: readonly E[]): Item<E>[] {
    return events
      .filter((event) => remember(this.#seen, identityOf(event), REMEMBERED))
      .map((event) => ({ type: 'event', offset, event }))
  }
}

/** A task is deleted once, whatever version the server gives that when it is asked again. */
const identityOf = (event: ChannelEvent) =>
  'version' in event && event.type !== 'task.deleted' ? `${event.id} ${event.version}` : event.id
