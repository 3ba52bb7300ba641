import { eventV2, type RoutedRequest } from './event.ts'
import { eventV1 } from './event-v1.ts'

/** `arn:aws:execute-api:eu-west-1:123456789012:x1y2z3abcd` */
export function apiArn({ environment, api }: RoutedRequest): string {
  const { partition, region, accountId } = environment
  return `arn:${partition}:execute-api:${region}:${accountId}:${api.apiId}`
}

/** `arn:aws:execute-api:eu-west-1:123456789012:x1y2z3abcd/$default/GET/tasks/7`: what policies of callers are about. */
export function routeArn(routed: RoutedRequest): string {
  const { stage, request, stagePath } = routed
  return `${apiArn(routed)}/${stage.name}/${request.method}${decodeURIComponent(stagePath)}`
}

/**
 * `arn:aws:execute-api:eu-west-1:123456789012:x1y2z3abcd/$default/GET/tasks/{id}`: what policies of functions see as the
 * source, with the path as the route has it.
 */
export function sourceArn(routed: RoutedRequest): string {
  const { stage, request, routeKey } = routed
  const [key, path] = routeKey.split(' ')
  return `${apiArn(routed)}/${stage.name}/${path === undefined ? key : `${request.method}${path}`}`
}

/**
 * What a Lambda authorizer is asked. Format 2.0:
 *
 * ```json
 * {"version":"2.0","type":"REQUEST","routeArn":"arn:aws:execute-api:eu-west-1:123456789012:x1y2z3abcd/$default/GET/tasks/7",
 *  "identitySource":["user1","123"],"routeKey":"GET /tasks/{id}","rawPath":"/tasks/7","rawQueryString":"",
 *  "headers":{},"requestContext":{},"pathParameters":{"id":"7"}}
 * ```
 *
 * and the rest as the function's own event without its body. Format 1.0 has `methodArn`, the identities joined with a
 * comma as `identitySource` and `authorizationToken`, and the rest likewise.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 */
export function authorizerEvent(
  format: '1.0' | '2.0',
  routed: RoutedRequest,
  identities: readonly string[],
): Record<string, unknown> {
  const arn = routeArn(routed)
  if (format === '2.0') {
    const { version, body: _body, isBase64Encoded: _isBase64Encoded, ...rest } = eventV2(routed)
    return { version, type: 'REQUEST', routeArn: arn, identitySource: identities, ...rest }
  }
  const { version, body: _body, isBase64Encoded: _isBase64Encoded, ...rest } = eventV1(routed)
  const identitySource = identities.join(',')
  return {
    version,
    type: 'REQUEST',
    methodArn: arn,
    identitySource,
    authorizationToken: identitySource,
    ...rest,
  }
}
