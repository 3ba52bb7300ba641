import { splitArn } from './arn-pattern.ts'
import { compileGlob, matchesGlob } from './glob.ts'
import type { Statement } from './policy.ts'

/** What the components of an ARN are called. */
const COMPONENTS = ['prefix', 'partition', 'service', 'Region', 'account', 'resource']

interface Miss {
  readonly pattern: string
  /** `the account is "" instead of "123456789012"` */
  readonly differences: readonly string[]
}

/**
 * What almost allows an action on a resource: a slip in a policy, such as an ARN without an account, is seen at once beside
 * what it should have been.
 * @param statements all that concern the action
 * @returns `it is allowed on "…", where the account is "" instead of "…"`; undefined where nothing comes near
 */
export function nearMiss(statements: readonly Statement[], resource: string): string | undefined {
  const misses = statements
    .filter(({ effect }) => effect === 'Allow')
    .flatMap(({ resources }) => resources)
    .map((pattern): Miss => ({ pattern, differences: differencesOf(pattern, resource) }))
    .sort((a, b) => a.differences.length - b.differences.length)
  const [nearest] = misses
  if (!nearest) return undefined
  const { pattern, differences } = nearest
  return differences.length === 0
    ? `it is allowed on "${pattern}" under a condition that does not hold`
    : `it is allowed on "${pattern}", where ${differences.join(' and ')}`
}

function differencesOf(pattern: string, resource: string): string[] {
  if (pattern === '*') return []
  const wanted = splitArn(resource)
  return splitArn(pattern).flatMap((part, index) => {
    const actual = wanted[index] ?? ''
    // A policy variable is what the request makes of it: no slip that can be seen here.
    if (part.includes('${') || matchesGlob(compileGlob(part), actual)) return []
    return [`the ${COMPONENTS[index] ?? ''} is "${part}" instead of "${actual}"`]
  })
}
