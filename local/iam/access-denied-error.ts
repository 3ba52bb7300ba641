import type { Denial } from './evaluation.ts'
import { RefusedError } from './refused-error.ts'

const POLICY: Readonly<Record<Denial['by'], string>> = {
  identity: 'identity-based policy',
  boundary: 'permissions boundary',
  resource: 'resource-based policy',
}

/** A call that no policy allows, or that one denies. */
export class AccessDeniedError extends RefusedError {
  override readonly name = 'AccessDeniedError'
  /** The ARN of who called, or the name of a service. */
  readonly caller: string
  /** `dynamodb:PutItem` */
  readonly action: string
  readonly resource: string
  readonly denial: Denial

  constructor(caller: string, action: string, resource: string, denial: Denial) {
    super(
      'AccessDenied',
      `User: ${caller} is not authorized to perform: ${action} on resource: ${resource} ${because(denial, action)}`,
    )
    this.caller = caller
    this.action = action
    this.resource = resource
    this.denial = denial
  }
}

/**
 * As AWS words it since 2021: `because no identity-based policy allows the dynamodb:PutItem action`, `with an explicit
 * deny in a permissions boundary`.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
function because({ by, isExplicit }: Denial, action: string): string {
  const policy = POLICY[by]
  if (!isExplicit) return `because no ${policy} allows the ${action} action`
  return `with an explicit deny in ${by === 'identity' ? 'an' : 'a'} ${policy}`
}
