import { type FaultKind, type FaultRates, KINDS, durationOf } from './fault-kinds.ts'

/** A fault that is asked for: the next `times` ones of a kind. */
export interface FaultPlan {
  /** @default 1 */
  readonly times?: number
  /** How many are spared before. @default 0 */
  readonly skip?: number
  /** A connection id, a function's name, the function of a mapping. @default any */
  readonly subject?: string
  readonly durationMs?: number
  /** For the kinds that strike midway: how many answers the handler gets to see the last of. @default 1 */
  readonly calls?: number
  /** What is otherwise drawn: `Strike.chance`. */
  readonly chance?: number
}

/** A fault that happens now. */
export interface Strike<Kind extends FaultKind = FaultKind> {
  readonly kind: Kind
  readonly subject: string
  readonly durationMs: number
  readonly calls: number
  /** A random number from 0 to 1, for what else is to be chosen. */
  readonly chance: number
}

interface PendingPlan extends FaultPlan {
  times: number
  skip: number
}

/** The most answers that a handler sees before it is struck midway by chance. */
const MAX_CALLS = 4

/**
 * Trouble on demand: asked wherever trouble may come, it says whether it does. A kind strikes by chance, by plan or both.
 *
 * Every kind has a stream of chance of its own, made from the seed: a run that asks the same questions in the same order
 * within each kind gets the same answers.
 */
export class Faults {
  readonly seed: number
  readonly #rates: FaultRates
  readonly #chances: Readonly<Record<string, () => number>>
  readonly #plans = new Map<FaultKind, PendingPlan[]>()
  readonly #counts = new Map<FaultKind, number>()
  readonly #watchers = new Set<(strike: Strike) => void>()

  /** @param seed any number; the same one makes the same run */
  constructor(rates: FaultRates = {}, seed = 1) {
    this.seed = seed
    this.#rates = rates
    this.#chances = Object.fromEntries(KINDS.map((kind) => [kind, randomStream(`${seed}/${kind}`)]))
  }

  /** The first of the kinds that strikes now; the others are not asked then. */
  strike<Kind extends FaultKind>(kinds: Kind | readonly Kind[], subject: string): Strike<Kind> | undefined {
    const asked: readonly Kind[] = typeof kinds === 'string' ? [kinds] : kinds
    for (const kind of asked) {
      const strike = this.#planned(kind, subject) ?? this.#byChance(kind, subject)
      if (!strike) continue
      this.#counts.set(kind, this.count(kind) + 1)
      for (const watch of this.#watchers) watch(strike)
      return strike
    }
    return undefined
  }

  /** Has a kind strike for certain. Plans of a kind are carried out in the order in which they are made. */
  plan(kind: FaultKind, plan: FaultPlan = {}): void {
    const pending = { ...plan, times: plan.times ?? 1, skip: plan.skip ?? 0 }
    this.#plans.set(kind, [...(this.#plans.get(kind) ?? []), pending])
  }

  /** Drops what is planned and has not happened: all of it, or that of one kind. */
  cancel(kind?: FaultKind): void {
    if (kind === undefined) this.#plans.clear()
    else this.#plans.delete(kind)
  }

  /** How often a kind has struck. */
  count(kind: FaultKind): number {
    return this.#counts.get(kind) ?? 0
  }

  /** How often each kind has struck that has. */
  get counts(): Readonly<Partial<Record<FaultKind, number>>> {
    return Object.fromEntries(this.#counts)
  }

  /** Is told of every strike. @returns ends the telling */
  watch(onStrike: (strike: Strike) => void): () => void {
    this.#watchers.add(onStrike)
    return () => void this.#watchers.delete(onStrike)
  }

  /** Resolves with the next strike of a kind. */
  next(kind: FaultKind): Promise<Strike> {
    return new Promise((resolve) => {
      const end = this.watch((strike) => {
        if (strike.kind !== kind) return
        end()
        resolve(strike)
      })
    })
  }

  #planned<Kind extends FaultKind>(kind: Kind, subject: string): Strike<Kind> | undefined {
    const plans = this.#plans.get(kind)
    const plan = plans?.find((each) => each.subject === undefined || each.subject === subject)
    if (!plans || !plan) return undefined
    if (plan.skip > 0) {
      plan.skip--
      return undefined
    }
    plan.times--
    if (plan.times <= 0) plans.splice(plans.indexOf(plan), 1)
    const { durationMs = durationOf(kind, this.#rates), calls = 1, chance = this.#chance(kind) } = plan
    return { kind, subject, durationMs, calls, chance }
  }

  #byChance<Kind extends FaultKind>(kind: Kind, subject: string): Strike<Kind> | undefined {
    const rate = this.#rates[kind]
    if (!rate || this.#chance(kind) >= rate.probability) return undefined
    const calls = 1 + Math.floor(this.#chance(kind) * MAX_CALLS)
    return { kind, subject, durationMs: durationOf(kind, this.#rates), calls, chance: this.#chance(kind) }
  }

  #chance(kind: FaultKind): number {
    return this.#chances[kind]?.() ?? 0
  }
}

/** Numbers from 0 to 1 that a text begins: FNV-1a makes it a number, mulberry32 the numbers after it. */
function randomStream(seed: string): () => number {
  let state = 0x811c9dc5
  for (const byte of Buffer.from(seed)) state = Math.imul(state ^ byte, 0x01000193)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
