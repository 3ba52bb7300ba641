/** A parsed route key: `$default`, or a method and a path such as `GET /tasks/{id}`. */
export interface RouteKey {
  /** As written in the template. */
  readonly text: string
  /** `ANY` matches every method; absent for `$default`. */
  readonly method?: string
  readonly segments: readonly Segment[]
}

export type Segment =
  | { readonly kind: 'static'; readonly text: string }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'greedy'; readonly name: string }

export interface RouteMatch<Route> {
  readonly route: Route
  /** Values decoded. */
  readonly pathParameters: Readonly<Record<string, string>>
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'ANY']

/** @throws Error when the key is neither `$default` nor a method and a path */
export function parseRouteKey(text: string): RouteKey {
  if (text === '$default') return { text, segments: [] }
  const [, method, path] = /^([A-Z]+) (\/\S*)$/.exec(text) ?? []
  if (method === undefined || path === undefined || !METHODS.includes(method)) {
    throw new Error(
      `invalid route key "${text}"; expected $default or a method (${METHODS.join(', ')}) and a path such as "GET /tasks/{id}"`,
    )
  }
  const segments = splitPath(path).map(parseSegment)
  if (segments.slice(0, -1).some((s) => s.kind === 'greedy')) {
    throw new Error(
      `invalid route key "${text}"; a greedy variable such as {proxy+} must be the path's last segment`,
    )
  }
  return { text, method, segments }
}

function parseSegment(segment: string): Segment {
  const [, name, plus] = /^\{([^{}+]+)(\+?)\}$/.exec(segment) ?? []
  if (name === undefined) return { kind: 'static', text: segment }
  return { kind: plus ? 'greedy' : 'variable', name }
}

/** Segments of a path without its leading slash: `/` is one empty segment, so that `/a/` differs from `/a`. */
function splitPath(path: string): string[] {
  return path.slice(1).split('/')
}

/**
 * The route that API Gateway would choose: a full match before a greedy one before `$default`, static segments before
 * variables, and among equal paths the method before `ANY`.
 *
 * Segments are split before they are decoded, so an encoded slash stays inside its segment; AWS decodes paths for the
 * function, and how it routes an encoded slash is not documented.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
 * @param path encoded, without the stage
 * @throws URIError when the path has a malformed escape
 */
export function selectRoute<Route extends { readonly key: RouteKey }>(
  routes: readonly Route[],
  method: string,
  path: string,
): RouteMatch<Route> | undefined {
  const segments = splitPath(path).map(decodeURIComponent)
  const matches = routes.flatMap((route) => {
    const pathParameters = matchRoute(route.key, method, segments)
    return pathParameters ? [{ route, pathParameters }] : []
  })
  return matches.sort((a, b) => compareKeys(a.route.key, b.route.key))[0]
}

function matchRoute(
  key: RouteKey,
  method: string,
  segments: readonly string[],
): Record<string, string> | undefined {
  if (key.method === undefined) return {}
  if (key.method !== 'ANY' && key.method !== method) return undefined

  const greedy = key.segments.at(-1)?.kind === 'greedy'
  if (greedy ? segments.length < key.segments.length : segments.length !== key.segments.length)
    return undefined
  const parameters: Record<string, string> = {}
  for (const [i, expected] of key.segments.entries()) {
    const actual = segments[i] ?? ''
    switch (expected.kind) {
      case 'static':
        if (actual !== expected.text) return undefined
        break
      case 'variable':
        if (actual === '') return undefined
        parameters[expected.name] = actual
        break
      case 'greedy': {
        const rest = segments.slice(i).join('/')
        if (rest === '') return undefined
        parameters[expected.name] = rest
      }
    }
  }
  return parameters
}

const RANK = { static: 0, variable: 1, greedy: 2 } as const

/** Negative when `a` goes before `b`; both are known to match the same request. */
function compareKeys(a: RouteKey, b: RouteKey): number {
  const byKind = pathRank(a) - pathRank(b)
  if (byKind !== 0) return byKind
  for (const [i, segment] of a.segments.entries()) {
    const other = b.segments[i]
    if (!other) break
    const bySegment = RANK[segment.kind] - RANK[other.kind]
    if (bySegment !== 0) return bySegment
  }
  // Equal as far as the shorter goes: only greedy paths get here with different lengths.
  return b.segments.length - a.segments.length || Number(a.method === 'ANY') - Number(b.method === 'ANY')
}

/** Full match, greedy match, `$default`. */
function pathRank(key: RouteKey): number {
  if (key.method === undefined) return 2
  return key.segments.at(-1)?.kind === 'greedy' ? 1 : 0
}
