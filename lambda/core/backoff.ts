import type { Random } from './ports.ts'

/** Full jitter: uniform between 0 and a ceiling that doubles with each attempt (0, 1, …) up to `capMs`. */
export const fullJitterMs = (attempt: number, random: Random, baseMs = 50, capMs = 2_000) =>
  random() * Math.min(capMs, baseMs * 2 ** attempt)
