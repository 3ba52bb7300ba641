import type { AccessContext } from '../access-log.ts'
import { clfTime } from '../clf-time.ts'
import type { AuthorizerContext } from './authorization.ts'
import type { RoutedRequest } from './event.ts'

/**
 * The `$context` variables of a request, before anything is known of the response.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
 */
export function requestContext(routed: RoutedRequest): AccessContext {
  const { environment, api, stage, request, routeKey, authorizer } = routed
  return {
    accountId: environment.accountId,
    apiId: api.apiId,
    ...(authorizer ? { authorizer: authorizerProperties(authorizer) } : {}),
    domainName: api.domainName,
    domainPrefix: api.apiId,
    extendedRequestId: request.requestId,
    httpMethod: request.method,
    identity: { sourceIp: request.sourceIp, userAgent: request.headers['user-agent'] },
    path: request.path,
    protocol: request.protocol,
    requestId: request.requestId,
    requestTime: clfTime(request.time),
    requestTimeEpoch: request.time,
    routeKey,
    stage: stage.name,
  }
}

/** One of them, by its name without `$context.`; undefined for one that is unknown or has no value. */
export function contextVariable(routed: RoutedRequest, name: string): string | undefined {
  const value = lookUp(requestContext(routed), name)
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Claims may have dots in their names: the longest name that is there counts. */
function lookUp(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  if (Object.hasOwn(value, name)) return (value as Readonly<Record<string, unknown>>)[name]
  const [first = '', ...rest] = name.split('.')
  return rest.length === 0
    ? undefined
    : lookUp((value as Readonly<Record<string, unknown>>)[first], rest.join('.'))
}

/** `claims.sub` of a token; `principalId` or a key of the context that a function gave; nothing of who signed. */
function authorizerProperties(authorizer: AuthorizerContext): Readonly<Record<string, unknown>> {
  if ('jwt' in authorizer) return { claims: authorizer.jwt.claims }
  return 'lambda' in authorizer ? { ...authorizer.lambda, principalId: authorizer.principalId } : {}
}
