import type { Message } from './cloudformation/assembly.ts'
import type { Resource } from './cloudformation/resource.ts'
import { supportOf } from './cloudformation/resource-types.ts'

/** Types of the template that are not emulated, each with its count. */
export function skippedTypes(resources: readonly Resource[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { type } of resources) if (supportOf(type) === 'skipped') counts[type] = (counts[type] ?? 0) + 1
  return counts
}

/** A function that is there, but fails whoever invokes it. */
export interface ForeignFunction {
  readonly path: string
  /** `python3.12`, `container image` */
  readonly runtime: string
}

/** The functions that can't run here, without those that only serve custom resources, which nobody calls. */
export function foreignFunctions(resources: readonly Resource[]): ForeignFunction[] {
  const providers = new Set(resources.map(({ properties }) => properties['ServiceToken']))
  return resources
    .filter(({ type, arn }) => type === 'AWS::Lambda::Function' && !providers.has(arn))
    .map(({ path, properties }) => ({ path, runtime: runtimeOf(properties) }))
    .filter(({ runtime }) => !runtime.startsWith('nodejs'))
}

function runtimeOf({ PackageType, Runtime }: Resource['properties']): string {
  if (PackageType === 'Image') return 'container image'
  return typeof Runtime === 'string' ? Runtime : 'no runtime'
}

/** What there is to say, each once: rules that check every construct say the same of many. */
export function distinctMessages(messages: readonly Message[]): [level: string, text: string][] {
  const counts = new Map<string, { level: string; text: string; count: number }>()
  for (const { level, text } of messages) {
    const key = `${level} ${text}`
    counts.set(key, { level, text, count: (counts.get(key)?.count ?? 0) + 1 })
  }
  return [...counts.values()].map(({ level, text, count }) => [
    level,
    count === 1 ? text : `${text} (${count} times)`,
  ])
}
