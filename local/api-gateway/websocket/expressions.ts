import { compileJsonPath } from '../json-path.ts'
import type { Payload } from '../payload.ts'

/** What an expression can ask about; what is left out is empty text. */
export interface Sources {
  readonly request?: Payload
  /** Of the backend. Names of headers in lower case. */
  readonly response?: {
    readonly statusCode: number
    readonly payload: Payload
    readonly headers: Readonly<Record<string, readonly string[]>>
  }
  readonly context?: unknown
  readonly stageVariables?: Readonly<Record<string, string>>
}

type Part = (sources: Sources) => unknown

/** `${a.b}`, `$a.b` or, behind a backslash, a dollar sign that is only that. */
const VARIABLE = /\\\$|\$\{([^}]*)\}|\$([A-Za-z][\w-]*(?:\.[\w$-]+|\[[^\]]*\])*)/g

/**
 * A selection expression of a WebSocket API, read once:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-selection-expressions.html
 */
export class SelectionExpression {
  readonly text: string
  readonly #parts: readonly (string | Part)[]

  /**
   * @param text `$request.body.action`, `${request.body.service}/${request.body.action}`, `\$default` or static text
   * @throws Error for a JSONPath that can't be read
   */
  constructor(text: string) {
    this.text = text
    const parts: (string | Part)[] = []
    let from = 0
    for (const match of text.matchAll(VARIABLE)) {
      parts.push(text.slice(from, match.index))
      from = match.index + match[0].length
      const path = match[1] ?? match[2]
      parts.push(path === undefined ? '$' : compileVariable(path.trim()))
    }
    this.#parts = [...parts, text.slice(from)]
  }

  /**
   * Evaluates once, never what comes out of it. A path that leads nowhere is empty text.
   * @returns undefined when a path leads to an object, which no key can be equal to
   */
  select(sources: Sources): string | undefined {
    let key = ''
    for (const part of this.#parts) {
      const text = typeof part === 'string' ? part : stringify(part(sources))
      if (text === undefined) return undefined
      key += text
    }
    return key
  }
}

type Source = (rest: string) => Part

const NOTHING: Part = () => undefined

/** What may stand before the path; header names go to the end, whatever they hold. */
const SOURCES: Readonly<Record<string, Source>> = {
  'request.body': (rest) => {
    const follow = compileJsonPath(`$${rest}`)
    return ({ request }) => follow(request?.json)
  },
  'integration.response.body': (rest) => {
    const follow = compileJsonPath(`$${rest}`)
    return ({ response }) => follow(response?.payload.json)
  },
  'integration.response.statuscode':
    () =>
    ({ response }) =>
      response?.statusCode,
  'integration.response.header': (rest) => {
    const name = rest.slice(1).toLowerCase()
    return ({ response }) => response?.headers[name]?.[0]
  },
  'integration.response.multivalueheader': (rest) => {
    const name = rest.slice(1).toLowerCase()
    return ({ response }) => response?.headers[name]
  },
  context: (rest) => {
    const follow = compileJsonPath(`$${rest}`)
    return ({ context }) => follow(context)
  },
  stageVariables: (rest) => {
    const follow = compileJsonPath(`$${rest}`)
    return ({ stageVariables }) => follow(stageVariables)
  },
}

function compileVariable(path: string): Part {
  for (const [name, source] of Object.entries(SOURCES)) {
    const rest = path.slice(name.length)
    if (path.startsWith(name) && /^$|^[.[]/.test(rest)) return source(rest)
  }
  return NOTHING
}

/** Scalars as text, lists as `[a, b]`, nothing and `null` as empty text; undefined for an object. */
function stringify(value: unknown): string | undefined {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value)) {
    const items = value.map((item) => (item === null ? 'null' : stringify(item)))
    return items.includes(undefined) ? undefined : `[${items.join(', ')}]`
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}
