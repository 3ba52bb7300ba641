import { parseExpression, parseReference } from './expressions.ts'
import type { Branch, Expression, Node } from './nodes.ts'
import { Scanner } from './scanner.ts'

/** Directives that API Gateway does not document for mapping templates. */
const REFUSED = new Set(['macro', 'parse', 'include', 'evaluate'])

/** After a directive, the rest of its line goes with it when nothing stands there. */
const LINE_REST = /[ \t]*(?:\r\n|\n|\r)/y

/** What ends a body: `#end` or, within `#if`, a further branch. */
const CLOSERS = new Set(['end', 'else', 'elseif'])

/**
 * Reads a template of the Velocity Template Language, by the grammar of Velocity 1.7:
 * https://velocity.apache.org/engine/1.7/vtl-reference.html
 * @throws TemplateError with the line and column
 */
export function parseTemplate(source: string): readonly Node[] {
  return parseWhole(new Scanner(source))
}

function parseWhole(scanner: Scanner): readonly Node[] {
  const { nodes, closer, offset } = parseNodes(scanner)
  if (closer !== undefined) scanner.fail(`"#${closer}" closes nothing`, offset)
  return nodes
}

interface Body {
  readonly nodes: readonly Node[]
  /** What ended it, consumed; undefined at the end of the template. */
  readonly closer: string | undefined
  readonly offset: number
}

function parseNodes(scanner: Scanner): Body {
  const nodes: Node[] = []
  let text = ''
  const flush = () => {
    if (text !== '') nodes.push({ type: 'text', text })
    text = ''
  }
  while (!scanner.isAtEnd) {
    const plain = scanner.take(/[^$#\\]+/y)
    if (plain) {
      text += plain[0]
      continue
    }
    // Half the backslashes before a reference or a directive are text; an odd one makes the rest text too.
    const slashes = scanner.take(/\\+(?=\$!?\{?[A-Za-z_]|#\{?[a-z])/y)?.[0].length ?? 0
    if (slashes === 0 && scanner.takes('\\')) {
      text += '\\'
      continue
    }
    text += '\\'.repeat(Math.floor(slashes / 2))
    if (slashes % 2 === 1) {
      text += scanner.next
      scanner.offset += 1
      continue
    }
    if (scanner.next === '$') {
      const reference = parseReference(scanner, parseWhole)
      if (reference) {
        flush()
        nodes.push({ type: 'reference', reference })
      } else {
        text += '$'
        scanner.offset += 1
      }
      continue
    }
    if (scanner.takes('##')) {
      scanner.take(/[^\r\n]*(?:\r\n|\n|\r)?/y)
      continue
    }
    if (scanner.takes('#*')) {
      scanner.upTo('*#', 'the comment')
      continue
    }
    if (scanner.takes('#[[')) {
      text += scanner.upTo(']]#', 'the unparsed text')
      continue
    }
    const offset = scanner.offset
    const name = scanner.take(/#(?:\{([a-z]+)\}|([a-z]+))/y)
    const directive = name?.[1] ?? name?.[2] ?? ''
    if (CLOSERS.has(directive)) {
      if (directive !== 'elseif') scanner.take(LINE_REST)
      flush()
      return { nodes, closer: directive, offset }
    }
    if (REFUSED.has(directive)) scanner.fail(`"#${directive}" is not supported`, offset)
    if (directive === 'set') text = text.replace(/[ \t]+$/, '') // the directive takes the space before it along
    const parse = DIRECTIVES[directive]
    if (!parse) {
      text += name?.[0] ?? '#'
      if (!name) scanner.offset += 1
      continue
    }
    flush()
    nodes.push(parse(scanner, offset))
  }
  flush()
  return { nodes, closer: undefined, offset: scanner.offset }
}

const DIRECTIVES: Readonly<Record<string, (scanner: Scanner, offset: number) => Node>> = {
  set: parseSet,
  if: parseIf,
  foreach: parseForeach,
  define: parseDefine,
  break: () => ({ type: 'break' }),
  stop: () => ({ type: 'stop' }),
}

function open(scanner: Scanner, directive: string): void {
  scanner.expect('(', `after #${directive}`)
  scanner.skipSpace()
}

function close(scanner: Scanner, directive: string): void {
  scanner.expect(')', `to close #${directive}`)
  scanner.take(LINE_REST)
}

function parseSet(scanner: Scanner): Node {
  open(scanner, 'set')
  const target = parseReference(scanner, parseWhole)
  if (!target) return scanner.fail('expected a reference after #set(, such as $name')
  scanner.expect('=', 'in #set')
  const value = parseExpression(scanner, parseWhole)
  close(scanner, 'set')
  return { type: 'set', target, value }
}

function parseIf(scanner: Scanner, offset: number): Node {
  const branches: Branch[] = []
  let condition: Expression = parseCondition('if')
  for (;;) {
    const { nodes: body, closer } = parseNodes(scanner)
    branches.push({ condition, body })
    if (closer === undefined) return scanner.fail('#if is not closed with #end', offset)
    if (closer === 'end') return { type: 'if', branches }
    condition = closer === 'elseif' ? parseCondition('elseif') : { type: 'literal', value: true }
  }

  function parseCondition(directive: string): Expression {
    open(scanner, directive)
    const expression = parseExpression(scanner, parseWhole)
    close(scanner, directive)
    return expression
  }
}

function parseForeach(scanner: Scanner, offset: number): Node {
  open(scanner, 'foreach')
  const variable = parseReference(scanner, parseWhole)
  if (!variable || variable.path.length > 0)
    return scanner.fail('expected a variable after #foreach(, such as $item')
  scanner.expect('in', 'in #foreach')
  const list = parseExpression(scanner, parseWhole)
  close(scanner, 'foreach')
  return {
    type: 'foreach',
    variable: variable.root,
    list,
    body: parseBlock(scanner, 'foreach', offset),
    offset,
  }
}

function parseDefine(scanner: Scanner, offset: number): Node {
  open(scanner, 'define')
  const variable = parseReference(scanner, parseWhole)
  if (!variable || variable.path.length > 0)
    return scanner.fail('expected a variable after #define(, such as $block')
  close(scanner, 'define')
  return { type: 'define', name: variable.root, body: parseBlock(scanner, 'define', offset) }
}

function parseBlock(scanner: Scanner, directive: string, offset: number): readonly Node[] {
  const { nodes, closer, offset: closedAt } = parseNodes(scanner)
  if (closer === undefined) scanner.fail(`#${directive} is not closed with #end`, offset)
  if (closer !== 'end') scanner.fail(`"#${closer}" stands in #${directive}; expected #end`, closedAt)
  return nodes
}
