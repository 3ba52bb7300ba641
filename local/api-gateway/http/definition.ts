import type { Environment, Resource } from '../../cloudformation/resource.ts'
import { type AccessLogSettings, readAccessLogSettings } from '../access-log.ts'
import type { ThrottleSettings } from '../throttle.ts'
import { type AuthorizerDefinition, defineAuthorizer } from './authorizer-definition.ts'
import {
  type HttpIntegration,
  defineIntegration,
  missingIntegration,
  quickIntegration,
} from './integration-definition.ts'
import { importedCors, importedResources } from './open-api.ts'
import { record, text, texts } from './properties.ts'
import { parseRouteKey, type RouteKey } from './routes.ts'

/** What an `AWS::ApiGatewayV2::Api` with `ProtocolType: HTTP` and everything that refers to it comes to. */
export interface HttpApiDefinition {
  readonly logicalId: string
  /** For messages to people: the construct path. */
  readonly path: string
  /** `x1y2z3abcd` */
  readonly apiId: string
  /** `x1y2z3abcd.execute-api.eu-west-1.amazonaws.com` */
  readonly domainName: string
  readonly cors?: CorsConfiguration
  readonly stages: readonly HttpStage[]
  readonly routes: readonly HttpRoute[]
  /** What is not served as on AWS, in words for the developer. */
  readonly problems: readonly string[]
}

export interface CorsConfiguration {
  readonly allowCredentials: boolean
  readonly allowHeaders: readonly string[]
  readonly allowMethods: readonly string[]
  /** `https://app.example`, `*`, `https://*` or `http://*` */
  readonly allowOrigins: readonly string[]
  readonly exposeHeaders: readonly string[]
  /** Seconds. */
  readonly maxAge?: number
}

export interface HttpStage {
  /** `$default` is served at the root, any other under `/{name}`. */
  readonly name: string
  readonly variables: Readonly<Record<string, string>>
  /** For routes without settings of their own. */
  readonly throttle?: ThrottleSettings
  readonly routeThrottles: Readonly<Record<string, ThrottleSettings>>
  readonly accessLog?: AccessLogSettings
}

export interface HttpRoute {
  readonly key: RouteKey
  readonly authorization: RouteAuthorization
  /** `AuthorizationScopes`, of which a token must have one. */
  readonly scopes: readonly string[]
  readonly integration: HttpIntegration
}

export type RouteAuthorization = AuthorizerDefinition | { readonly type: 'none' | 'iam' }

/**
 * Every HTTP API of the template.
 *
 * Every stage serves every route: deployments are not told apart, as if each stage had `AutoDeploy`. What can't be served
 * as AWS would serve it is among the API's problems, and its routes tell so to whoever calls them: nothing is left open
 * or out silently.
 */
export function httpApis(resources: readonly Resource[], environment: Environment): HttpApiDefinition[] {
  return resources.filter(isHttpApi).map((api) => defineApi(api, resources, environment))
}

/** An import from OpenAPI makes an HTTP API without saying so. */
const isHttpApi = ({ type, properties }: Resource) =>
  type === 'AWS::ApiGatewayV2::Api' && (properties['ProtocolType'] ?? 'HTTP') === 'HTTP'

function defineApi(
  api: Resource,
  resources: readonly Resource[],
  environment: Environment,
): HttpApiDefinition {
  const { properties, path, logicalId, physicalId: apiId } = api
  const problems: string[] = []
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work()
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error))
      return undefined
    }
  }
  const all = [...resources, ...(attempt(() => importedResources(api)) ?? [])]
  const own = (type: string) =>
    all.filter((r) => r.type === `AWS::ApiGatewayV2::${type}` && r.properties['ApiId'] === apiId)
  const parts = {
    integrations: new Map(own('Integration').map((r) => [r.physicalId, r])),
    authorizers: authorizersById(own('Authorizer'), resources),
  }
  const routes = own('Route').flatMap((route) => attempt(() => defineRoute(route, parts, problems)) ?? [])
  const stages = own('Stage').map(defineStage)

  // Quick create makes one catch-all route, its integration and the stage `$default`, none of them in the template.
  const target = text(properties['Target'])
  if (target !== undefined) {
    const key = attempt(() => parseRouteKey(text(properties['RouteKey']) ?? '$default'))
    const integration = quickIntegration(target, text(properties['CredentialsArn']))
    if (key) routes.push({ key, authorization: { type: 'none' }, scopes: [], integration })
    if (!stages.some((s) => s.name === '$default'))
      stages.push({ name: '$default', variables: {}, routeThrottles: {} })
  }

  const domain = environment.partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'
  const cors = defineCors(properties['CorsConfiguration'] ?? importedCors(api))
  return {
    logicalId,
    path,
    apiId,
    domainName: `${apiId}.execute-api.${environment.region}.${domain}`,
    ...(cors ? { cors } : {}),
    stages,
    routes,
    problems: [...problems, ...unreachableIssuers(routes)],
  }
}

/** One object per authorizer, whichever routes use it; one that can't be made is kept as the reason. */
function authorizersById(
  authorizers: readonly Resource[],
  resources: readonly Resource[],
): ReadonlyMap<string, AuthorizerDefinition | Error> {
  const define = (resource: Resource): AuthorizerDefinition | Error => {
    try {
      return defineAuthorizer(resource, resources)
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }
  return new Map(authorizers.map((resource) => [resource.physicalId, define(resource)]))
}

interface RouteParts {
  readonly integrations: ReadonlyMap<string, Resource>
  readonly authorizers: ReadonlyMap<string, AuthorizerDefinition | Error>
}

/** @throws Error for a route key that is none; any other trouble is the route's answer to whoever calls it */
function defineRoute({ path, properties }: Resource, parts: RouteParts, problems: string[]): HttpRoute {
  const routeKey = text(properties['RouteKey']) ?? ''
  const key = parseRouteKey(routeKey)
  const scopes = texts(properties['AuthorizationScopes'])
  try {
    const target = text(properties['Target']) ?? ''
    const resource = parts.integrations.get(target.replace(/^integrations\//, ''))
    if (!resource) throw new Error(`its target is "${target}", which is no integration of its API`)
    const authorization = defineAuthorization(properties, parts.authorizers)
    return { key, authorization, scopes, integration: defineIntegration(resource) }
  } catch (error) {
    const reason = `route "${routeKey}" (${path}) is not served: ${(error as Error).message}`
    problems.push(reason)
    return { key, authorization: { type: 'none' }, scopes, integration: missingIntegration(reason) }
  }
}

function defineAuthorization(
  properties: Resource['properties'],
  authorizers: RouteParts['authorizers'],
): RouteAuthorization {
  const type = text(properties['AuthorizationType']) ?? 'NONE'
  if (type === 'NONE') return { type: 'none' }
  if (type === 'AWS_IAM') return { type: 'iam' }
  const wanted = { JWT: 'jwt', CUSTOM: 'lambda' }[type]
  if (wanted === undefined)
    throw new Error(`its authorization type is "${type}"; expected NONE, JWT, CUSTOM or AWS_IAM`)
  const id = text(properties['AuthorizerId']) ?? ''
  const authorizer = authorizers.get(id)
  if (authorizer instanceof Error) throw authorizer
  if (authorizer?.type !== wanted)
    throw new Error(`its authorizer is "${id}", which is no authorizer of its API for the type ${type}`)
  return authorizer
}

/** Said once, at the start, of authorizers that nobody can pass here. */
function unreachableIssuers(routes: readonly HttpRoute[]): string[] {
  const said = new Set<AuthorizerDefinition>()
  return routes.flatMap(({ authorization }) => {
    if (authorization.type !== 'jwt' || authorization.unreachable === undefined || said.has(authorization))
      return []
    said.add(authorization)
    return [
      `authorizer "${authorization.path}" answers 401 to every token: ${authorization.unreachable}; ` +
        'have the app take the issuer and audience of a pool that is deployed, or of an OpenID provider on this machine, from its context',
    ]
  })
}

function defineStage({ properties }: Resource): HttpStage {
  const throttle = defineThrottle(properties['DefaultRouteSettings'])
  const accessLog = readAccessLogSettings(properties['AccessLogSettings'])
  return {
    name: text(properties['StageName']) ?? '$default',
    variables: Object.fromEntries(
      Object.entries(record(properties['StageVariables'])).map(([name, value]) => [name, String(value)]),
    ),
    ...(throttle ? { throttle } : {}),
    ...(accessLog ? { accessLog } : {}),
    routeThrottles: Object.fromEntries(
      Object.entries(record(properties['RouteSettings'])).flatMap(([key, settings]) => {
        const own = defineThrottle(settings)
        return own ? [[key, own]] : []
      }),
    ),
  }
}

/**
 * Settings that leave a throttle value out have it at 0, and then everything answers 429, as on AWS when settings come
 * from CloudFormation (github.com/hashicorp/terraform-provider-aws/issues/14742).
 */
function defineThrottle(settings: unknown): ThrottleSettings | undefined {
  if (settings === undefined) return undefined
  const { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst } = record(settings)
  return { rate: Number(rate ?? 0), burst: Number(burst ?? 0) }
}

function defineCors(value: unknown): CorsConfiguration | undefined {
  if (value === undefined) return undefined
  const cors = record(value)
  return {
    allowCredentials: cors['AllowCredentials'] === true || cors['AllowCredentials'] === 'true',
    allowHeaders: texts(cors['AllowHeaders']),
    allowMethods: texts(cors['AllowMethods']),
    allowOrigins: texts(cors['AllowOrigins']),
    exposeHeaders: texts(cors['ExposeHeaders']),
    ...(cors['MaxAge'] === undefined ? {} : { maxAge: Number(cors['MaxAge']) }),
  }
}
