/** A moment on a wall clock, in no time zone. `month` is 1 to 12. */
export interface WallTime {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
}

/** A parsed cron expression of AWS: when a wall clock shows one of its moments. */
export interface Cron {
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly months: readonly number[]
  readonly years: ReadonlySet<number>
  /** Whether a day that exists is one of the expression's. */
  readonly matchesDay: (date: CalendarDay) => boolean
}

interface CalendarDay {
  readonly day: number
  readonly daysInMonth: number
  /** 1 is Sunday, 7 Saturday. */
  readonly weekday: number
}

const MONTH_NAMES = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const WEEKDAY_NAMES = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly names?: readonly string[]
}

const MINUTES: Field = { name: 'minutes', min: 0, max: 59 }
const HOURS: Field = { name: 'hours', min: 0, max: 23 }
const DAY_OF_MONTH: Field = { name: 'day-of-month', min: 1, max: 31 }
const MONTH: Field = { name: 'month', min: 1, max: 12, names: MONTH_NAMES }
const DAY_OF_WEEK: Field = { name: 'day-of-week', min: 1, max: 7, names: WEEKDAY_NAMES }
const YEAR: Field = { name: 'year', min: 1970, max: 2199 }

/**
 * The six fields of AWS's cron: minutes, hours, day-of-month, month, day-of-week, year, with `, - * / ? L W #`.
 * A range that ends before it starts goes round (`FRI-MON`), as in Quartz, whose syntax this is.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
 * @param fields what stands inside `cron(…)`
 * @throws Error that names the field and what it may hold
 */
export function parseCron(fields: string): Cron {
  const parts = fields.trim().toUpperCase().split(/\s+/)
  const [minutes = '', hours = '', dayOfMonth = '', months = '', dayOfWeek = '', years = ''] = parts
  if (parts.length !== 6) {
    throw new Error(
      `cron has ${fields.trim() === '' ? 0 : parts.length} fields; expected 6: minutes hours day-of-month month day-of-week year`,
    )
  }
  if ((dayOfMonth === '?') === (dayOfWeek === '?')) {
    throw new Error(
      `cron has the day-of-month "${dayOfMonth}" and the day-of-week "${dayOfWeek}"; expected ? in exactly one of them`,
    )
  }
  return {
    minutes: parseValues(minutes, MINUTES),
    hours: parseValues(hours, HOURS),
    months: parseValues(months, MONTH),
    years: new Set(parseValues(years, YEAR)),
    matchesDay: dayOfWeek === '?' ? parseDayOfMonth(dayOfMonth) : parseDayOfWeek(dayOfWeek),
  }
}

/** Every moment from the start of a day on, in the order of the wall clock; ends with the expression's last year. */
export function* wallTimes(
  cron: Cron,
  from: { year: number; month: number; day: number },
): Generator<WallTime> {
  for (let year = from.year; year <= YEAR.max; year += 1) {
    if (!cron.years.has(year)) continue
    for (const month of cron.months) {
      if (year === from.year && month < from.month) continue
      const daysInMonth = new Date(Date.UTC(year, month, 0)).getUTCDate()
      const first = year === from.year && month === from.month ? from.day : 1
      for (let day = first; day <= daysInMonth; day += 1) {
        const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 1
        if (!cron.matchesDay({ day, daysInMonth, weekday })) continue
        for (const hour of cron.hours) {
          for (const minute of cron.minutes) yield { year, month, day, hour, minute }
        }
      }
    }
  }
}

/** Sorted values of a field of lists, ranges, steps and names. */
function parseValues(text: string, field: Field): number[] {
  const values = new Set<number>()
  for (const item of text.split(',')) {
    const [, range = '', step] = /^([^/]+)(?:\/(\d+))?$/.exec(item) ?? []
    if (range === '' || step === '0') throw invalid(text, field)
    const [start, end] = parseRange(range, step !== undefined, text, field)
    const span = field.max - field.min + 1
    const length = end >= start ? end - start : end - start + span
    for (let i = 0; i <= length; i += Number(step ?? 1))
      values.add(field.min + ((start - field.min + i) % span))
  }
  return [...values].sort((a, b) => a - b)
}

/** `5` is one value, and with a step everything from 5 on. */
function parseRange(range: string, stepped: boolean, text: string, field: Field): [number, number] {
  if (range === '*') return [field.min, field.max]
  const [from = '', to, ...rest] = range.split('-')
  if (rest.length > 0) throw invalid(text, field)
  const start = parseValue(from, text, field)
  if (to !== undefined) return [start, parseValue(to, text, field)]
  return [start, stepped ? field.max : start]
}

function parseValue(text: string, whole: string, field: Field): number {
  const named = field.names?.indexOf(text) ?? -1
  if (named >= 0) return named + field.min
  const value = /^\d+$/.test(text) ? Number(text) : NaN
  if (!(value >= field.min && value <= field.max)) throw invalid(whole, field)
  return value
}

function parseDayOfMonth(text: string): Cron['matchesDay'] {
  if (text === 'L') return ({ day, daysInMonth }) => day === daysInMonth
  const [, nearest] = /^(\d+)W$/.exec(text) ?? []
  if (nearest !== undefined) {
    const target = parseValue(nearest, text, DAY_OF_MONTH)
    return (date) => date.day === nearestWeekday(target, date)
  }
  const days = new Set(parseValues(text, DAY_OF_MONTH))
  return ({ day }) => days.has(day)
}

/** The weekday (Monday to Friday) nearest to a day, within the month; undefined when the month has no such day. */
function nearestWeekday(target: number, { day, daysInMonth, weekday }: CalendarDay): number | undefined {
  if (target > daysInMonth) return undefined
  const targetWeekday = ((((weekday - 1 + target - day) % 7) + 7) % 7) + 1
  if (targetWeekday === 7) return target === 1 ? 3 : target - 1
  if (targetWeekday === 1) return target === daysInMonth ? target - 2 : target + 1
  return target
}

function parseDayOfWeek(text: string): Cron['matchesDay'] {
  if (text === 'L') return ({ weekday }) => weekday === 7
  const [, last] = /^(\w+)L$/.exec(text) ?? []
  if (last !== undefined) {
    const target = parseValue(last, text, DAY_OF_WEEK)
    return ({ day, daysInMonth, weekday }) => weekday === target && day > daysInMonth - 7
  }
  const [, name, nth] = /^(\w+)#([1-5])$/.exec(text) ?? []
  if (name !== undefined) {
    const target = parseValue(name, text, DAY_OF_WEEK)
    return ({ day, weekday }) => weekday === target && Math.ceil(day / 7) === Number(nth)
  }
  const weekdays = new Set(parseValues(text, DAY_OF_WEEK))
  return ({ weekday }) => weekdays.has(weekday)
}

function invalid(text: string, { name, min, max, names }: Field): Error {
  const words = names ? ` or ${names[0] ?? ''}-${names.at(-1) ?? ''}` : ''
  return new Error(`cron has the ${name} "${text}"; expected ${min}-${max}${words}`)
}
