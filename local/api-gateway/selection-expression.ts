import { parseJsonPath, valueAt, type JsonPath } from './json-path.ts'

/** What the variables of an expression stand for while one message is served. */
export interface SelectionInput {
  /** The message as JSON; undefined when it is none. */
  readonly body: unknown
  /** `$context`: the event's request context. */
  readonly context: object
  readonly stageVariables: Readonly<Record<string, string>>
  /** The integration's response, once there is one. */
  readonly response?: {
    readonly statusCode: number
    readonly headers: Readonly<Record<string, string>>
  }
}

/**
 * The value of an expression for one message; undefined when nothing can match: the message is not JSON though the
 * expression asks for a part of it, or that part is an object.
 */
export type SelectionExpression = (input: SelectionInput) => string | undefined

type Term = (input: SelectionInput) => unknown

const MISSING_BODY = Symbol('the message is not JSON')
const TERM =
  /\\\$|\$\{([^}]*)\}|\$((?:request|route|integration|context|stageVariables)\.[\w.[\]'"*-]+)|[^\\$]+|[\\$]/g

/**
 * Compiles a route, model or template selection expression: `$request.body.action`, `${request.body.a.b}/${request.body.c[0]}`,
 * `${request.body.action}-beta`, static text, and `\$default` for a dollar sign that is none.
 *
 * A path that finds nothing counts as the empty string. The result is not evaluated again.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-selection-expressions.html
 * @throws Error naming a variable that is unknown or cannot be read
 */
export function parseSelectionExpression(expression: string): SelectionExpression {
  const terms: (string | Term)[] = []
  for (const [text, braced, bare] of expression.matchAll(TERM)) {
    const variable = braced ?? bare
    if (variable !== undefined) terms.push(parseVariable(variable.trim(), expression))
    else terms.push(text === '\\$' ? '$' : text)
  }
  const [only] = terms
  if (terms.length === 1 && typeof only === 'function') return (input) => stringify(only(input))
  return (input) => {
    let result = ''
    for (const term of terms) {
      const value = typeof term === 'string' ? term : stringify(term(input))
      if (value === undefined) return undefined
      result += value
    }
    return result
  }
}

function parseVariable(variable: string, expression: string): Term {
  const after = (prefix: string) => variable.slice(prefix.length)
  if (/^request\.body(?=[.[]|$)/.test(variable)) {
    const path = parseJsonPath(after('request.body'))
    return ({ body }) => (body === undefined ? MISSING_BODY : valueAt(body, path))
  }
  if (variable.startsWith('context.')) {
    const path = parseJsonPath(after('context'))
    return ({ context }) => valueAt(context, path)
  }
  if (variable.startsWith('stageVariables.')) {
    const path: JsonPath = [after('stageVariables.')]
    return ({ stageVariables }) => valueAt(stageVariables, path)
  }
  if (variable === 'integration.response.statuscode') return ({ response }) => response?.statusCode
  const header = /^integration\.response\.(?:multivalue)?header\.(.+)$/.exec(variable)?.[1]?.toLowerCase()
  if (header !== undefined) return ({ response }) => response && valueAt(response.headers, [header])
  throw new Error(
    `selection expression "${expression}" names "${variable}"; expected request.body, context, stageVariables, ` +
      'integration.response.statuscode or integration.response.header',
  )
}

/** Scalars as text, an array as `[item1, item2]`; undefined for what can match no key. */
function stringify(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'boolean':
      return String(value)
    case 'undefined':
      return ''
    case 'object': {
      if (value === null) return ''
      // AWS would print an object as Java prints a map, which no route key looks like.
      if (!Array.isArray(value)) return undefined
      const items = value.map(stringify)
      return items.includes(undefined) ? undefined : `[${items.join(', ')}]`
    }
    default:
      return undefined
  }
}
