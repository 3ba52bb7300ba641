import { clfTime } from '../clf-time.ts'
import type { AuthorizerContext } from './authorization.ts'
import {
  decodedPath,
  encodedBody,
  gatewayHeaders,
  isBase64Encoded,
  isEmpty,
  queryValues,
  type RoutedRequest,
} from './event.ts'

/**
 * The event of payload format 1.0, in the shape of a REST API's. Keys without a value are null.
 *
 * ```json
 * {"version":"1.0","resource":"/tasks/{id}","path":"/tasks/7","httpMethod":"GET","headers":{"Host":"…"},
 *  "multiValueHeaders":{"Host":["…"]},"queryStringParameters":null,"multiValueQueryStringParameters":null,
 *  "requestContext":{"accountId":"123456789012","apiId":"x1y2z3abcd","resourcePath":"/tasks/{id}","stage":"$default"},
 *  "pathParameters":{"id":"7"},"stageVariables":null,"body":null,"isBase64Encoded":false}
 * ```
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function eventV1(routed: RoutedRequest): Record<string, unknown> {
  const { api, stage, request, routeKey } = routed
  const iam = routed.authorizer && 'iam' in routed.authorizer ? routed.authorizer.iam : undefined
  const authorizer = authorizerOf(routed.authorizer)
  const headers = gatewayHeaders(routed)
  const query = [...queryValues(request.rawQuery)]
  const path = decodedPath(routed)
  const resource = routeKey.includes(' ') ? routeKey.slice(routeKey.indexOf(' ') + 1) : routeKey
  return {
    version: '1.0',
    resource,
    path,
    httpMethod: request.method,
    headers: Object.fromEntries(headers),
    multiValueHeaders: Object.fromEntries(headers.map(([name, value]) => [name, [value]])),
    queryStringParameters: orNull(
      Object.fromEntries(query.map(([name, values]) => [name, values.at(-1) ?? ''])),
    ),
    multiValueQueryStringParameters: orNull(Object.fromEntries(query)),
    requestContext: {
      accountId: routed.environment.accountId,
      apiId: api.apiId,
      ...(authorizer ? { authorizer } : {}),
      domainName: api.domainName,
      domainPrefix: api.apiId,
      extendedRequestId: request.requestId,
      httpMethod: request.method,
      identity: {
        accessKey: iam?.accessKey ?? null,
        accountId: iam?.accountId ?? null,
        caller: iam?.callerId ?? null,
        cognitoAmr: null,
        cognitoAuthenticationProvider: null,
        cognitoAuthenticationType: null,
        cognitoIdentityId: null,
        cognitoIdentityPoolId: null,
        principalOrgId: iam?.principalOrgId ?? null,
        sourceIp: request.sourceIp,
        user: iam?.userId ?? null,
        userAgent: request.headers['user-agent'] ?? '',
        userArn: iam?.userArn ?? null,
      },
      path,
      protocol: request.protocol,
      requestId: request.requestId,
      requestTime: clfTime(request.time),
      requestTimeEpoch: request.time,
      resourceId: routeKey,
      resourcePath: resource,
      stage: stage.name,
    },
    pathParameters: orNull(routed.pathParameters),
    stageVariables: orNull(stage.variables),
    body: request.body.length === 0 ? null : encodedBody(request),
    isBase64Encoded: isBase64Encoded(request),
  }
}

/** Claims and scopes of a token, or the keys of a function's context beside the principal; a signer is the identity. */
function authorizerOf(context: AuthorizerContext | undefined): object | undefined {
  if (!context || 'iam' in context) return undefined
  if ('jwt' in context) return context.jwt
  const { lambda, principalId } = context
  return { ...lambda, ...(principalId === undefined ? {} : { principalId }) }
}

function orNull<T extends object>(value: T): T | null {
  return isEmpty(value) ? null : value
}
