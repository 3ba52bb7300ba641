import type { Resource } from '../../cloudformation/resource.ts'
import { record, text } from './properties.ts'

/** Keys of a path that are operations, with the methods of their routes. */
const METHODS: Readonly<Record<string, string>> = {
  get: 'GET',
  head: 'HEAD',
  post: 'POST',
  put: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  options: 'OPTIONS',
  'x-amazon-apigateway-any-method': 'ANY',
}

/** What integrations and authorizers are called in a definition, and in a template. */
const INTEGRATION_PROPERTIES: Readonly<Record<string, string>> = {
  connectionId: 'ConnectionId',
  connectionType: 'ConnectionType',
  credentials: 'CredentialsArn',
  httpMethod: 'IntegrationMethod',
  integrationSubtype: 'IntegrationSubtype',
  payloadFormatVersion: 'PayloadFormatVersion',
  requestParameters: 'RequestParameters',
  responseParameters: 'ResponseParameters',
  timeoutInMillis: 'TimeoutInMillis',
  uri: 'IntegrationUri',
}

const AUTHORIZER_PROPERTIES: Readonly<Record<string, string>> = {
  authorizerCredentials: 'AuthorizerCredentialsArn',
  authorizerPayloadFormatVersion: 'AuthorizerPayloadFormatVersion',
  authorizerResultTtlInSeconds: 'AuthorizerResultTtlInSeconds',
  authorizerUri: 'AuthorizerUri',
  enableSimpleResponses: 'EnableSimpleResponses',
  identitySource: 'IdentitySource',
}

/**
 * The routes, integrations and authorizers of an API's OpenAPI definition (`Body`), as if the template had them one by
 * one; none for an API without one.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
 * @throws Error for a definition that is not in the template
 */
export function importedResources(api: Resource): Resource[] {
  const { Body, BodyS3Location } = api.properties
  if (BodyS3Location !== undefined)
    throw new Error(
      `HTTP API "${api.path}" has its OpenAPI definition in S3, which is not emulated; put it into the template as Body`,
    )
  if (Body === undefined) return []
  const { components, paths, security } = record(Body)
  const part = (type: string, id: string, properties: Record<string, unknown>): Resource => ({
    ...api,
    logicalId: `${api.logicalId}/${id}`,
    type: `AWS::ApiGatewayV2::${type}`,
    path: `${api.path}/${id}`,
    physicalId: id,
    arn: '',
    properties: { ApiId: api.physicalId, ...properties },
  })
  const { securitySchemes, 'x-amazon-apigateway-integrations': shared } = record(components)
  const authorizers = Object.entries(record(securitySchemes)).flatMap(([name, scheme]) => {
    const properties = authorizerProperties(record(scheme))
    return properties ? [part('Authorizer', name, properties)] : []
  })
  const operations = Object.entries(record(paths)).flatMap(([path, item]) =>
    Object.entries(record(item)).flatMap(([name, operation]) => {
      const method = METHODS[name]
      return method === undefined
        ? []
        : [{ routeKey: routeKeyOf(method, path), operation: record(operation) }]
    }),
  )
  const routes = operations.flatMap(({ routeKey, operation }) => {
    const integration = integrationProperties(operation, record(shared))
    const authorization = authorizationProperties(operation, security, authorizers)
    const Target = `integrations/${routeKey}`
    return [
      part('Route', routeKey, { RouteKey: routeKey, Target, ...authorization }),
      ...(integration ? [part('Integration', routeKey, integration)] : []),
    ]
  })
  return [...authorizers, ...routes]
}

/** The CORS configuration of the definition, named as in a template. */
export function importedCors({ properties }: Resource): Record<string, unknown> | undefined {
  const cors = record(properties['Body'])['x-amazon-apigateway-cors']
  if (cors === undefined) return undefined
  return Object.fromEntries(
    Object.entries(record(cors)).map(([name, value]) => [
      name.charAt(0).toUpperCase() + name.slice(1),
      value,
    ]),
  )
}

const routeKeyOf = (method: string, path: string) => (path === '/$default' ? '$default' : `${method} ${path}`)

function integrationProperties(
  operation: Readonly<Record<string, unknown>>,
  shared: Readonly<Record<string, unknown>>,
): Record<string, unknown> | undefined {
  const written = operation['x-amazon-apigateway-integration']
  if (written === undefined) return undefined
  const reference = text(record(written)['$ref'])?.split('/').at(-1)
  const integration = record(reference === undefined ? written : shared[reference])
  return {
    IntegrationType: (text(integration['type']) ?? '').toUpperCase(),
    ...renamed(integration, INTEGRATION_PROPERTIES),
  }
}

function authorizerProperties(
  scheme: Readonly<Record<string, unknown>>,
): Record<string, unknown> | undefined {
  const written = scheme['x-amazon-apigateway-authorizer']
  if (written === undefined) return undefined
  const authorizer = record(written)
  const { issuer, audience } = record(authorizer['jwtConfiguration'])
  const discovered = text(scheme['openIdConnectUrl'])?.replace(/\/\.well-known\/openid-configuration$/, '')
  return {
    AuthorizerType: (text(authorizer['type']) ?? '').toUpperCase(),
    JwtConfiguration: { Issuer: issuer ?? discovered, Audience: audience },
    ...renamed(authorizer, AUTHORIZER_PROPERTIES),
  }
}

/** The operation's security, or the whole definition's; an empty list makes an operation open. */
function authorizationProperties(
  operation: Readonly<Record<string, unknown>>,
  fallback: unknown,
  authorizers: readonly Resource[],
): Record<string, unknown> {
  if (text(record(operation['x-amazon-apigateway-auth'])['type'])?.toUpperCase() === 'AWS_IAM')
    return { AuthorizationType: 'AWS_IAM' }
  const requirements = operation['security'] ?? fallback
  const [name, scopes] =
    Object.entries(record(Array.isArray(requirements) ? requirements[0] : undefined))[0] ?? []
  if (name === undefined) return {}
  const type = authorizers.find(({ physicalId }) => physicalId === name)?.properties['AuthorizerType']
  // A scheme that is no authorizer leaves an id that the route's definition complains of.
  return {
    AuthorizationType: type === 'REQUEST' ? 'CUSTOM' : 'JWT',
    AuthorizerId: name,
    AuthorizationScopes: scopes,
  }
}

const renamed = (value: Readonly<Record<string, unknown>>, names: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(names).flatMap(([from, to]) => (value[from] === undefined ? [] : [[to, value[from]]])),
  )
