import { UNKNOWN, type Unknown } from './variables.ts'

/** What may be true, false, or beyond what anybody here can judge. */
export type Ternary = boolean | Unknown

/** True as soon as one is; unknown when none is and one might be. */
export function some<T>(items: readonly T[], test: (item: T) => Ternary): Ternary {
  let result: Ternary = false
  for (const item of items) {
    const outcome = test(item)
    if (outcome === true) return true
    if (outcome === UNKNOWN) result = UNKNOWN
  }
  return result
}

/** False as soon as one is; unknown when all others are true. */
export function every<T>(items: readonly T[], test: (item: T) => Ternary): Ternary {
  const counterexample = some(items, (item) => not(test(item)))
  return not(counterexample)
}

export const not = (value: Ternary): Ternary => (value === UNKNOWN ? UNKNOWN : !value)
