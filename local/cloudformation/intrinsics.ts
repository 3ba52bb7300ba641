/** Where a value stands, for messages: `Openline-dev/Tasks/Function (AWS::Lambda::Function) at Properties.Environment`. */
export class UnresolvableError extends Error {
  override readonly name = 'UnresolvableError'
  /** Whether only another resource is to blame, which says so itself. */
  readonly isConsequence: boolean
  constructor(message: string, isConsequence = false) {
    super(message)
    this.isConsequence = isConsequence
  }
}

/** What the functions of a template can refer to. Each throws `UnresolvableError` with a sentence of its own. */
export interface Scope {
  ref(name: string): unknown
  attribute(logicalId: string, name: string): unknown
  condition(name: string): boolean
  /** Undefined where the mapping has nothing. */
  mapping(map: string, key: string, second: string): unknown
  importValue(name: string): unknown
  availabilityZones(region: string): string[]
}

/** Stands for `AWS::NoValue`: whatever holds it is left out. */
export const NO_VALUE = Symbol('AWS::NoValue')

type Intrinsic = (argument: unknown, resolve: (value: unknown) => unknown, scope: Scope) => unknown

/**
 * Resolves every intrinsic function in a value.
 * @param place how messages name what is resolved
 * @throws UnresolvableError naming the place and the path
 */
export function resolveValue(value: unknown, scope: Scope, place: string): unknown {
  return walk(value, [])

  function walk(node: unknown, path: readonly string[]): unknown {
    if (Array.isArray(node))
      return node.map((item, i) => walk(item, [...path, String(i)])).filter((item) => item !== NO_VALUE)
    if (typeof node !== 'object' || node === null) return node
    const entries = Object.entries(node)
    const [only] = entries
    if (entries.length === 1 && only && (only[0] === 'Ref' || only[0].startsWith('Fn::')))
      return apply(only[0], only[1], path)
    const resolved = entries.map(([key, item]) => [key, walk(item, [...path, key])] as const)
    return Object.fromEntries(resolved.filter(([, item]) => item !== NO_VALUE))
  }

  function apply(name: string, argument: unknown, path: readonly string[]): unknown {
    const intrinsic = INTRINSICS[name]
    try {
      if (!intrinsic)
        throw new UnresolvableError(
          `${name} is not supported; expected ${Object.keys(INTRINSICS).join(', ')}`,
        )
      return intrinsic(argument, (item) => walk(item, [...path, name]), scope)
    } catch (error) {
      if (!(error instanceof UnresolvableError) || error.message.startsWith(place)) throw error
      throw new UnresolvableError(
        `${place} at ${path.join('.') || '(itself)'}: ${error.message}`,
        error.isConsequence,
      )
    }
  }
}

function text(value: unknown, name: string): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value)
  throw new UnresolvableError(`${name} got ${shown(value)}; expected text`)
}

function list(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) return value
  throw new UnresolvableError(`${name} got ${shown(value)}; expected a list`)
}

const shown = (value: unknown) => (value === NO_VALUE ? 'AWS::NoValue' : JSON.stringify(value))

const truth = (value: unknown, name: string): boolean => {
  if (typeof value === 'boolean') return value
  throw new UnresolvableError(`${name} got ${shown(value)}; expected a condition`)
}

/** CloudFormation compares scalars as text: `true` equals `'true'`. */
const comparable = (value: unknown) => (typeof value === 'string' ? value : shown(value))

/** The name in `{ Condition: 'name' }`: a reference where a condition is expected, an ordinary object elsewhere. */
export function conditionReference(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return undefined
  const { Condition } = value as { readonly Condition?: unknown }
  return typeof Condition === 'string' ? Condition : undefined
}

function holds(item: unknown, resolve: (value: unknown) => unknown, scope: Scope, name: string): boolean {
  const reference = conditionReference(item)
  return reference === undefined ? truth(resolve(item), name) : scope.condition(reference)
}

/** `count` IPv4 blocks of `bits` host bits, from the start of `block`. */
function subnets(block: string, count: number, bits: number): string[] {
  const [, address = '', prefix = ''] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(block) ?? []
  const room = 2 ** (32 - Number(prefix || 32))
  const size = 2 ** bits
  if (address === '' || !(count > 0) || !(count * size <= room))
    throw new UnresolvableError(
      `Fn::Cidr can not take ${shown(count)} blocks of ${shown(bits)} bits from ${shown(block)}; expected an IPv4 block with room for them`,
    )
  const given = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const start = given - (given % room)
  return Array.from({ length: count }, (_, i) => {
    const at = start + i * size
    const parts = [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(at / unit) % 256)
    return `${parts.join('.')}/${32 - bits}`
  })
}

const INTRINSICS: Readonly<Record<string, Intrinsic>> = {
  Ref: (argument, _resolve, scope) => scope.ref(text(argument, 'Ref')),
  'Fn::GetAtt': (argument, resolve, scope) => {
    const parts =
      typeof argument === 'string' ? argument.split('.') : list(argument, 'Fn::GetAtt').map(resolve)
    const [logicalId, ...attribute] = parts.map((part) => text(part, 'Fn::GetAtt'))
    return scope.attribute(logicalId ?? '', attribute.join('.'))
  },
  'Fn::Sub': (argument, resolve, scope) => {
    const [template, given] = Array.isArray(argument) ? (argument as unknown[]) : [argument, {}]
    const variables = resolve(given) as Readonly<Record<string, unknown>>
    return text(template, 'Fn::Sub').replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
      if (literal) return `\${${name}}`
      if (Object.hasOwn(variables, name)) return text(variables[name], 'Fn::Sub')
      const [logicalId = '', ...attribute] = name.split('.')
      return text(
        attribute.length > 0 ? scope.attribute(logicalId, attribute.join('.')) : scope.ref(name),
        'Fn::Sub',
      )
    })
  },
  'Fn::Join': (argument, resolve) => {
    const [separator, items] = list(argument, 'Fn::Join')
    return list(resolve(items), 'Fn::Join')
      .map((item) => text(item, 'Fn::Join'))
      .join(text(separator, 'Fn::Join'))
  },
  'Fn::Select': (argument, resolve) => {
    const [index, items] = list(argument, 'Fn::Select').map(resolve)
    const chosen = list(items, 'Fn::Select')[Number(index)]
    if (chosen !== undefined) return chosen
    throw new UnresolvableError(`Fn::Select has no item ${shown(index)} in ${shown(items)}`)
  },
  'Fn::Split': (argument, resolve) => {
    const [separator, source] = list(argument, 'Fn::Split')
    return text(resolve(source), 'Fn::Split').split(text(separator, 'Fn::Split'))
  },
  'Fn::If': (argument, resolve, scope) => {
    const [condition, yes, no] = list(argument, 'Fn::If')
    return resolve(scope.condition(text(condition, 'Fn::If')) ? yes : no)
  },
  'Fn::Equals': (argument, resolve) => {
    const [a, b] = list(argument, 'Fn::Equals').map(resolve)
    return comparable(a) === comparable(b)
  },
  'Fn::And': (argument, resolve, scope) =>
    list(argument, 'Fn::And').every((item) => holds(item, resolve, scope, 'Fn::And')),
  'Fn::Or': (argument, resolve, scope) =>
    list(argument, 'Fn::Or').some((item) => holds(item, resolve, scope, 'Fn::Or')),
  'Fn::Not': (argument, resolve, scope) => !holds(list(argument, 'Fn::Not')[0], resolve, scope, 'Fn::Not'),
  'Fn::FindInMap': (argument, resolve, scope) => {
    const [map, key, second, options] = list(argument, 'Fn::FindInMap').map(resolve)
    const keys = [map, key, second].map((item) => text(item, 'Fn::FindInMap'))
    const found = scope.mapping(keys[0] ?? '', keys[1] ?? '', keys[2] ?? '')
    if (found !== undefined) return found
    const fallback = (options as { readonly DefaultValue?: unknown } | undefined)?.DefaultValue
    if (fallback !== undefined) return fallback
    throw new UnresolvableError(`Fn::FindInMap finds nothing at ${keys.map(shown).join(' ')}`)
  },
  'Fn::ImportValue': (argument, resolve, scope) =>
    scope.importValue(text(resolve(argument), 'Fn::ImportValue')),
  'Fn::Base64': (argument, resolve) => Buffer.from(text(resolve(argument), 'Fn::Base64')).toString('base64'),
  'Fn::GetAZs': (argument, resolve, scope) => scope.availabilityZones(text(resolve(argument), 'Fn::GetAZs')),
  'Fn::Cidr': (argument, resolve) => {
    const [block, count, bits = 8] = list(argument, 'Fn::Cidr').map(resolve)
    return subnets(text(block, 'Fn::Cidr'), Number(count), Number(bits))
  },
  'Fn::Length': (argument, resolve) => list(resolve(argument), 'Fn::Length').length,
  'Fn::ToJsonString': (argument, resolve) => JSON.stringify(resolve(argument)),
}
