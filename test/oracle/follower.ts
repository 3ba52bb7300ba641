import type { Entry } from './ledger.ts'
import { identityOf } from './ledger.ts'
import type { Told } from './report.ts'

type Log = ReadonlyMap<number, Entry>

/** What one answer of the log may hold at most; beyond it a client is told to start afresh. */
const MAX_ENTRIES = 1000
/** A page of the table has 1 MB with the keys and the names of attributes; what is near it may be more. */
const NEARLY_A_PAGE = 700_000

/**
 * Holds one subscription to a channel with a log against that log: every event after its beginning once, in the order of
 * the offsets, or a reset that has a reason.
 */
export class Follower {
  readonly #name: string
  readonly #seen = new Set<string>()
  /** The next entry of which something is to be told, and how much of it has been. */
  #offset: number | undefined
  #index = 0
  /** Events and resets. */
  deliveries = 0
  resets = 0

  /** @param name of the subscription, for complaints */
  constructor(name: string) {
    this.#name = name
  }

  /** @returns what is wrong with what was told, a sentence each */
  hear(told: readonly Told[], log: Log, nowMs: number): string[] {
    return told.flatMap((item) => {
      const complaint = this.#hear(item, log, nowMs)
      return complaint === undefined ? [] : [`${this.#name}: ${complaint}`]
    })
  }

  /** @returns what it should have been told by now and was not */
  missing(log: Log): string[] {
    const next = this.#next(log)
    if (next === 'nothing') return []
    if (next === 'hole') return [`${this.#name}: ${this.#offset} can't be had, and no reset was told`]
    return [`${this.#name}: ${next.identity} at ${next.offset} was never told`]
  }

  #hear(item: Told, log: Log, nowMs: number): string | undefined {
    if (item.type === 'subscribed') {
      if (this.#offset !== undefined) return `was subscribed again, at ${item.offset}`
      this.#goTo(item.offset + 1)
      return undefined
    }
    this.deliveries++
    if (item.type === 'reset') {
      this.resets++
      const from = this.#offset ?? item.offset
      this.#goTo(item.offset + 1)
      if (item.offset + 1 < from) return `was told to start afresh at ${item.offset}, behind ${from - 1}`
      if (hasReason(from, item.offset, log, nowMs)) return undefined
      return `was told to start afresh at ${item.offset} although ${from} and everything after it is there`
    }
    const identity = identityOf(item.event)
    if (this.#offset === undefined) return `was told ${identity} at ${item.offset} before it was subscribed`
    const next = this.#next(log)
    if (this.#seen.has(identity)) return `was told ${identity} at ${item.offset} twice`
    this.#seen.add(identity)
    if (next === 'nothing' || next === 'hole')
      return `was told ${identity} at ${item.offset}, where the log has ${next}`
    if (next.identity !== identity || next.offset !== item.offset) {
      this.#goTo(item.offset)
      return `was told ${identity} at ${item.offset}; ${next.identity} at ${next.offset} comes next`
    }
    if (JSON.stringify(sorted(next.event)) !== JSON.stringify(sorted(item.event)))
      return `was told ${JSON.stringify(item.event)} at ${item.offset}; the log has ${JSON.stringify(next.event)}`
    return undefined
  }

  #goTo(offset: number): void {
    this.#offset = offset
    this.#index = 0
  }

  /** What is to be told next, where a hole asks for a reset: what was told before, in another entry, is not told again. */
  #next(log: Log): { identity: string; offset: number; event: object } | 'nothing' | 'hole' {
    if (this.#offset === undefined) return 'nothing'
    for (;;) {
      const entry = log.get(this.#offset)
      if (entry?.isGap) return 'hole'
      if (!entry) return [...log.keys()].some((offset) => offset > (this.#offset ?? 0)) ? 'hole' : 'nothing'
      for (; this.#index < entry.events.length; this.#index++) {
        const event = entry.events[this.#index]
        if (event && !this.#seen.has(identityOf(event)))
          return { identity: identityOf(event), offset: this.#offset, event }
      }
      this.#goTo(this.#offset + 1)
    }
  }
}

/** Whether what came from `from` up to `to` can't be had: gone, over, or more than an answer holds. */
function hasReason(from: number, to: number, log: Log, nowMs: number): boolean {
  if (to - from >= MAX_ENTRIES) return true
  let bytes = 0
  for (let offset = from; offset <= to; offset++) {
    const entry = log.get(offset)
    if (!entry || entry.isGap || entry.expiresAt * 1000 <= nowMs) return true
    bytes += JSON.stringify(entry.events).length
  }
  return bytes > NEARLY_A_PAGE
}

/** With its fields in one order, whatever order they were read in. */
function sorted(value: object): object {
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, field]: [string, unknown]) => [
        name,
        typeof field === 'object' && field !== null ? sorted(field) : field,
      ]),
  )
}
