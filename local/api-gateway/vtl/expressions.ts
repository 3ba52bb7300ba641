import type { Expression, Node, Operator, Reference, Step } from './nodes.ts'
import { Scanner } from './scanner.ts'

/** Parses the body of text in double quotes, from one offset of the source to another. */
export type ParseBody = (scanner: Scanner) => readonly Node[]

/** Loosest first; each level's operators associate to the left. */
const LEVELS: readonly (readonly [RegExp, Readonly<Record<string, Operator>>])[] = [
  [/\|\||or\b/y, { '||': '||', or: '||' }],
  [/&&|and\b/y, { '&&': '&&', and: '&&' }],
  [/==|!=|eq\b|ne\b/y, { '==': '==', '!=': '!=', eq: '==', ne: '!=' }],
  [
    /<=|>=|<|>|lt\b|gt\b|le\b|ge\b/y,
    { '<': '<', '>': '>', '<=': '<=', '>=': '>=', lt: '<', gt: '>', le: '<=', ge: '>=' },
  ],
  [/[+-]/y, { '+': '+', '-': '-' }],
  [/[*/%]/y, { '*': '*', '/': '/', '%': '%' }],
]

const IDENTIFIER = /[A-Za-z_][A-Za-z0-9_-]*/y
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORDS = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
])

/** What stands between the parentheses of `#set`, `#if` and method calls. */
export function parseExpression(scanner: Scanner, parseBody: ParseBody, level = 0): Expression {
  const [pattern, operators] = LEVELS[level] ?? []
  if (!pattern || !operators) return parseUnary(scanner, parseBody)
  let left = parseExpression(scanner, parseBody, level + 1)
  for (;;) {
    scanner.skipSpace()
    const operator = operators[scanner.take(pattern)?.[0] ?? '']
    if (operator === undefined) return left
    left = { type: 'binary', operator, left, right: parseExpression(scanner, parseBody, level + 1) }
  }
}

function parseUnary(scanner: Scanner, parseBody: ParseBody): Expression {
  scanner.skipSpace()
  if (scanner.take(/!|not\b/y)) return { type: 'not', of: parseUnary(scanner, parseBody) }
  if (scanner.look(/-\s*[$(]/y)) {
    scanner.takes('-')
    return { type: 'minus', of: parseUnary(scanner, parseBody) }
  }
  return parsePrimary(scanner, parseBody)
}

function parsePrimary(scanner: Scanner, parseBody: ParseBody): Expression {
  const number = scanner.take(NUMBER)
  if (number) return { type: 'literal', value: Number(number[0]) }
  switch (scanner.next) {
    case '$': {
      const reference = parseReference(scanner, parseBody)
      if (!reference) return scanner.fail('expected a name after "$"')
      return reference
    }
    case '"':
      return parseDoubleQuoted(scanner, parseBody)
    case "'":
      scanner.offset += 1
      return { type: 'literal', value: parseQuoted(scanner, "'") }
    case '[':
      return parseList(scanner, parseBody)
    case '{':
      return parseMap(scanner, parseBody)
    case '(': {
      scanner.offset += 1
      const inner = parseExpression(scanner, parseBody)
      scanner.expect(')', 'to close the parenthesis')
      return inner
    }
    default: {
      const value = WORDS.get(scanner.look(IDENTIFIER)?.[0] ?? '')
      if (value === undefined) return scanner.fail(`expected a value, found ${scanner.found()}`)
      scanner.take(IDENTIFIER)
      return { type: 'literal', value }
    }
  }
}

/** In single quotes text is as it stands. A quote is written twice; a backslash is a character like any other. */
function parseQuoted(scanner: Scanner, quote: string): string {
  const start = scanner.offset - 1
  let text = ''
  for (;;) {
    const end = scanner.source.indexOf(quote, scanner.offset)
    if (end === -1) scanner.fail(`text in ${quote} is not closed`, start)
    text += scanner.source.slice(scanner.offset, end)
    scanner.offset = end + 1
    if (!scanner.takes(quote)) return unicode(text)
    text += quote
  }
}

/** `\u00e9`, the one escape there is. */
const unicode = (text: string) =>
  text.replace(/\\u([0-9A-Fa-f]{4})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)))

function parseDoubleQuoted(scanner: Scanner, parseBody: ParseBody): Expression {
  const start = ++scanner.offset
  const value = parseQuoted(scanner, '"')
  const end = scanner.offset - 1
  if (!/[$#]/.test(value)) return { type: 'literal', value }
  const raw = scanner.source.slice(start, end)
  // Parsed in place, so that an error in it names its own line; only a doubled quote needs a source of its own.
  const inner = raw === value ? new Scanner(scanner.source, start, end) : new Scanner(value)
  return { type: 'interpolated', body: parseBody(inner) }
}

function parseList(scanner: Scanner, parseBody: ParseBody): Expression {
  scanner.offset += 1
  const items: Expression[] = []
  scanner.skipSpace()
  if (scanner.takes(']')) return { type: 'list', items }
  const first = parseExpression(scanner, parseBody)
  scanner.skipSpace()
  if (scanner.takes('..')) {
    const to = parseExpression(scanner, parseBody)
    scanner.expect(']', 'to close the range')
    return { type: 'range', from: first, to }
  }
  items.push(first)
  while (separated(scanner, ']', 'in the list')) items.push(parseExpression(scanner, parseBody))
  return { type: 'list', items }
}

function parseMap(scanner: Scanner, parseBody: ParseBody): Expression {
  scanner.offset += 1
  const entries: [Expression, Expression][] = []
  scanner.skipSpace()
  if (scanner.takes('}')) return { type: 'map', entries }
  do {
    scanner.skipSpace()
    const word = scanner.take(IDENTIFIER)
    const key: Expression = word ? { type: 'literal', value: word[0] } : parseExpression(scanner, parseBody)
    scanner.expect(':', 'after the key')
    entries.push([key, parseExpression(scanner, parseBody)])
  } while (separated(scanner, '}', 'in the map'))
  return { type: 'map', entries }
}

/** @returns true at a comma, false at `end`; both are consumed */
function separated(scanner: Scanner, end: string, where: string): boolean {
  scanner.skipSpace()
  if (scanner.takes(',')) return true
  if (scanner.takes(end)) return false
  return scanner.fail(`expected "," or "${end}" ${where}, found ${scanner.found()}`)
}

/** `$a.b`, `$!a`, `${a.b}`, `$!{a[0].c("d")}`; undefined, with nothing consumed, for a `$` that is only text. */
export function parseReference(scanner: Scanner, parseBody: ParseBody): Reference | undefined {
  const start = scanner.look(/\$!?(\{?)([A-Za-z_][A-Za-z0-9_-]*)/y)
  const [whole = '', brace = '', root = ''] = start ?? []
  if (!start) return undefined
  const offset = scanner.offset
  scanner.offset += whole.length
  const path: Step[] = []
  for (;;) {
    const property = scanner.take(/\.([A-Za-z_][A-Za-z0-9_-]*)/y)
    if (property) {
      const name = property[1] ?? ''
      path.push(scanner.takes('(') ? { type: 'method', name, args: parseArgs() } : { type: 'property', name })
      continue
    }
    // Text may go on with a bracket after a reference: without a matching one it is text.
    if (!scanner.look(/\[[^\]]*\]/y)) break
    scanner.takes('[')
    path.push({ type: 'index', index: parseExpression(scanner, parseBody) })
    scanner.expect(']', 'to close the index')
  }
  if (brace !== '' && !scanner.takes('}'))
    scanner.fail(`expected "}" to close the reference, found ${scanner.found()}`)
  return { type: 'reference', root, path, offset }

  function parseArgs(): Expression[] {
    const args: Expression[] = []
    scanner.skipSpace()
    if (scanner.takes(')')) return args
    do args.push(parseExpression(scanner, parseBody))
    while (separated(scanner, ')', 'between the arguments'))
    return args
  }
}
