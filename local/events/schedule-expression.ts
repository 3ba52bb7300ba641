import { parseCron, wallTimes } from './cron.ts'
import { TimeZone } from './time-zone.ts'

/** When a schedule is due. */
export interface ScheduleExpression {
  /**
   * The first moment after `after`, both in epoch milliseconds; undefined when there is none any more.
   * @param origin the moment from which a rate counts
   */
  next(after: number, origin: number): number | undefined
}

const UNIT_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

/** What EventBridge rules take: `rate(5 minutes)` and `cron(0 12 * * ? *)`, in UTC. @throws Error */
export function parseRuleExpression(text: string): ScheduleExpression {
  const { kind, inner } = splitExpression(text, ['rate', 'cron'])
  return kind === 'cron'
    ? cronExpression(inner, new TimeZone('UTC'))
    : rateExpression(inner, { strict: true })
}

/** What EventBridge Scheduler takes: rate, cron, and `at(2026-11-23T09:00:00)`, in a time zone. @throws Error */
export function parseSchedulerExpression(text: string, timeZone: string): ScheduleExpression {
  const zone = new TimeZone(timeZone)
  const { kind, inner } = splitExpression(text, ['rate', 'cron', 'at'])
  switch (kind) {
    case 'rate':
      return rateExpression(inner, { strict: false })
    case 'cron':
      return cronExpression(inner, zone)
    case 'at':
      return atExpression(inner, zone)
  }
}

function splitExpression<Kind extends string>(
  text: string,
  kinds: readonly Kind[],
): { kind: Kind; inner: string } {
  const [, name, inner] = /^(\w+)\((.*)\)$/.exec(text) ?? []
  const kind = kinds.find((k) => k === name)
  if (kind === undefined || inner === undefined) {
    throw new Error(
      `invalid schedule expression "${text}"; expected ${kinds.map((k) => `${k}(…)`).join(', ')}`,
    )
  }
  return { kind, inner }
}

/** Rules insist on `1 minute` and `2 minutes`; Scheduler documents the plural for every value. */
function rateExpression(inner: string, { strict }: { strict: boolean }): ScheduleExpression {
  const [, digits, unit, plural] = /^([1-9]\d*) (minute|hour|day)(s?)$/.exec(inner) ?? []
  if (digits === undefined || !isUnit(unit) || (strict && (plural === 's') !== Number(digits) > 1)) {
    throw new Error(
      `invalid schedule expression "rate(${inner})"; expected a positive number and minute, hour or day, in the plural above 1, such as rate(5 minutes)`,
    )
  }
  const period = Number(digits) * UNIT_MS[unit]
  return {
    next: (after, origin) =>
      after < origin ? origin : origin + (Math.floor((after - origin) / period) + 1) * period,
  }
}

function isUnit(text: string | undefined): text is keyof typeof UNIT_MS {
  return text !== undefined && text in UNIT_MS
}

function cronExpression(inner: string, zone: TimeZone): ScheduleExpression {
  const cron = parseCron(inner)
  return {
    next(after) {
      // From the day before, because a wall clock that was put back shows days and times again.
      const wall = new Date(zone.wallClock(after) - UNIT_MS.day)
      const from = { year: wall.getUTCFullYear(), month: wall.getUTCMonth() + 1, day: wall.getUTCDate() }
      for (const time of wallTimes(cron, from)) {
        const instant = zone.instant(time)
        if (instant !== undefined && instant > after) return instant
      }
      return undefined
    },
  }
}

function atExpression(inner: string, zone: TimeZone): ScheduleExpression {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)$/.exec(inner)
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match?.slice(1).map(Number) ?? []
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  if (!match || date.toISOString().slice(0, 19) !== inner) {
    throw new Error(
      `invalid schedule expression "at(${inner})"; expected a time such as at(2026-11-23T09:00:00)`,
    )
  }
  const instant = zone.instant({ year, month, day, hour, minute, second })
  return { next: (after) => (instant !== undefined && instant > after ? instant : undefined) }
}
