import type { Clock } from './clock.ts'

/**
 * Resolves after `delayMs` of the clock's time, or as soon as the signal aborts; leaves no timer and no listener. With
 * `Infinity` only the signal ends it.
 */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const finish = () => {
      timer?.cancel()
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const timer = delayMs === Infinity ? undefined : clock.after(delayMs, finish)
    signal.addEventListener('abort', finish)
  })
}

/** Like `pause`, and ends as soon as it is woken. */
export async function pauseUntil(
  woken: Promise<unknown>,
  clock: Clock,
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController()
  const finish = () => over.abort()
  signal.addEventListener('abort', finish)
  if (signal.aborted) finish()
  await Promise.race([woken, pause(clock, delayMs, over.signal)])
  signal.removeEventListener('abort', finish)
  finish()
}
