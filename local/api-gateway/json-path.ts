import { jsonpath } from 'json-p3'

/** Where a path leads; undefined where it leads nowhere. */
export type JsonPath = (root: unknown) => unknown

/** `.name`, `[2]`, `[-1]` and `['name']`: a path of such steps leads to one value. */
const STEP = /\.([A-Za-z0-9_$-]+)|\[(-?\d+)\]|\[(?:'([^']*)'|"([^"]*)")\]/gy

/**
 * Reads a JSONPath as API Gateway understands them: https://github.com/json-path/JsonPath. A path that can lead to more
 * than one value (`$..id`, `$.items[*]`, `[1:3]`, `[?(@.a > 1)]`) gives the list of what it finds; `.length()` at the end
 * counts.
 * @param path `$`, `$.a.b[0]`, `$['a b']`
 * @throws Error for one that can't be read
 */
export function compileJsonPath(path: string): JsonPath {
  const [, base = path, length] = /^(.*?)(\.length\(\))?$/s.exec(path) ?? []
  const follow = definite(base) ?? indefinite(base)
  return length === undefined ? follow : (root) => lengthOf(follow(root))
}

function definite(path: string): JsonPath | undefined {
  const steps: (string | number)[] = []
  let end = 1
  for (const match of path.slice(1).matchAll(STEP)) {
    const [whole, name, index, single, double] = match
    steps.push(index === undefined ? (name ?? single ?? double ?? '') : Number(index))
    end = match.index + whole.length + 1
  }
  if (!path.startsWith('$') || end !== path.length) return undefined
  return (root) => {
    let at = root
    for (const step of steps) {
      if (typeof step === 'number') at = Array.isArray(at) ? (at as unknown[]).at(step) : undefined
      else at = isObject(at) && Object.hasOwn(at, step) ? at[step] : undefined
      if (at === undefined) return undefined
    }
    return at
  }
}

function indefinite(path: string): JsonPath {
  const query = jsonpath.compile(path)
  return (root) => (root === undefined ? undefined : query.query(root as never).values())
}

function lengthOf(value: unknown): number | undefined {
  if (typeof value === 'string' || Array.isArray(value)) return value.length
  return isObject(value) ? Object.keys(value).length : undefined
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
