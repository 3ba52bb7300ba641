import type { Resource } from '../../cloudformation/resource.ts'
import { MAX_AUTHORIZERS } from './limits.ts'

/** Who may open a connection, as the `$connect` route says: the only one that can have an authorizer or ask for a key. */
export interface ConnectAccess {
  readonly authorization: ConnectAuthorization
  readonly isKeyRequired: boolean
  /** Where the key is: `$request.header.x-api-key`, or `$context.authorizer.usageIdentifierKey`. */
  readonly keySource: 'header' | 'authorizer'
}

export type ConnectAuthorization = { readonly type: 'none' | 'iam' } | LambdaAuthorizerDefinition

/** What an `AWS::ApiGatewayV2::Authorizer` of a WebSocket API comes to; results are never kept. */
export interface LambdaAuthorizerDefinition {
  readonly type: 'lambda'
  /** The construct path, for messages to people. */
  readonly path: string
  readonly authorizerId: string
  /** May hold `${stageVariables.name}`. */
  readonly functionArn: string
  /** The role that the gateway takes on to invoke the function; undefined where the function's own policy decides. */
  readonly credentialsArn: string | undefined
  readonly identitySources: readonly IdentitySource[]
}

/** `route.request.header.Auth`, `route.request.querystring.token`, `context.stage`, `stageVariables.secret` */
export interface IdentitySource {
  readonly from: 'header' | 'querystring' | 'context' | 'stageVariables'
  readonly name: string
}

/**
 * @param api the API itself
 * @param ofApi resources of a type that belong to the API
 * @param problems told of what API Gateway would refuse
 * @throws Error for a `$connect` that would be open here and is not on AWS, naming it
 */
export function readConnectAccess(
  api: Resource,
  ofApi: (type: string) => readonly Resource[],
  problems: string[],
): ConnectAccess {
  const authorizers = ofApi('Authorizer')
  if (authorizers.length > MAX_AUTHORIZERS)
    problems.push(
      `${api.path}: it has ${authorizers.length} authorizers; expected at most ${MAX_AUTHORIZERS}`,
    )
  for (const { path, properties } of ofApi('Route').filter((each) => !isConnect(each))) {
    const { RouteKey, AuthorizationType = 'NONE', ApiKeyRequired = false } = properties
    if (AuthorizationType !== 'NONE')
      problems.push(`${path}: route "${String(RouteKey)}" has an authorizer, which $connect alone can have`)
    if (String(ApiKeyRequired) === 'true')
      problems.push(`${path}: route "${String(RouteKey)}" asks for an API key, which $connect alone can do`)
  }
  const route = ofApi('Route').find(isConnect)
  const { ApiKeyRequired = false } = route?.properties ?? {}
  return {
    authorization: route ? authorizationOf(route, authorizers) : { type: 'none' },
    isKeyRequired: String(ApiKeyRequired) === 'true',
    keySource: keySourceOf(api),
  }
}

const isConnect = ({ properties }: Resource) => properties['RouteKey'] === '$connect'

function authorizationOf(
  { path, properties }: Resource,
  authorizers: readonly Resource[],
): ConnectAuthorization {
  const { AuthorizationType = 'NONE', AuthorizerId } = properties
  switch (AuthorizationType) {
    case 'NONE':
      return { type: 'none' }
    case 'AWS_IAM':
      return { type: 'iam' }
    case 'CUSTOM': {
      const authorizer = authorizers.find(({ physicalId }) => physicalId === AuthorizerId)
      if (authorizer) return toAuthorizer(authorizer)
      throw new Error(
        `${path}: route "$connect" has the authorizer "${String(AuthorizerId)}", which its API does not have; ` +
          'it would be open here, so the stack does not start',
      )
    }
    default:
      throw new Error(
        `${path}: route "$connect" has the AuthorizationType "${String(AuthorizationType)}"; ` +
          'expected NONE, AWS_IAM or CUSTOM',
      )
  }
}

const FUNCTION_IN_URI = /:lambda:path\/2015-03-31\/functions\/(.+)\/invocations$/

function toAuthorizer({ path, physicalId, properties }: Resource): LambdaAuthorizerDefinition {
  const { AuthorizerType, AuthorizerUri, AuthorizerCredentialsArn, IdentitySource = [] } = properties
  const functionArn = FUNCTION_IN_URI.exec(String(AuthorizerUri))?.[1]
  if (AuthorizerType !== 'REQUEST')
    throw new Error(
      `${path}: AuthorizerType is "${String(AuthorizerType)}"; a WebSocket API takes REQUEST only`,
    )
  if (functionArn === undefined)
    throw new Error(`${path}: AuthorizerUri is "${String(AuthorizerUri)}"; expected a Lambda function's`)
  const sources =
    typeof IdentitySource === 'string' ? IdentitySource.split(',') : (IdentitySource as unknown[])
  return {
    type: 'lambda',
    path,
    authorizerId: physicalId,
    functionArn,
    credentialsArn: typeof AuthorizerCredentialsArn === 'string' ? AuthorizerCredentialsArn : undefined,
    identitySources: sources.map((source) => toIdentitySource(String(source).trim(), path)),
  }
}

const IDENTITY_SOURCE = /^\$?(?:(?:route\.)?request\.(header|querystring)|(context|stageVariables))\.(.+)$/

function toIdentitySource(source: string, path: string): IdentitySource {
  const [, ofRequest, other, name] = IDENTITY_SOURCE.exec(source) ?? []
  if (name !== undefined) return { from: (ofRequest ?? other) as IdentitySource['from'], name }
  throw new Error(
    `${path}: IdentitySource has "${source}"; expected route.request.header.<name>, ` +
      'route.request.querystring.<name>, context.<name> or stageVariables.<name>',
  )
}

function keySourceOf({ path, properties }: Resource): ConnectAccess['keySource'] {
  const expression = properties['ApiKeySelectionExpression'] ?? '$request.header.x-api-key'
  if (expression === '$request.header.x-api-key') return 'header'
  if (expression === '$context.authorizer.usageIdentifierKey') return 'authorizer'
  throw new Error(
    `${path}: ApiKeySelectionExpression is ${JSON.stringify(expression)}; ` +
      'expected $request.header.x-api-key or $context.authorizer.usageIdentifierKey',
  )
}
