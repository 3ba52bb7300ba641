import { type Statement, compilePolicy, verdictOf } from '../iam/policy.ts'
import { UNKNOWN } from '../iam/variables.ts'

/** The policy that a Lambda authorizer answers with, ready to be asked. */
export type InvokePolicy = readonly Statement[]

const ACTION = 'execute-api:Invoke'

/** @throws Error saying what is wrong with the document */
export function compileInvokePolicy(document: unknown): InvokePolicy {
  return compilePolicy(document).filter((statement) => statement.concernsAction(ACTION))
}

/**
 * Whether the policy lets the caller invoke a method, `arn:aws:execute-api:eu-west-1:123456789012:x1y2z3abcd/dev/GET/tasks`.
 * Nothing is known of the request to its conditions: an `Allow` with one does not allow, a `Deny` with one denies.
 */
export const policyAllows = (policy: InvokePolicy, methodArn: string): boolean =>
  verdictOf(policy, methodArn, () => UNKNOWN) === 'Allow'
