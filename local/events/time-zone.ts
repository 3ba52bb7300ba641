import type { WallTime } from './cron.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** An IANA time zone: what its wall clocks show when. */
export class TimeZone {
  readonly #format: Intl.DateTimeFormat

  /** @throws Error for a name that is no time zone */
  constructor(name: string) {
    try {
      this.#format = new Intl.DateTimeFormat('en-US', {
        timeZone: name,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      })
    } catch (cause) {
      throw new Error(`unknown time zone "${name}"; expected an IANA name such as "Europe/Berlin"`, { cause })
    }
  }

  /** What the wall clock shows, as the epoch milliseconds at which a clock in UTC shows the same; whole seconds. */
  wallClock(instant: number): number {
    const parts = Object.fromEntries(
      this.#format.formatToParts(instant).map((p) => [p.type, Number(p.value)]),
    )
    const part = (name: string) => parts[name] ?? 0
    return Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    )
  }

  /**
   * The moment at which the wall clock first shows `time`. A time that comes twice counts once and a time that is
   * skipped not at all, as EventBridge Scheduler has it:
   * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
   * @returns epoch milliseconds; undefined for a skipped time
   */
  instant(time: WallTime & { readonly second?: number }): number | undefined {
    const shown = Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second ?? 0)
    const candidates = [shown - DAY_MS, shown + DAY_MS].map((near) => shown - (this.wallClock(near) - near))
    const real = candidates.filter((candidate) => this.wallClock(candidate) === shown)
    return real.length === 0 ? undefined : Math.min(...real)
  }
}
