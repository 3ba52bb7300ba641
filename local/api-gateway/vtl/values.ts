/** A list that a template made itself: it prints as Java's do, `[a, b]`, while one out of JSON prints as JSON. */
export class ArrayList extends Array<unknown> {}

export function listOf(items: Iterable<unknown>): ArrayList {
  const list = new ArrayList()
  for (const item of items) list.push(item)
  return list
}

/** Something of the gateway's with properties and methods, such as `$input`. */
export class Bean {
  readonly properties: Readonly<Record<string, () => unknown>>
  readonly methods: Readonly<Record<string, (...args: readonly unknown[]) => unknown>>

  constructor(properties: Bean['properties'], methods: Bean['methods']) {
    this.properties = properties
    this.methods = methods
  }
}

/** The body of a `#define`, which is rendered where it is printed. */
export class Block {
  readonly render: () => string
  constructor(render: () => string) {
    this.render = render
  }
}

export type VtlMap = Record<string, unknown>

export const isMap = (value: unknown): value is VtlMap =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Bean) &&
  !(value instanceof Block)

/**
 * Text as Java gives it: maps as `{a=1, b=2}`, lists as `[a, b]`. Lists out of JSON come as JSON, as API Gateway's do.
 * Nothing is empty text: https://github.com/toqoz/api-gateway-mapping-template/issues/5
 */
export function toText(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (value instanceof Block) return value.render()
  return nested(value)
}

function nested(value: unknown): string {
  if (value instanceof ArrayList) return `[${value.map(nested).join(', ')}]`
  if (Array.isArray(value)) return JSON.stringify(value)
  if (isMap(value))
    return `{${Object.entries(value)
      .map(([key, each]) => `${key}=${nested(each)}`)
      .join(', ')}}`
  if (value === null) return 'null'
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : ''
}

/** False for nothing, `false` and empty text; 0 and empty lists are true, as in Velocity 1.7. */
export const isTrue = (value: unknown) =>
  value !== undefined && value !== null && value !== false && value !== ''

/** Numbers by value, everything else by its text when the kinds differ. */
export function isEqual(left: unknown, right: unknown): boolean {
  if (left === undefined || left === null || right === undefined || right === null)
    return (left ?? null) === (right ?? null)
  return left === right || toText(left) === toText(right)
}
