import type { Iam } from '../../iam/iam.ts'
import { RefusedError } from '../../iam/refused-error.ts'
import { type Authorization, type Authorizer, forbidden } from './authorization.ts'
import { routeArn } from './authorizer-event.ts'
import type { RoutedRequest } from './event.ts'

/**
 * Lets through who signed the request for `execute-api` and may `execute-api:Invoke` the route; anybody else gets 403
 * `{"message":"Forbidden"}`.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
 */
export class IamAuthorizer implements Authorizer {
  readonly #iam: Iam

  constructor(iam: Iam) {
    this.#iam = iam
  }

  async authorize(routed: RoutedRequest): Promise<Authorization> {
    const { method, path, rawQuery, headerPairs, sourceIp, body } = routed.request
    const message = {
      method,
      url: rawQuery === '' ? path : `${path}?${rawQuery}`,
      rawHeaders: headerPairs.flat(),
      socket: { remoteAddress: sourceIp },
    }
    try {
      const caller = this.#iam.authenticate(message, body, 'execute-api')
      this.#iam.authorize(caller, { action: 'execute-api:Invoke', resource: routeArn(routed) })
      const { accountId, arn, userId } = caller.principal
      return {
        authorizer: {
          iam: {
            accessKey: caller.accessKeyId,
            accountId,
            callerId: userId,
            cognitoIdentity: null,
            principalOrgId: null,
            userArn: arn,
            userId,
          },
        },
      }
    } catch (error) {
      if (error instanceof RefusedError) return forbidden()
      throw error
    }
  }
}
