import { isDeepStrictEqual } from 'node:util'
import type { Resource } from './resource.ts'

/** What two deployments of the same app do not have in common. */
export interface Difference {
  readonly added: readonly Resource[]
  readonly removed: readonly Resource[]
  /** As they are now. */
  readonly changed: readonly Resource[]
}

/** A resource that got another name is another resource: one is removed, one is added. */
export function difference(before: readonly Resource[], after: readonly Resource[]): Difference {
  const left = new Map(before.map((resource) => [identityOf(resource), resource]))
  const added: Resource[] = []
  const changed: Resource[] = []
  for (const resource of after) {
    const identity = identityOf(resource)
    const old = left.get(identity)
    left.delete(identity)
    if (!old) added.push(resource)
    else if (!isDeepStrictEqual(old.properties, resource.properties)) changed.push(resource)
  }
  return { added, removed: [...left.values()], changed }
}

const identityOf = ({ stack, logicalId, type, physicalId }: Resource) =>
  JSON.stringify([stack, logicalId, type, physicalId])
