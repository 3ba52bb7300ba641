import { asTexts } from './conditions.ts'
import { compileGlob, matchesGlob } from './glob.ts'
import type { Principal, ServiceCaller } from './principal.ts'

/**
 * How a resource's policy names a caller. What it gives to the account it leaves to the identity's own policies; a role
 * is held by its permissions boundary still, a session or a user is not.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
 */
export type Naming = 'none' | 'account' | 'role' | 'session'

export type PrincipalPattern = (caller: Principal | ServiceCaller) => Naming

/** `Principal` or `NotPrincipal` of a statement; undefined when it has neither. */
export function compilePrincipals(
  statement: Readonly<Record<string, unknown>>,
): PrincipalPattern | undefined {
  const { Principal: named, NotPrincipal: others } = statement
  if (named !== undefined) return compile(named)
  if (others === undefined) return undefined
  const excluded = compile(others)
  return (caller) => (excluded(caller) === 'none' ? 'session' : 'none')
}

function compile(element: unknown): PrincipalPattern {
  if (element === '*') return () => 'role'
  const { AWS, Service } = (element ?? {}) as Readonly<Record<string, unknown>>
  const services = asTexts(Service).map(compileGlob)
  const names = asTexts(AWS)
  return (caller) => {
    if ('service' in caller)
      return names.includes('*') || services.some((glob) => matchesGlob(glob, caller.service))
        ? 'session'
        : 'none'
    return strongest(names.map((name) => namingOf(name, caller)))
  }
}

function namingOf(name: string, { arn, identityArn, accountId, type }: Principal): Naming {
  if (name === arn) return 'session'
  if (name === identityArn) return type === 'User' ? 'session' : 'role'
  if (name === '*') return 'role'
  return name === accountId || name.endsWith(`::${accountId}:root`) ? 'account' : 'none'
}

const STRENGTH: readonly Naming[] = ['session', 'role', 'account']

const strongest = (namings: readonly Naming[]): Naming =>
  STRENGTH.find((naming) => namings.includes(naming)) ?? 'none'
