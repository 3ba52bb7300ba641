import type { Clock } from '../clock.ts'

/** Resolves after `delayMs` of the clock's time, or as soon as the signal aborts; leaves no timer and no listener. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const finish = () => {
      timer.cancel()
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const timer = clock.after(delayMs, finish)
    signal.addEventListener('abort', finish)
  })
}
