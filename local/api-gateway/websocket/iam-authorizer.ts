import type { Environment } from '../../cloudformation/resource.ts'
import type { Iam } from '../../iam/iam.ts'
import { RefusedError } from '../../iam/refused-error.ts'
import { iamRefusal } from '../iam-refusal.ts'
import type { Authorization, ConnectAttempt, ConnectAuthorizer } from './authorizer.ts'

/**
 * Lets handshakes through that are signed for `execute-api`, in headers or in the query as browsers need it, by somebody
 * who may `execute-api:Invoke` the route `$connect`.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-control-access-iam.html
 */
export class IamConnectAuthorizer implements ConnectAuthorizer {
  readonly #iam: Iam
  readonly #environment: Environment

  constructor(iam: Iam, environment: Environment) {
    this.#iam = iam
    this.#environment = environment
  }

  async authorize({ request, context }: ConnectAttempt): Promise<Authorization> {
    const { partition, region, accountId } = this.#environment
    const api = `arn:${partition}:execute-api:${region}:${accountId}:${context.apiId}`
    try {
      const caller = this.#iam.authenticate(request, '', 'execute-api')
      this.#iam.authorize(caller, {
        action: 'execute-api:Invoke',
        resource: `${api}/${context.stage}/$connect`,
      })
      const { principal, accessKeyId: accessKey } = caller
      const { userId, arn } = principal
      const identity = {
        accessKey,
        accountId: principal.accountId,
        caller: userId,
        user: userId,
        userArn: arn,
      }
      return { isAllowed: true, identity }
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
      const [message = 'Forbidden'] = Object.values(iamRefusal(error).body)
      return { isAllowed: false, status: 403, message }
    }
  }
}
