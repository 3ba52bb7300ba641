import type { WebSocketApiDependencies } from '../../../../local/api-gateway/websocket/api.ts'
import type { InvokeResult } from '../../../../local/lambda/invoker.ts'
import { functionArn, resource } from '../http/fixture.ts'
import { FakeFunction, type Gateway, type GatewayEvent, ok, routeTo, start } from './fixture.ts'

export const uriOf = (arn: string) =>
  `arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/${arn}/invocations`
export const METHOD_ARN = 'arn:aws:execute-api:eu-west-1:123456789012:w1s2k3abcd/live/$connect'
const AUTHORIZER_ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:authorizer'

export interface AuthorizerEvent {
  readonly type: string
  readonly methodArn: string
  readonly headers: Readonly<Record<string, string>>
  readonly queryStringParameters?: Readonly<Record<string, string>>
}

export const statement = (Resource: unknown, more: Readonly<Record<string, unknown>> = {}) => ({
  Effect: 'Allow',
  Action: 'execute-api:Invoke',
  Resource,
  ...more,
})

/** What an authorizer answers with. */
export const policy = (statements: readonly unknown[], more: Readonly<Record<string, unknown>> = {}) => ({
  principalId: 'user-42',
  policyDocument: { Version: '2012-10-17', Statement: statements },
  ...more,
})

interface AuthorizedParts {
  /** Properties of the authorizer. */
  readonly authorizer?: Readonly<Record<string, unknown>>
  readonly route?: Readonly<Record<string, unknown>>
  readonly stage?: Readonly<Record<string, unknown>>
  readonly api?: Readonly<Record<string, unknown>>
  readonly overrides?: Partial<WebSocketApiDependencies>
}

export interface AuthorizedGateway extends Gateway {
  readonly asked: AuthorizerEvent[]
  authorize: (event: AuthorizerEvent) => Promise<InvokeResult> | InvokeResult
}

/** A gateway whose `$connect` has a Lambda authorizer, which allows the method at first. */
export async function startAuthorized(parts: AuthorizedParts = {}): Promise<AuthorizedGateway> {
  const asked: AuthorizerEvent[] = []
  const fn = new FakeFunction()
  const control = {
    authorize: (): Promise<InvokeResult> | InvokeResult => ok(policy([statement(METHOD_ARN)])),
  }
  const gateway = await start(
    {
      routes: ['$disconnect', '$default'],
      stage: parts.stage ?? {},
      api: parts.api ?? {},
      more: [
        ...routeTo('$connect', {
          integration: { IntegrationType: 'AWS_PROXY', IntegrationUri: uriOf(functionArn) },
          isTwoWay: false,
          route: { AuthorizationType: 'CUSTOM', AuthorizerId: 'auth1', ...parts.route },
        }),
        resource('ApiGatewayV2::Authorizer', 'auth1', {
          ApiId: 'w1s2k3abcd',
          AuthorizerType: 'REQUEST',
          AuthorizerUri: uriOf(AUTHORIZER_ARN),
          ...parts.authorizer,
        }),
      ],
    },
    {
      functions: {
        async invoke(target, event) {
          const copy: unknown = JSON.parse(JSON.stringify(event))
          if (target !== AUTHORIZER_ARN) return fn.invoke(copy as GatewayEvent)
          asked.push(copy as AuthorizerEvent)
          return authorized.authorize(copy as AuthorizerEvent)
        },
        invokeAsync() {
          throw new Error('a WebSocket API invokes synchronously')
        },
      },
      ...parts.overrides,
    },
  )
  const authorized: AuthorizedGateway = Object.assign(control, gateway, { fn, asked })
  return authorized
}
