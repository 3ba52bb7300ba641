import type { Resource } from '../../cloudformation/resource.ts'
import { MAX_AUTHORIZER_TTL_SECONDS } from './limits.ts'
import { functionArn, text, texts, record } from './properties.ts'

/** What an `AWS::ApiGatewayV2::Authorizer` of an HTTP API comes to. */
export type AuthorizerDefinition = JwtAuthorizerDefinition | LambdaAuthorizerDefinition

export interface JwtAuthorizerDefinition {
  readonly type: 'jwt'
  /** For messages to people: the construct path. */
  readonly path: string
  /** `https://issuer.example` */
  readonly issuer: string
  readonly audience: readonly string[]
  /** `$request.header.Authorization` */
  readonly identitySource: string
  /** Why the issuer can't be asked for its keys from here. */
  readonly unreachable?: string
}

export interface LambdaAuthorizerDefinition {
  readonly type: 'lambda'
  readonly path: string
  readonly authorizerId: string
  /** A function's ARN; may hold `${stageVariables.name}`. */
  readonly target: string
  readonly payloadFormat: '1.0' | '2.0'
  /** Whether the function answers `{"isAuthorized":true}` in the place of a policy. */
  readonly simpleResponses: boolean
  /** `$request.header.Authorization`, `$context.routeKey` */
  readonly identitySources: readonly string[]
  /** How long an answer is kept; 0 keeps none. */
  readonly ttlSeconds: number
  /** The role that the gateway invokes the function with, where it is not the function's own policy that lets it. */
  readonly credentialsArn?: string
}

/** @throws Error for one that can't be made on AWS either, or not here */
export function defineAuthorizer(resource: Resource, resources: readonly Resource[]): AuthorizerDefinition {
  const type = text(resource.properties['AuthorizerType']) ?? ''
  switch (type) {
    case 'JWT':
      return defineJwt(resource, resources)
    case 'REQUEST':
      return defineLambda(resource)
    default:
      throw new Error(`authorizer "${resource.path}" has the type "${type}"; expected JWT or REQUEST`)
  }
}

const IDENTITY = /^\$(request\.(header|querystring)|context|stageVariables)\..+$/

function identitySources({ path, properties }: Resource): string[] {
  const value = properties['IdentitySource']
  const sources = typeof value === 'string' ? value.split(',').map((source) => source.trim()) : texts(value)
  const wrong = sources.find((source) => !IDENTITY.test(source))
  if (wrong === undefined) return sources
  throw new Error(
    `authorizer "${path}" has the identity source "${wrong}"; expected $request.header.<name>, ` +
      '$request.querystring.<name>, $context.<name> or $stageVariables.<name>',
  )
}

function defineJwt(resource: Resource, resources: readonly Resource[]): JwtAuthorizerDefinition {
  const { path, properties } = resource
  const { Issuer, Audience } = record(properties['JwtConfiguration'])
  const issuer = text(Issuer) ?? ''
  if (!URL.canParse(issuer) || !/^https?:$/.test(new URL(issuer).protocol))
    throw new Error(`authorizer "${path}" has the issuer "${issuer}"; expected an https URL`)
  const [identitySource = '$request.header.Authorization'] = identitySources(resource)
  const pool = resources.find(
    ({ type, physicalId }) => type === 'AWS::Cognito::UserPool' && issuer.split('/').at(-1) === physicalId,
  )
  return {
    type: 'jwt',
    path,
    issuer,
    audience: texts(Audience),
    identitySource,
    // A pool made by the template is nowhere: asking Amazon Cognito for the keys of an invented id helps nobody.
    ...(pool ? { unreachable: `the user pool "${pool.path}" is made on AWS only` } : {}),
  }
}

function defineLambda(resource: Resource): LambdaAuthorizerDefinition {
  const { path, physicalId, properties } = resource
  const payloadFormat = text(properties['AuthorizerPayloadFormatVersion'])
  if (payloadFormat !== '1.0' && payloadFormat !== '2.0')
    throw new Error(
      `authorizer "${path}" has the AuthorizerPayloadFormatVersion "${payloadFormat ?? ''}"; expected 1.0 or 2.0`,
    )
  const simpleResponses = String(properties['EnableSimpleResponses']) === 'true'
  if (simpleResponses && payloadFormat === '1.0')
    throw new Error(`authorizer "${path}" has EnableSimpleResponses, which payload format 1.0 does not have`)
  // "You can enable caching … by specifying an authorizerResultTtlInSeconds": without one there is none.
  const ttlSeconds = Number(properties['AuthorizerResultTtlInSeconds'] ?? 0)
  if (!(ttlSeconds >= 0 && ttlSeconds <= MAX_AUTHORIZER_TTL_SECONDS))
    throw new Error(
      `authorizer "${path}" has the AuthorizerResultTtlInSeconds "${String(properties['AuthorizerResultTtlInSeconds'])}"; ` +
        `expected 0 to ${MAX_AUTHORIZER_TTL_SECONDS}`,
    )
  const sources = identitySources(resource)
  if (ttlSeconds > 0 && sources.length === 0)
    throw new Error(
      `authorizer "${path}" keeps results without an identity source; give it one or a TTL of 0`,
    )
  const credentialsArn = text(properties['AuthorizerCredentialsArn'])
  return {
    type: 'lambda',
    path,
    authorizerId: physicalId,
    target: functionArn(text(properties['AuthorizerUri']) ?? ''),
    payloadFormat,
    simpleResponses,
    identitySources: sources,
    ttlSeconds,
    ...(credentialsArn === undefined ? {} : { credentialsArn }),
  }
}
