import { clfTime } from '../clf-time.ts'
import type { RoutedRequest } from './event.ts'

/**
 * A `$context` variable of a request, by its name without `$context.`; undefined for one that is unknown or has no value.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
 */
export function contextVariable(routed: RoutedRequest, name: string): string | undefined {
  const known = VARIABLES[name]
  if (known) return known(routed)
  const [, property] = /^authorizer\.(.+)$/.exec(name) ?? []
  return property === undefined ? undefined : authorizerProperty(routed, property)
}

type Variable = (routed: RoutedRequest) => string | undefined

const VARIABLES: Readonly<Record<string, Variable>> = {
  accountId: ({ environment }) => environment.accountId,
  apiId: ({ api }) => api.apiId,
  domainName: ({ api }) => api.domainName,
  domainPrefix: ({ api }) => api.apiId,
  extendedRequestId: ({ request }) => request.requestId,
  httpMethod: ({ request }) => request.method,
  'identity.sourceIp': ({ request }) => request.sourceIp,
  'identity.userAgent': ({ request }) => request.headers['user-agent'],
  path: ({ request }) => request.path,
  protocol: ({ request }) => request.protocol,
  requestId: ({ request }) => request.requestId,
  requestTime: ({ request }) => clfTime(request.time),
  requestTimeEpoch: ({ request }) => String(request.time),
  routeKey: ({ routeKey }) => routeKey,
  stage: ({ stage }) => stage.name,
}

/** `claims.sub` of a token, `principalId` or a key of the context that a function gave. */
function authorizerProperty({ authorizer }: RoutedRequest, property: string): string | undefined {
  if (!authorizer) return undefined
  if ('jwt' in authorizer) {
    const [, claim] = /^claims\.(.+)$/.exec(property) ?? []
    return claim === undefined ? undefined : authorizer.jwt.claims[claim]
  }
  if (!('lambda' in authorizer)) return undefined
  if (property === 'principalId') return authorizer.principalId
  const value = authorizer.lambda[property]
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}
