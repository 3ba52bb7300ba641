import { type Statement, compilePolicy, verdictOf } from '../iam/policy.ts'
import { type Lookup, UNKNOWN } from '../iam/variables.ts'

/** The policy that a Lambda authorizer answers with, ready to be asked. */
export type InvokePolicy = readonly Statement[]

const ACTION = 'execute-api:Invoke'

/** @throws Error saying what is wrong with the document */
export function compileInvokePolicy(document: unknown): InvokePolicy {
  return compilePolicy(document).filter((statement) => statement.concernsAction(ACTION))
}

/** What conditions of such a policy can ask of the request that it decides on. */
export interface JudgedRequest {
  readonly sourceIp: string
  readonly userAgent: string | undefined
  readonly referer: string | undefined
  /** Epoch milliseconds of arrival. */
  readonly at: number
}

/**
 * What the policy says to invoking a method, `arn:aws:execute-api:eu-west-1:123456789012:x1y2z3abcd/dev/GET/tasks`. Of
 * what is not known of the request an `Allow` does not allow, and a `Deny` denies.
 * @returns undefined where it says nothing
 */
export const verdictOn = (
  policy: InvokePolicy,
  methodArn: string,
  request: JudgedRequest,
): 'Allow' | 'Deny' | undefined => verdictOf(policy, methodArn, lookupOf(request))

const lookupOf =
  ({ sourceIp, userAgent, referer, at }: JudgedRequest): Lookup =>
  (key) => {
    switch (key) {
      case 'aws:sourceip':
        return sourceIp
      case 'aws:useragent':
        return userAgent
      case 'aws:referer':
        return referer
      case 'aws:currenttime':
        return new Date(at).toISOString()
      case 'aws:epochtime':
        return String(Math.floor(at / 1000))
      case 'aws:securetransport':
        return 'true' // clients believe that they speak TLS
      default:
        return UNKNOWN
    }
  }
