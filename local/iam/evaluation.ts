import { type Statement, verdictOf } from './policy.ts'
import type { Principal, ServiceCaller } from './principal.ts'
import type { Lookup } from './variables.ts'

/** The policies that have a say in one action, which is all that their statements are about. */
export interface Policies {
  readonly identity: readonly Statement[]
  readonly boundary: readonly Statement[] | undefined
  /** Of the resource itself. */
  readonly resource: readonly Statement[]
}

/** Why a call is denied: which kind of policy denies it, or does not allow it. */
export interface Denial {
  readonly by: 'identity' | 'boundary' | 'resource'
  readonly isExplicit: boolean
}

/**
 * Decides as AWS does within one account: a `Deny` anywhere wins; then the identity's policies or the resource's must
 * allow, and the permissions boundary too.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
 * @returns undefined when the call is allowed
 */
export function evaluate(
  { identity, boundary, resource: ofResource }: Policies,
  caller: Principal | ServiceCaller,
  resource: string,
  lookup: Lookup,
): Denial | undefined {
  const naming = (wanted: readonly string[]) =>
    ofResource.filter(({ principals }) => principals && wanted.includes(principals(caller)))
  const byIdentity = verdictOf(identity, resource, lookup)
  const byBoundary = boundary && verdictOf(boundary, resource, lookup)
  const byResource =
    ofResource.length === 0 ? undefined : verdictOf(naming(['account', 'role', 'session']), resource, lookup)
  if (byIdentity === 'Deny') return { by: 'identity', isExplicit: true }
  if (byBoundary === 'Deny') return { by: 'boundary', isExplicit: true }
  if (byResource === 'Deny') return { by: 'resource', isExplicit: true }

  const isGranted = (names: readonly string[]) =>
    byResource === 'Allow' && verdictOf(naming(names), resource, lookup) === 'Allow'
  if (isGranted(['session'])) return undefined
  if ('service' in caller) return { by: 'resource', isExplicit: false }
  if (byIdentity !== 'Allow' && !isGranted(['role'])) return { by: 'identity', isExplicit: false }
  return boundary && byBoundary !== 'Allow' ? { by: 'boundary', isExplicit: false } : undefined
}
