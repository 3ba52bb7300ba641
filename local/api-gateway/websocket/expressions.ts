/**
 * Selection expressions of WebSocket APIs:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-selection-expressions.html
 */

/** What an expression can ask about, by its words before the path: `request.body`, `integration.response.statuscode`. */
export type Sources = Readonly<Record<string, unknown>>

/**
 * Evaluates an expression once, never what comes out of it. A path that leads nowhere is empty text.
 * @param expression `$request.body.action`, `${request.body.service}/${request.body.action}`, `\$default` or static text
 */
export function select(expression: string, sources: Sources): string {
  if (expression.startsWith('\\$')) return expression.slice(1)
  if (/^\$[a-z]/i.test(expression)) return valueAt(expression.slice(1), sources)
  return expression.replace(/\$\{([^}]*)\}/g, (_, path: string) => valueAt(path.trim(), sources))
}

function valueAt(path: string, sources: Sources): string {
  const isAt = (name: string) => path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`)
  const name = Object.keys(sources).find(isAt)
  return name === undefined ? '' : stringify(follow(sources[name], path.slice(name.length)))
}

const STEP = /\.([A-Za-z0-9_$-]+)|\[(\d+)\]|\[['"]([^'"]*)['"]\]/gy

/** Follows `.name`, `[2]` and `['name']`; undefined where that leads nowhere. */
export function follow(value: unknown, path: string): unknown {
  let at = value
  let end = 0
  for (const match of path.matchAll(STEP)) {
    const key = match[1] ?? match[2] ?? match[3] ?? ''
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Readonly<Record<string, unknown>>)[key]
    end = match.index + match[0].length
  }
  return end === path.length ? at : undefined
}

/** Scalars as text, lists as `[a, b]`; an object or `null` matches nothing. */
function stringify(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => stringify(item)).join(', ')}]`
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : ''
}

/** A body as expressions see it: parsed where it is JSON. */
export function parseBody(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined // text that is no JSON has no fields to ask for
  }
}
