import { createHash } from 'node:crypto'
import type { Environment } from './resource.ts'

/** Where a resource stands: enough to name it. */
export interface Identity extends Environment {
  readonly stack: string
  readonly logicalId: string
  readonly type: string
}

export interface PhysicalId {
  /** What `Ref` gives. */
  readonly ref: string
  /** Empty where the type has none. */
  readonly arn: string
  /** What `Fn::GetAtt` gives, by name; undefined for a type that is unknown here. */
  readonly attributes: Readonly<Record<string, string>> | undefined
}

/** A property that CloudFormation would take as the physical name, such as `TableName`; undefined when it is not set. */
export type NameOf = (property: string) => string | undefined

export type Maker = (id: Identity, name: NameOf) => PhysicalId

export const URL_SUFFIX = 'amazonaws.com'

export const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
export const LOWER = 'abcdefghijklmnopqrstuvwxyz0123456789'

type Place = Pick<Identity, 'stack' | 'logicalId'>

const seedOf = ({ stack, logicalId }: Place) => `${stack}/${logicalId}`

/** Text of `length` characters of an alphabet, always the same for a resource. */
export function derived(id: Place, length: number, alphabet: string): string {
  const bytes = createHash('sha256').update(seedOf(id)).digest()
  return Array.from({ length }, (_, i) => alphabet[(bytes[i] ?? 0) % alphabet.length]).join('')
}

/** A UUID, always the same for a resource. */
export function derivedUuid(id: Place): string {
  const hex = createHash('sha256').update(seedOf(id)).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  )
}

/** `Openline-dev-Tasks8F0C4E2B-1A2B3C4D5E6F`, cut as CloudFormation cuts it. */
export function generatedName(id: Identity, maxLength: number): string {
  const suffix = derived(id, 12, UPPER)
  const room = maxLength - suffix.length - 1
  return `${`${id.stack}-${id.logicalId}`.slice(0, room)}-${suffix}`
}

export const arnOf = (id: Identity, service: string, resource: string) =>
  `arn:${id.partition}:${service}:${id.region}:${id.accountId}:${resource}`

/** A type that is only an id to others. */
export const plainId =
  (length: number, attribute: string): Maker =>
  (id) => {
    const ref = derived(id, length, LOWER)
    return { ref, arn: '', attributes: { [attribute]: ref } }
  }
