import { RunningTime, type SharedTime } from '../../shared-time.ts'
import { replaceDate } from './date.ts'
import { replaceTimers } from './timer-functions.ts'
import { ThreadTimers } from './timers.ts'

export interface TimeOptions {
  /** How far the thread's clock is off: ahead, or behind where it is negative. @default 0 */
  readonly skewMs?: number
}

/**
 * Has the thread that calls this live in another time from now on, whatever code it loads afterwards: `Date`, the timers
 * of globals, `node:timers` and `node:timers/promises`, and `AbortSignal.timeout` are of that time.
 * `performance.now`, `process.hrtime` and what Node itself waits for (timeouts of sockets) stay the machine's.
 * @param shared `RunningClock.shared`; undefined for the machine's time, of which then only the skew is seen
 */
export function liveIn(shared: SharedTime | undefined, { skewMs = 0 }: TimeOptions = {}): void {
  const time = shared && new RunningTime(shared)
  const machineNow = Date.now
  const now = time ? () => time.now() : machineNow
  replaceDate(() => Math.floor(now() + skewMs))
  // A clock that is off runs as fast as one that is right: timers know nothing of a skew.
  if (time) replaceTimers(new ThreadTimers(time))
}
