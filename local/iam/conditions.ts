import { BlockList, isIPv6 } from 'node:net'
import { compileArn, matchesArn } from './arn-pattern.ts'
import { matchesGlob } from './glob.ts'
import { type Ternary, every, not, some } from './ternary.ts'
import { type ContextValue, type Lookup, UNKNOWN, type Unknown, compileValue } from './variables.ts'

/** Whether a value of the request fits a value of the policy. */
type Test = (actual: string, lookup: Lookup) => Ternary
type Compiler = (expected: string, hasVariables: boolean) => Test

/** Whether a condition holds; unknown where its operator or its key is one that nobody here can judge. */
export type Condition = (lookup: Lookup) => Ternary

export interface ConditionOptions {
  /** False in policies of the version 2008-10-17. */
  readonly hasVariables: boolean
  /** Told what can't be judged, in words. */
  readonly onUnknown: (what: string) => void
}

/**
 * A statement's `Condition`: every operator and every key of it must hold.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export function compileConditions(block: unknown, options: ConditionOptions): Condition[] {
  return Object.entries((block ?? {}) as Readonly<Record<string, unknown>>).flatMap(([operator, keys]) =>
    Object.entries((keys ?? {}) as Readonly<Record<string, unknown>>).map(([key, expected]) =>
      compileCondition(operator, key, asTexts(expected), options),
    ),
  )
}

const OPERATOR = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/

function compileCondition(
  operator: string,
  key: string,
  expected: readonly string[],
  { hasVariables, onUnknown }: ConditionOptions,
): Condition {
  const [, set, name = '', ifExists] = OPERATOR.exec(operator) ?? []
  const wanted = key.toLowerCase()
  const know = (value: ContextValue): value is Exclude<ContextValue, Unknown> => {
    if (value === UNKNOWN) onUnknown(`the condition key "${key}"`)
    return value !== UNKNOWN
  }
  if (name === 'Null')
    return (lookup) => {
      const value = lookup(wanted)
      if (!know(value)) return UNKNOWN
      const isAbsent = value === undefined || value.length === 0
      return expected.some((text) => (text.toLowerCase() === 'true') === isAbsent)
    }
  const isNegated = NEGATED.has(name)
  const compile = OPERATORS[isNegated ? name.replace('Not', '') : name]
  if (!compile) {
    onUnknown(`the condition operator "${operator}"`)
    return () => UNKNOWN
  }
  const tests = expected.map((text) => compile(text, hasVariables))
  const fits = (actual: string, lookup: Lookup): Ternary => {
    const any = some(tests, (test) => test(actual, lookup))
    return isNegated ? not(any) : any
  }
  return (lookup) => {
    const value = lookup(wanted)
    if (!know(value)) return UNKNOWN
    const actual = typeof value === 'string' ? [value] : (value ?? [])
    if (actual.length === 0)
      return set === 'ForAllValues' || ifExists !== undefined || (isNegated && set === undefined)
    // Several values without a set operator: any that fits counts, and for a negated operator none may equal.
    const forAll = set === 'ForAllValues' || (set === undefined && isNegated)
    return (forAll ? every : some)(actual, (each) => fits(each, lookup))
  }
}

/** The condition of all of them together. */
export const holdTogether = (conditions: readonly Condition[], lookup: Lookup): Ternary =>
  every(conditions, (condition) => condition(lookup))

const text =
  (hasWildcards: boolean, same: (expected: string, actual: string) => boolean): Compiler =>
  (expected, hasVariables) => {
    const value = compileValue(expected, hasVariables, hasWildcards)
    return (actual, lookup) => {
      const filled = value(lookup)
      return filled === UNKNOWN ? UNKNOWN : filled !== undefined && same(filled, actual)
    }
  }

const number =
  (test: (actual: number, expected: number) => boolean, parse: (text: string) => number = Number): Compiler =>
  (expected) => {
    const wanted = parse(expected)
    return (actual) => test(parse(actual), wanted)
  }

/** ISO 8601, or seconds since 1970. */
const moment = (value: string) => (/^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value))
const date = (test: (actual: number, expected: number) => boolean) => number(test, moment)

const arn: Compiler = (expected, hasVariables) => {
  const pattern = compileArn(expected, hasVariables)
  return (actual, lookup) => matchesArn(pattern, actual, lookup)
}

const address: Compiler = (expected) => {
  const list = new BlockList()
  const [net = '', bits] = expected.split('/')
  const family = isIPv6(net) ? 'ipv6' : 'ipv4'
  if (bits === undefined) list.addAddress(net, family)
  else list.addSubnet(net, Number(bits), family)
  return (actual) => list.check(actual, isIPv6(actual) ? 'ipv6' : 'ipv4')
}

const same = (a: unknown, b: unknown) => a === b
const sameFolded = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()

const OPERATORS: Readonly<Record<string, Compiler>> = {
  StringEquals: text(false, same),
  StringEqualsIgnoreCase: text(false, sameFolded),
  StringLike: text(true, matchesGlob),
  BinaryEquals: text(false, same),
  Bool: text(false, sameFolded),
  NumericEquals: number(same),
  NumericLessThan: number((a, b) => a < b),
  NumericLessThanEquals: number((a, b) => a <= b),
  NumericGreaterThan: number((a, b) => a > b),
  NumericGreaterThanEquals: number((a, b) => a >= b),
  DateEquals: date(same),
  DateLessThan: date((a, b) => a < b),
  DateLessThanEquals: date((a, b) => a <= b),
  DateGreaterThan: date((a, b) => a > b),
  DateGreaterThanEquals: date((a, b) => a >= b),
  IpAddress: address,
  ArnEquals: arn,
  ArnLike: arn,
}

/** Each is its positive form's opposite, and holds where the key is absent. */
const NEGATED: ReadonlySet<string> = new Set([
  'StringNotEquals',
  'StringNotEqualsIgnoreCase',
  'StringNotLike',
  'NumericNotEquals',
  'DateNotEquals',
  'NotIpAddress',
  'ArnNotEquals',
  'ArnNotLike',
])

export function asTexts(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [value]
  return list.map((item) => (typeof item === 'string' ? item : JSON.stringify(item)))
}
