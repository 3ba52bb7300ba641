/** What a wait before another attempt is drawn from. */
export interface Backoff {
  /** The longest first wait, in milliseconds. */
  readonly baseMs: number
  /** The longest wait there is. */
  readonly capMs: number
}

/**
 * 400 s: clients that come back at random within it, and are refused until there is room, arrive at 500 a second when
 * there are 100,000 of them, which is what API Gateway takes.
 */
export const DEFAULT_BACKOFF: Backoff = { baseMs: 1_000, capMs: 400_000 }

/**
 * Full jitter: uniform between 0 and a ceiling that doubles with each attempt.
 * @param attempt 0 for the first
 * @param random uniform in [0, 1)
 * @returns milliseconds
 */
export const delayMs = (attempt: number, random: () => number, { baseMs, capMs }: Backoff) =>
  random() * Math.min(capMs, baseMs * 2 ** attempt)

/** How often an action is sent before it is given up that the server leaves unanswered, or fails to carry out. */
export const MAX_TRIES = 5

/**
 * The wait before such an action is sent again.
 * @param tries how often it was sent, at least once
 * @returns milliseconds
 */
export const retryMs = (tries: number, random: () => number, capMs: number) =>
  delayMs(tries, random, { baseMs: 500, capMs })
