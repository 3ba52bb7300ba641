/** Full jitter: anywhere from 0 to 0.5 s doubled with every attempt, 30 s at most. */
export const backoffMs = (attempt: number) => Math.random() * Math.min(30_000, 500 * 2 ** attempt)
