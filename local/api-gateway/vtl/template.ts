import type { Expression, Foreach, Node, Operator, Reference, Step } from './nodes.ts'
import { parseTemplate } from './parser.ts'
import { methodOf, putOwn } from './methods.ts'
import { placeOf, TemplateError } from './template-error.ts'
import { type ArrayList, Bean, Block, isEqual, isMap, isTrue, listOf, toText, type VtlMap } from './values.ts'

/**
 * Turns of one `#foreach`; the loop ends there. Documented for REST APIs:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
 */
export const MAX_FOREACH_TURNS = 1000

/** Names that a template starts with: beans, maps, lists, text, numbers. */
export type Variables = Readonly<Record<string, unknown>>

/** A template of the Velocity Template Language, parsed once and rendered many times. */
export class Template {
  readonly #source: string
  readonly #nodes: readonly Node[]

  /** @throws TemplateError for one that can't be read */
  constructor(source: string) {
    this.#source = source
    this.#nodes = parseTemplate(source)
  }

  /**
   * @param warn told of what Velocity passes over in silence, such as a method that is not there
   * @throws TemplateError when a method fails
   */
  render(variables: Variables, warn: (problem: string) => void = () => undefined): string {
    return new Rendering(this.#source, variables, warn).run(this.#nodes)
  }
}

/** What ends a body early. */
type Signal = 'break' | 'stop' | undefined

/** One run of a template, with its variables. */
class Rendering {
  readonly #source: string
  readonly #variables: Map<string, unknown>
  readonly #warn: (problem: string) => void
  #output = ''

  constructor(source: string, variables: Variables, warn: (problem: string) => void) {
    this.#source = source
    this.#variables = new Map(Object.entries(variables))
    this.#warn = warn
  }

  run(nodes: readonly Node[]): string {
    this.#body(nodes)
    return this.#output
  }

  /** What a body gives, apart from the output. */
  #text(nodes: readonly Node[]): string {
    const before = this.#output
    this.#output = ''
    this.#body(nodes)
    const text = this.#output
    this.#output = before
    return text
  }

  #body(nodes: readonly Node[]): Signal {
    for (const node of nodes) {
      const signal = this.#node(node)
      if (signal !== undefined) return signal
    }
    return undefined
  }

  #node(node: Node): Signal {
    switch (node.type) {
      case 'text':
        this.#output += node.text
        return undefined
      case 'reference':
        this.#output += toText(this.#value(node.reference))
        return undefined
      case 'set':
        this.#set(node.target, this.#value(node.value))
        return undefined
      case 'if': {
        const branch = node.branches.find(({ condition }) => isTrue(this.#value(condition)))
        return branch && this.#body(branch.body)
      }
      case 'foreach':
        return this.#foreach(node)
      case 'define':
        this.#variables.set(node.name, new Block(() => this.#text(node.body)))
        return undefined
      case 'break':
      case 'stop':
        return node.type
    }
  }

  #foreach({ variable, list, body, offset }: Foreach): Signal {
    const of = this.#value(list)
    const items = Array.isArray(of) ? [...(of as unknown[])] : isMap(of) ? Object.values(of) : []
    const names = [variable, 'foreach', 'velocityCount']
    const outer = names.map((name) => [name, this.#variables.get(name)] as const)
    let signal: Signal
    if (items.length > MAX_FOREACH_TURNS)
      this.#warn(
        `${placeOf(this.#source, offset)}: #foreach over ${items.length} items ends after ${MAX_FOREACH_TURNS}`,
      )
    for (const [at, item] of items.slice(0, MAX_FOREACH_TURNS).entries()) {
      this.#variables.set(variable, item)
      this.#variables.set('velocityCount', at + 1)
      const [, parent] = outer[1] ?? []
      const state = { index: at, count: at + 1, hasNext: at + 1 < items.length, first: at === 0 }
      this.#variables.set('foreach', { ...state, last: !state.hasNext, ...(parent ? { parent } : {}) })
      signal = this.#body(body)
      if (signal !== undefined) break
    }
    for (const [name, value] of outer) this.#variables.set(name, value)
    return signal === 'stop' ? 'stop' : undefined
  }

  /** Nothing is set to nothing: the variable keeps what it had, as in Velocity 1.7. */
  #set({ root, path }: Reference, value: unknown): void {
    if (value === undefined || value === null) return
    const last = path.at(-1)
    if (!last) {
      this.#variables.set(root, value)
      return
    }
    let holder = this.#variables.get(root)
    for (const step of path.slice(0, -1)) holder = this.#step(holder, step, undefined)
    const key = last.type === 'index' ? this.#value(last.index) : last.name
    if (Array.isArray(holder) && typeof key === 'number') (holder as unknown[])[key] = value
    else if (isMap(holder)) putOwn(holder, toText(key), value)
  }

  #value(expression: Expression): unknown {
    switch (expression.type) {
      case 'literal':
        return expression.value
      case 'reference':
        return this.#reference(expression)
      case 'interpolated':
        return this.#text(expression.body)
      case 'list':
        return listOf(expression.items.map((item) => this.#value(item)))
      case 'range':
        return range(Number(this.#value(expression.from)), Number(this.#value(expression.to)))
      case 'map': {
        const map: VtlMap = {}
        for (const [key, value] of expression.entries)
          putOwn(map, toText(this.#value(key)), this.#value(value))
        return map
      }
      case 'not':
        return !isTrue(this.#value(expression.of))
      case 'minus': {
        const value = this.#value(expression.of)
        return typeof value === 'number' ? -value : undefined
      }
      case 'binary':
        return this.#binary(expression.operator, expression.left, expression.right)
    }
  }

  #binary(operator: Operator, leftOf: Expression, rightOf: Expression): unknown {
    const left = this.#value(leftOf)
    if (operator === '&&') return isTrue(left) && isTrue(this.#value(rightOf))
    if (operator === '||') return isTrue(left) || isTrue(this.#value(rightOf))
    const right = this.#value(rightOf)
    if (operator === '==') return isEqual(left, right)
    if (operator === '!=') return !isEqual(left, right)
    if (typeof left === 'number' && typeof right === 'number') return calculate(operator, left, right)
    const isText = typeof left === 'string' || typeof right === 'string'
    return operator === '+' && isText ? toText(left) + toText(right) : undefined
  }

  #reference(reference: Reference): unknown {
    let value = this.#variables.get(reference.root)
    for (const step of reference.path) {
      if (value === undefined || value === null) return undefined
      value = this.#step(value, step, reference)
    }
    return value
  }

  #step(base: unknown, step: Step, reference: Reference | undefined): unknown {
    switch (step.type) {
      case 'property':
        return propertyOf(base, step.name)
      case 'index': {
        const index = this.#value(step.index)
        return Array.isArray(base) ? (base as unknown[])[Number(index)] : propertyOf(base, toText(index))
      }
      case 'method':
        return this.#call(base, step, reference?.offset ?? 0)
    }
  }

  #call(base: unknown, step: Extract<Step, { type: 'method' }>, offset: number): unknown {
    const method =
      base instanceof Bean
        ? Object.hasOwn(base.methods, step.name)
          ? base.methods[step.name]
          : undefined
        : methodOf(base, step.name)
    const args = step.args.map((arg) => this.#value(arg))
    if (!method) {
      this.#warn(`${placeOf(this.#source, offset)}: ${kindOf(base)} has no method "${step.name}"`)
      return undefined
    }
    try {
      return method(...args)
    } catch (cause) {
      if (cause instanceof TemplateError) throw cause
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new TemplateError(`${step.name}() fails: ${why}`, this.#source, offset, { cause })
    }
  }
}

function propertyOf(base: unknown, name: string): unknown {
  if (base instanceof Bean)
    return Object.hasOwn(base.properties, name) ? base.properties[name]?.() : undefined
  return isMap(base) && Object.hasOwn(base, name) ? base[name] : undefined
}

const kindOf = (value: unknown) =>
  Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'a map' : `a ${typeof value}`

type Arithmetic = Exclude<Operator, '&&' | '||' | '==' | '!='>

/** Whole numbers divide to whole numbers, as Java's do; dividing by zero gives nothing. */
function calculate(operator: Arithmetic, left: number, right: number): number | boolean | undefined {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/': {
      if (right === 0) return undefined
      const isWhole = Number.isInteger(left) && Number.isInteger(right)
      return isWhole ? Math.trunc(left / right) : left / right
    }
    case '%':
      return right === 0 ? undefined : left % right
    case '<':
      return left < right
    case '>':
      return left > right
    case '<=':
      return left <= right
    case '>=':
      return left >= right
  }
}

function range(from: number, to: number): ArrayList {
  if (!Number.isInteger(from) || !Number.isInteger(to)) return listOf([])
  const step = from <= to ? 1 : -1
  const length = Math.min(Math.abs(to - from), MAX_FOREACH_TURNS) + 1
  return listOf(Array.from({ length }, (_, at) => from + at * step))
}
