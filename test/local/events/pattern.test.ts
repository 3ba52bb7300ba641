import { describe, expect, it } from 'vitest'
import { parseJsonKeepingNumbers } from '../../../local/events/json-number.ts'
import { EventPatternError, compilePattern } from '../../../local/events/pattern.ts'

/** `["state", [matchers], values that fit, values that do not]`; undefined: the field is not there. */
const CASES: readonly (readonly [string, unknown[], unknown[], unknown[]])[] = [
  ['an exact text', ['paid'], ['paid'], ['PAID', 'paid ', '', null, undefined]],
  ['any of a list', ['a', 'b'], ['a', 'b'], ['c']],
  ['the empty text', [''], [''], [null, 'x', undefined]],
  ['null', [null], [null], ['', 'null', undefined]],
  ['true', [true], [true], ['true', false, 1]],
  ['an exact number', [300], [300], ['300', 301]],
  ['prefix', [{ prefix: 'ab' }], ['ab', 'abc'], ['Abc', 'xab', 12, undefined]],
  ['prefix ignoring case', [{ prefix: { 'equals-ignore-case': 'aB' } }], ['ABc', 'abc'], ['bab']],
  ['suffix', [{ suffix: '.png' }], ['x.png'], ['x.PNG', 'png', undefined]],
  ['suffix ignoring case', [{ suffix: { 'equals-ignore-case': '.png' } }], ['x.PNG'], ['x.jpg']],
  ['equals-ignore-case', [{ 'equals-ignore-case': 'Alice' }], ['ALICE', 'alice'], ['alic', undefined]],
  ['anything-but a text', [{ 'anything-but': 'a' }], ['b', '', 5, null], ['a', undefined]],
  ['anything-but a list', [{ 'anything-but': ['a', 'b'] }], ['c', 5], ['a', 'b', undefined]],
  ['anything-but numbers', [{ 'anything-but': [1, 2] }], [3, '1'], [1, 2]],
  ['anything-but a prefix', [{ 'anything-but': { prefix: 'in' } }], ['out'], ['init', undefined]],
  ['anything-but prefixes', [{ 'anything-but': { prefix: ['a', 'b'] } }], ['c'], ['ax', 'bx']],
  ['anything-but a suffix', [{ 'anything-but': { suffix: 'in' } }], ['out'], ['fin']],
  [
    'anything-but ignoring case',
    [{ 'anything-but': { 'equals-ignore-case': ['a', 'b'] } }],
    ['c'],
    ['A', 'b'],
  ],
  ['anything-but a wildcard', [{ 'anything-but': { wildcard: '*/lib/*' } }], ['a/x'], ['a/lib/b']],
  ['exists', [{ exists: true }], ['x', null, '', 0, [1], []], [undefined, { S: 'x' }]],
  ['exists not', [{ exists: false }], [undefined, { S: 'x' }], ['x', null, '']],
  ['a number range', [{ numeric: ['>', 0, '<=', 5] }], [1, 5, 4.5], [0, 5.1, '3', undefined]],
  ['a number', [{ numeric: ['=', 300] }], [300, 3e2], [301, '300']],
  ['a wildcard', [{ wildcard: 'a*c/*' }], ['abc/', 'ac/x', 'a/c/d'], ['abd/', 'xabc/']],
  ['an escaped wildcard', [{ wildcard: 'a\\*b\\\\' }], ['a*b\\'], ['axb\\']],
  ['a wildcard beside signs of regular expressions', [{ wildcard: 'a.b(*' }], ['a.b(c'], ['axb(c']],
  ['an IPv4 block', [{ cidr: '10.0.0.0/24' }], ['10.0.0.255'], ['10.0.1.0', 'text', undefined]],
  ['an IPv6 block', [{ cidr: '2001:db8::/32' }], ['2001:db8::1'], ['2001:db9::1', '10.0.0.1']],
  ['one item of an array', ['a'], [['x', 'a'], [['a']]], [['x'], []]],
  ['any one matcher', ['x', { prefix: 'a' }, { exists: false }], ['x', 'ab', undefined], ['b']],
]

describe('an event pattern', () => {
  it.each(CASES)('matches %s', (_name, matchers, fitting, others) => {
    const fits = compilePattern({ detail: { state: matchers } })
    const event = (value: unknown) => ({ detail: value === undefined ? {} : { state: value } })
    expect(fitting.filter((value) => !fits(event(value)))).toEqual([])
    expect(others.filter((value) => fits(event(value)))).toEqual([])
  })

  it('needs all of its fields', () => {
    const fits = compilePattern({ source: ['shop'], detail: { state: ['paid'] } })
    expect(fits({ source: 'shop', detail: { state: 'paid' } })).toBe(true)
    expect(fits({ source: 'shop', detail: { state: 'open' } })).toBe(false)
    expect(fits({ source: 'shop' })).toBe(false)
    expect(fits({ source: 'shop', detail: 'paid' })).toBe(false)
  })

  it('takes any alternative of $or, beside the other fields', () => {
    const fits = compilePattern({
      source: ['shop'],
      $or: [{ state: ['paid'] }, { detail: { price: [{ numeric: ['>', 9] }] } }],
    })
    expect(fits({ source: 'shop', state: 'paid' })).toBe(true)
    expect(fits({ source: 'shop', detail: { price: 10 } })).toBe(true)
    expect(fits({ source: 'shop', detail: { price: 9 } })).toBe(false)
    expect(fits({ source: 'x', state: 'paid' })).toBe(false)
  })

  it('takes $or before fewer than two objects for a field of that name', () => {
    expect(compilePattern({ $or: ['x'] })({ $or: 'x' })).toBe(true)
  })

  it('looks for all fields of a nested pattern in the same item of an array', () => {
    const fits = compilePattern({ items: { id: ['a'], state: ['paid'] } })
    expect(
      fits({
        items: [
          { id: 'a', state: 'paid' },
          { id: 'b', state: 'open' },
        ],
      }),
    ).toBe(true)
    expect(
      fits({
        items: [
          { id: 'a', state: 'open' },
          { id: 'b', state: 'paid' },
        ],
      }),
    ).toBe(false)
  })

  it('finds absent what has an absent parent', () => {
    expect(compilePattern({ detail: { state: [{ exists: false }] } })({})).toBe(true)
  })

  it('compares numbers by their written form', () => {
    const fits = compilePattern(parseJsonKeepingNumbers('{"price":[300.0]}'))
    expect(fits(parseJsonKeepingNumbers('{"price":300.0}'))).toBe(true)
    expect(fits(parseJsonKeepingNumbers('{"price":300}'))).toBe(false)
    expect(compilePattern({ price: [300] })(parseJsonKeepingNumbers('{"price":300}'))).toBe(true)
    expect(
      compilePattern({ price: [{ numeric: ['=', 300] }] })(parseJsonKeepingNumbers('{"price":3.0e2}')),
    ).toBe(true)
  })

  it('leaves digits in texts and keys alone when it keeps numbers', () => {
    expect(parseJsonKeepingNumbers('{"a1":"2 \\" 3","b":[true,null]}')).toEqual({
      a1: '2 " 3',
      b: [true, null],
    })
    expect(() => parseJsonKeepingNumbers('{"a":1.2.3}')).toThrow(SyntaxError)
  })

  it.each([
    [null, 'Filter is not an object'],
    [[], 'Filter is not an object'],
    [{ a: 'x' }, '"a" must be an object or an array'],
    [{ a: [] }, 'Empty arrays are not allowed'],
    [{ a: {} }, 'Empty objects are not allowed'],
    [{ a: [{ like: 'x' }] }, 'Unrecognized match type like'],
    [{ a: [{ prefix: 5 }] }, 'prefix match pattern must be a string'],
    [{ a: [{ exists: 'yes' }] }, 'exists match pattern must be either true or false.'],
    [{ a: [{ prefix: 'a', suffix: 'b' }] }, 'Only one key allowed'],
    [{ a: [{ numeric: ['>', '5'] }] }, 'Bad numeric range'],
    [{ a: [{ numeric: ['~', 5] }] }, 'Bad numeric range'],
    [{ a: [{ numeric: [5] }] }, 'Value of numeric must be'],
    [{ a: [{ 'anything-but': ['a', 1] }] }, 'either all values are number or string'],
    [{ a: [{ 'anything-but': { numeric: ['>', 1] } }] }, 'Unsupported anything-but pattern: numeric'],
    [{ a: [{ wildcard: 'a**b' }] }, 'Consecutive wildcard characters'],
    [{ a: [{ cidr: '10.0.0.0/33' }] }, 'Malformed CIDR'],
    [{ a: [['x']] }, 'can not be an array'],
  ])('refuses %j', (pattern, reason) => {
    const compile = () => compilePattern(pattern)
    expect(compile).toThrow(EventPatternError)
    expect(compile).toThrow(reason)
  })
})
