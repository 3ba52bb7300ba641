import { type Statement, compilePolicy, verdictOf } from '../iam/policy.ts'
import { type Lookup, UNKNOWN } from '../iam/variables.ts'

/** The policy that a Lambda authorizer answers with, ready to be asked. */
export type InvokePolicy = readonly Statement[]

const ACTION = 'execute-api:Invoke'

/** @throws Error saying what is wrong with the document */
export function compileInvokePolicy(document: unknown): InvokePolicy {
  return compilePolicy(document).filter((statement) => statement.concernsAction(ACTION))
}

/**
 * What the policy says to invoking a method, `arn:aws:execute-api:eu-west-1:123456789012:x1y2z3abcd/dev/GET/tasks`.
 * @param lookup what is known of the request, for conditions; of the unknown an `Allow` does not allow, and a `Deny` denies
 * @returns undefined where it says nothing
 */
export const verdictOn = (
  policy: InvokePolicy,
  methodArn: string,
  lookup: Lookup = () => UNKNOWN,
): 'Allow' | 'Deny' | undefined => verdictOf(policy, methodArn, lookup)

/** Whether the policy lets a caller of whom nothing is known invoke a method. */
export const policyAllows = (policy: InvokePolicy, methodArn: string): boolean =>
  verdictOn(policy, methodArn) === 'Allow'
