import { AccessDeniedError } from '../iam/access-denied-error.ts'
import type { RefusedError } from '../iam/refused-error.ts'

/** A refusal as API Gateway tells it, always with status 403. */
export interface IamRefusal {
  /** What SDKs take the error's name from: the header `x-amzn-errortype`. */
  readonly type: string
  /** `{"message":"Missing Authentication Token"}`; a denial has a capital letter: `{"Message":"User: … is not authorized …"}`. */
  readonly body: Readonly<Record<string, string>>
}

/**
 * API Gateway masks the account, names no policy, and a connection by its place in the path:
 * `User: arn:aws:sts::123456789012:assumed-role/Role/Fn is not authorized to perform: execute-api:ManageConnections on
 * resource: arn:aws:execute-api:eu-west-1:********9012:a1b2c3d4e5/dev/POST/@connections/{connectionId}`
 * (github.com/aws/aws-cdk/issues/18410).
 */
export function iamRefusal(refused: RefusedError): IamRefusal {
  if (!(refused instanceof AccessDeniedError))
    return {
      // The management API's model has one exception for whatever is forbidden; an unsigned call gets it.
      type: refused.reason === 'MissingAuthenticationToken' ? 'ForbiddenException' : refused.exception,
      body: { message: refused.message },
    }
  const { caller, action, resource, denial } = refused
  const masked = resource
    .replace(/:\d{8}(\d{4}):/, ':********$1:')
    .replace(/\/@connections\/.*$/, '/@connections/{connectionId}')
  const end = denial.isExplicit ? ' with an explicit deny' : ''
  return {
    type: 'AccessDeniedException',
    body: { Message: `User: ${caller} is not authorized to perform: ${action} on resource: ${masked}${end}` },
  }
}
