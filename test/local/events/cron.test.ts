import { describe, expect, it } from 'vitest'
import { parseRuleExpression, parseSchedulerExpression } from '../../../local/events/schedule-expression.ts'

/** The next `count` moments after `from`, in UTC without milliseconds. */
function moments(
  expression: { next(after: number, origin: number): number | undefined },
  from: string,
  count: number,
) {
  const found: string[] = []
  let after = Date.parse(from)
  const origin = after
  for (let i = 0; i < count; i += 1) {
    const next = expression.next(after, origin)
    if (next === undefined) break
    found.push(new Date(next).toISOString().slice(0, 16))
    after = next
  }
  return found
}

// 23 November 2026 is a Monday.
const MONDAY = '2026-11-23T09:00:00Z'

describe('cron in UTC', () => {
  it.each([
    ['0 10 * * ? *', ['2026-11-23T10:00', '2026-11-24T10:00']],
    ['15 12 * * ? *', ['2026-11-23T12:15', '2026-11-24T12:15']],
    ['0 9 * * ? *', ['2026-11-24T09:00', '2026-11-25T09:00']],
    [
      '0 18 ? * MON-FRI *',
      [
        '2026-11-23T18:00',
        '2026-11-24T18:00',
        '2026-11-25T18:00',
        '2026-11-26T18:00',
        '2026-11-27T18:00',
        '2026-11-30T18:00',
      ],
    ],
    ['0 8 1 * ? *', ['2026-12-01T08:00', '2027-01-01T08:00']],
    ['0/15 * * * ? *', ['2026-11-23T09:15', '2026-11-23T09:30', '2026-11-23T09:45', '2026-11-23T10:00']],
    ['0/10 * ? * mon-fri *', ['2026-11-23T09:10', '2026-11-23T09:20']],
    ['5 8-17/3 ? * 2 *', ['2026-11-23T11:05', '2026-11-23T14:05', '2026-11-23T17:05', '2026-11-30T08:05']],
    ['0 0 ? JAN,MAR 1 *', ['2027-01-03T00:00', '2027-01-10T00:00']],
    ['59 23 31 12 ? 2026-2028/2', ['2026-12-31T23:59', '2028-12-31T23:59']],
    ['0 0 L * ? *', ['2026-11-30T00:00', '2026-12-31T00:00', '2027-01-31T00:00', '2027-02-28T00:00']],
    ['0 0 29 2 ? *', ['2028-02-29T00:00', '2032-02-29T00:00']],
    ['0 0 ? * L *', ['2026-11-28T00:00', '2026-12-05T00:00']],
    ['0 0 ? * 6L *', ['2026-11-27T00:00', '2026-12-25T00:00', '2027-01-29T00:00']],
    ['0 0 ? * MONL *', ['2026-11-30T00:00', '2026-12-28T00:00']],
    ['0 0 ? * 2#1 *', ['2026-12-07T00:00', '2027-01-04T00:00']],
    ['0 0 ? * MON#5 *', ['2026-11-30T00:00', '2027-03-29T00:00']],
    // In 2027, 1 and 15 August and 31 January are Sundays, 1 and 15 May Saturdays.
    ['0 0 1W 8 ? 2027', ['2027-08-02T00:00']],
    ['0 0 15W 8 ? 2027', ['2027-08-16T00:00']],
    ['0 0 15W 5 ? 2027', ['2027-05-14T00:00']],
    ['0 0 1W 5 ? 2027', ['2027-05-03T00:00']],
    ['0 0 31W 1 ? 2027', ['2027-01-29T00:00']],
    ['0 0 31W 2 ? *', []],
    [
      '0 0 ? * FRI-MON *',
      ['2026-11-27T00:00', '2026-11-28T00:00', '2026-11-29T00:00', '2026-11-30T00:00', '2026-12-04T00:00'],
    ],
    ['0 22-1 ? * MON *', ['2026-11-23T22:00', '2026-11-23T23:00', '2026-11-30T00:00', '2026-11-30T01:00']],
    ['0 0 30 2 ? *', []],
    ['0 0 1 1 ? 2020', []],
    ['0 0 1 1 ? 2199', ['2199-01-01T00:00']],
  ])('cron(%s) is due at %j', (fields, expected) => {
    expect(moments(parseRuleExpression(`cron(${fields})`), MONDAY, Math.max(expected.length, 1))).toEqual(
      expected,
    )
  })
})

describe('cron and at in a time zone', () => {
  it.each([
    ['cron(30 9 * * ? *)', 'Europe/Berlin', '2026-11-23T09:00:00Z', ['2026-11-24T08:30']],
    ['cron(30 9 * * ? *)', 'Asia/Kolkata', '2026-11-23T00:00:00Z', ['2026-11-23T04:00']],
    ['cron(0 0 * * ? *)', 'Pacific/Auckland', '2026-11-23T09:00:00Z', ['2026-11-23T11:00']],
    // Berlin skips 02:00-03:00 on 28 March 2027 and has it twice on 31 October 2027.
    ['cron(30 2 * * ? *)', 'Europe/Berlin', '2027-03-27T00:00:00Z', ['2027-03-27T01:30', '2027-03-29T00:30']],
    ['cron(30 2 * * ? *)', 'Europe/Berlin', '2027-10-30T12:00:00Z', ['2027-10-31T00:30', '2027-11-01T01:30']],
    ['cron(0 2 * * ? *)', 'Europe/Berlin', '2027-10-31T00:30:00Z', ['2027-11-01T01:00']],
    ['at(2026-11-23T10:30:15)', 'Europe/Berlin', '2026-11-23T09:00:00Z', ['2026-11-23T09:30']],
    ['at(2026-11-23T10:00:00)', 'Europe/Berlin', '2026-11-23T09:00:00Z', []],
    ['at(2027-03-28T02:30:00)', 'Europe/Berlin', '2026-11-23T09:00:00Z', []],
  ])('%s in %s after %s is due at %j', (expression, zone, from, expected) => {
    expect(moments(parseSchedulerExpression(expression, zone), from, Math.max(expected.length, 1))).toEqual(
      expected,
    )
  })
})

describe('rate', () => {
  it.each([
    ['rate(1 minute)', ['2026-11-23T09:01', '2026-11-23T09:02']],
    ['rate(5 minutes)', ['2026-11-23T09:05', '2026-11-23T09:10']],
    ['rate(1 hour)', ['2026-11-23T10:00']],
    ['rate(2 days)', ['2026-11-25T09:00']],
  ])('%s is due at %j', (expression, expected) => {
    expect(moments(parseRuleExpression(expression), MONDAY, expected.length)).toEqual(expected)
  })
})

describe('a bad expression', () => {
  it.each([
    ['', 'invalid schedule expression ""; expected rate(…), cron(…)'],
    ['5 minutes', 'invalid schedule expression'],
    ['every(5 minutes)', 'invalid schedule expression'],
    [' rate(10 minutes)', 'invalid schedule expression'],
    ['at(2026-11-23T09:00:00)', 'expected rate(…), cron(…)'],
    ['rate()', 'rate()'],
    ['rate( 10 minutes )', 'rate( 10 minutes )'],
    ['rate(0 minutes)', 'rate(0 minutes)'],
    ['rate(-10 minutes)', 'rate(-10 minutes)'],
    ['rate(1.5 hours)', 'rate(1.5 hours)'],
    ['rate(1 minutes)', 'in the plural above 1'],
    ['rate(5 minute)', 'in the plural above 1'],
    ['rate(10 seconds)', 'rate(10 seconds)'],
    ['rate(10 minutess)', 'rate(10 minutess)'],
    ['rate(2 toStrings)', 'rate(2 toStrings)'],
    ['cron()', 'cron has 0 fields; expected 6'],
    ['cron(* * * * *)', 'cron has 5 fields; expected 6'],
    ['cron(0 1 * * * *)', 'expected ? in exactly one of them'],
    ['cron(0 1 ? * ? *)', 'expected ? in exactly one of them'],
    ['cron(60 8 1 * ? *)', 'the minutes "60"; expected 0-59'],
    ['cron(0 24 1 * ? *)', 'the hours "24"; expected 0-23'],
    ['cron(0 0 0 * ? *)', 'the day-of-month "0"; expected 1-31'],
    ['cron(0 0 32W * ? *)', 'the day-of-month "32W"'],
    ['cron(0 0 1 13 ? *)', 'the month "13"; expected 1-12 or JAN-DEC'],
    ['cron(0 0 1 FOO ? *)', 'the month "FOO"'],
    ['cron(0 0 ? * 8 *)', 'the day-of-week "8"; expected 1-7 or SUN-SAT'],
    ['cron(0 0 ? * MON#6 *)', 'the day-of-week "MON#6"'],
    ['cron(0 0 ? * 0L *)', 'the day-of-week "0L"'],
    ['cron(0 0 1 1 ? 1969)', 'the year "1969"; expected 1970-2199'],
    ['cron(0/0 0 1 1 ? *)', 'the minutes "0/0"'],
    ['cron(1-2-3 0 1 1 ? *)', 'the minutes "1-2-3"'],
    ['cron(1, 0 1 1 ? *)', 'the minutes "1,"'],
    ['cron(/5 0 1 1 ? *)', 'the minutes "/5"'],
    ['cron(1.5 0 1 1 ? *)', 'the minutes "1.5"'],
  ])('%s is refused in words', (expression, message) => {
    expect(() => parseRuleExpression(expression)).toThrow(message)
  })

  it.each([
    ['at(2026-11-23)', 'UTC', 'at(2026-11-23)'],
    ['at(2026-11-23T09:00:00Z)', 'UTC', 'expected a time such as'],
    ['at(2026-02-30T09:00:00)', 'UTC', 'at(2026-02-30T09:00:00)'],
    ['at(2026-99-01T09:00:00)', 'UTC', 'at(2026-99-01T09:00:00)'],
    ['rate(5 minutes)', 'Mars/Olympus', 'unknown time zone "Mars/Olympus"'],
  ])('%s in %s is refused in words', (expression, zone, message) => {
    expect(() => parseSchedulerExpression(expression, zone)).toThrow(message)
  })
})
