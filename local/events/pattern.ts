import { BlockList, isIP } from 'node:net'
import { JsonNumber } from './json-number.ts'

/** A pattern that EventBridge would refuse. */
export class EventPatternError extends Error {
  override readonly name = 'InvalidEventPatternException'
}

/** Whether an event fits. Numbers compare as they are written when the event was read by `parseJsonKeepingNumbers`. */
export type Matcher = (event: unknown) => boolean

type Leaf = string | number | boolean | null | JsonNumber
type LeafTest = (leaf: Leaf) => boolean

/**
 * Compiles an event pattern, the language of EventBridge rules and of the filters of event source mappings:
 *
 * ```json
 * {"source":["shop"],"detail":{"state":["paid",{"prefix":"ship"}],"price":[{"numeric":[">",0,"<=",99]}]}}
 * ```
 *
 * All fields must fit, of a field's list any one. Arrays in the event fit when one of their items does; all fields of a nested
 * pattern are looked for in the same item.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 * @throws EventPatternError
 */
export function compilePattern(pattern: unknown): Matcher {
  if (!isObject(pattern)) throw new EventPatternError('Filter is not an object')
  return compileObject(pattern)
}

function compileObject(pattern: Readonly<Record<string, unknown>>): Matcher {
  const fields = Object.entries(pattern).map(([name, value]): Matcher => {
    if (name === '$or' && isAlternatives(value)) {
      const alternatives = value.map(compileObject)
      return (event) => alternatives.some((fits) => fits(event))
    }
    const fits = compileField(name, value)
    return (event) => fits(isObject(event) && Object.hasOwn(event, name) ? event[name] : undefined)
  })
  const fitsAll: Matcher = (event) =>
    Array.isArray(event) && event.length > 0
      ? event.some((item) => fitsAll(item))
      : fields.every((fits) => fits(event))
  return fitsAll
}

function compileField(name: string, value: unknown): Matcher {
  if (Array.isArray(value)) {
    if (value.length === 0) throw new EventPatternError('Empty arrays are not allowed')
    const tests = value.map((item) => compileTest(name, item))
    return (field) => tests.some((fits) => fits(field))
  }
  if (!isObject(value)) throw new EventPatternError(`"${name}" must be an object or an array`)
  if (Object.keys(value).length === 0) throw new EventPatternError('Empty objects are not allowed')
  return compileObject(value)
}

/** `$or` is an operator only before two or more objects; else it is a field of that name. */
const isAlternatives = (value: unknown): value is Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) && value.length > 1 && value.every(isObject)

function compileTest(name: string, item: unknown): Matcher {
  if (isObject(item)) {
    const [[operator, argument] = ['', undefined], ...more] = Object.entries(item)
    if (more.length > 0) throw new EventPatternError('Only one key allowed in match expression')
    if (operator === 'exists') {
      if (typeof argument !== 'boolean')
        throw new EventPatternError('exists match pattern must be either true or false.')
      return (field) => isLeaf(field) === argument
    }
    return onLeaves(compileOperator(operator, argument))
  }
  if (Array.isArray(item)) throw new EventPatternError(`Match value of "${name}" can not be an array`)
  return onLeaves(equalTo(item))
}

/**
 * A leaf is what holds no further fields: `exists` finds nothing else, so that it never sees a DynamoDB attribute without
 * its type letter.
 */
const isLeaf = (field: unknown) => field !== undefined && !isObject(field)

const onLeaves =
  (fits: LeafTest): Matcher =>
  (field) =>
    leavesOf(field).some(fits)

function leavesOf(field: unknown): Leaf[] {
  if (Array.isArray(field)) return field.flatMap(leavesOf)
  return isLeaf(field) ? [field as Leaf] : []
}

const equalTo = (expected: unknown): LeafTest => {
  const number = numberText(expected)
  if (number !== undefined) return (leaf) => numberText(leaf) === number
  return (leaf) => leaf === expected
}

/** As it is written: 300 is not 300.0. */
function numberText(value: unknown): string | undefined {
  if (value instanceof JsonNumber) return value.text
  return typeof value === 'number' ? String(value) : undefined
}

const onText =
  (fits: (text: string) => boolean): LeafTest =>
  (leaf) =>
    typeof leaf === 'string' && fits(leaf)

function compileOperator(operator: string, argument: unknown): LeafTest {
  switch (operator) {
    case 'prefix':
      return affix(operator, argument, (text, start) => text.startsWith(start))
    case 'suffix':
      return affix(operator, argument, (text, end) => text.endsWith(end))
    case 'equals-ignore-case': {
      const expected = textOf(operator, argument).toLowerCase()
      return onText((text) => text.toLowerCase() === expected)
    }
    case 'wildcard': {
      const expression = wildcard(textOf(operator, argument))
      return onText((text) => expression.test(text))
    }
    case 'anything-but':
      return anythingBut(argument)
    case 'numeric':
      return numeric(argument)
    case 'cidr':
      return cidr(textOf(operator, argument))
    default:
      throw new EventPatternError(`Unrecognized match type ${operator}`)
  }
}

function textOf(operator: string, argument: unknown): string {
  if (typeof argument === 'string' && argument !== '') return argument
  throw new EventPatternError(`${operator} match pattern must be a string`)
}

/** Text, or `{"equals-ignore-case": text}`. */
function affix(operator: string, argument: unknown, fits: (text: string, part: string) => boolean): LeafTest {
  if (isObject(argument) && Object.keys(argument).join() === 'equals-ignore-case') {
    const part = textOf('equals-ignore-case', argument['equals-ignore-case']).toLowerCase()
    return onText((text) => fits(text.toLowerCase(), part))
  }
  const part = textOf(operator, argument)
  return onText((text) => fits(text, part))
}

/** `*` stands for any characters, `\*` and `\\` for themselves. */
function wildcard(pattern: string): RegExp {
  if (/(^|[^\\])(\\\\)*\*\*/.test(pattern))
    throw new EventPatternError('Consecutive wildcard characters are not allowed')
  const source = pattern.replace(/\\[\\*]|[\s\S]/g, (token) => {
    if (token === '*') return '[\\s\\S]*'
    return (token.length > 1 ? token.slice(1) : token).replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
  })
  return new RegExp(`^${source}$`)
}

/** A value, a list of them, or one of the text operators with a text or a list of texts. */
function anythingBut(argument: unknown): LeafTest {
  if (isObject(argument)) {
    const [[operator, excluded] = ['', undefined], ...more] = Object.entries(argument)
    if (more.length > 0 || !['prefix', 'suffix', 'equals-ignore-case', 'wildcard'].includes(operator))
      throw new EventPatternError(`Unsupported anything-but pattern: ${operator}`)
    return noneOf(listOf(excluded).map((text) => compileOperator(operator, text)))
  }
  const excluded = listOf(argument)
  const kinds = new Set(excluded.map((value) => (numberText(value) === undefined ? typeof value : 'number')))
  if (kinds.size !== 1 || !['string', 'number'].includes([...kinds].join()))
    throw new EventPatternError('Inside anything but list, either all values are number or string')
  return noneOf(excluded.map(equalTo))
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value])

const noneOf =
  (tests: readonly LeafTest[]): LeafTest =>
  (leaf) =>
    !tests.some((fits) => fits(leaf))

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

/** `[">", 0, "<=", 5]`: one comparison or a range. Numbers in text, as DynamoDB has them, never fit. */
function numeric(argument: unknown): LeafTest {
  const parts = Array.isArray(argument) ? (argument as unknown[]) : []
  if (parts.length !== 2 && parts.length !== 4)
    throw new EventPatternError('Value of numeric must be an array of one comparison or a range')
  const tests = [0, 2].slice(0, parts.length / 2).map((at) => {
    const compare = COMPARISONS[String(parts[at])]
    const bound = numberText(parts[at + 1])
    if (!compare || bound === undefined)
      throw new EventPatternError(`Bad numeric range: ${JSON.stringify(argument)}`)
    return (value: number) => compare(value, Number(bound))
  })
  return (leaf) => {
    const text = numberText(leaf)
    return text !== undefined && tests.every((fits) => fits(Number(text)))
  }
}

function cidr(block: string): LeafTest {
  const [address = '', prefix = ''] = block.split('/')
  const version = isIP(address)
  const bits = Number(prefix)
  if (version === 0 || !/^\d+$/.test(prefix) || bits > (version === 4 ? 32 : 128))
    throw new EventPatternError(`Malformed CIDR, "${block}"`)
  const addresses = new BlockList()
  addresses.addSubnet(address, bits, version === 4 ? 'ipv4' : 'ipv6')
  return onText((text) => isIP(text) === version && addresses.check(text, version === 4 ? 'ipv4' : 'ipv6'))
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)
