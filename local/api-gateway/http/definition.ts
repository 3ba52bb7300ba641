import type { Environment, Resource } from '../../cloudformation/resource.ts'
import { MAX_INTEGRATION_TIMEOUT_MS, MIN_INTEGRATION_TIMEOUT_MS } from './limits.ts'
import type { ThrottleSettings } from '../throttle.ts'
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
}

export interface HttpRoute {
  readonly key: RouteKey
  readonly integration: HttpIntegration
}

export type HttpIntegration =
  | {
      readonly type: 'lambda'
      /** A function's ARN; may hold `${stageVariables.name}`. */
      readonly target: string
      readonly payloadFormat: '1.0' | '2.0'
      readonly timeoutMs: number
    }
  | {
      readonly type: 'proxy'
      /** May hold `{pathParameter}` and `${stageVariables.name}`. */
      readonly url: string
      /** `ANY` passes the client's method on. */
      readonly method: string
      readonly timeoutMs: number
    }

/**
 * Every HTTP API of the template.
 *
 * Every stage serves every route: deployments are not told apart, as if each stage had `AutoDeploy`.
 * @throws Error that lists, one per line, what cannot be served as AWS would serve it; nothing is left open or out silently
 */
export function httpApis(resources: readonly Resource[], environment: Environment): HttpApiDefinition[] {
  const problems: string[] = []
  const apis = resources
    .filter((r) => r.type === 'AWS::ApiGatewayV2::Api' && r.properties['ProtocolType'] === 'HTTP')
    .map((api) => defineApi(api, resources, environment, problems))
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return apis
}

function defineApi(
  api: Resource,
  resources: readonly Resource[],
  environment: Environment,
  problems: string[],
): HttpApiDefinition {
  const properties = api.properties
  if (properties['Body'] !== undefined || properties['BodyS3Location'] !== undefined) {
    problems.push(
      `HTTP API "${api.path}" is an OpenAPI import, which is not emulated; define its routes as AWS::ApiGatewayV2::Route`,
    )
  }
  const own = (type: string) =>
    resources.filter(
      (r) => r.type === `AWS::ApiGatewayV2::${type}` && r.properties['ApiId'] === api.physicalId,
    )

  const integrations = new Map(own('Integration').map((r) => [r.physicalId, r]))
  const routes = own('Route').flatMap((route) => defineRoute(route, integrations, problems))
  const stages = own('Stage').map(defineStage)

  // Quick create makes one catch-all route, its integration and the stage `$default`, none of them in the template.
  const target = text(properties['Target'])
  if (target !== undefined) {
    const key = text(properties['RouteKey']) ?? '$default'
    const integration: HttpIntegration = target.startsWith('arn:')
      ? {
          type: 'lambda',
          target: functionArn(target),
          payloadFormat: '2.0',
          timeoutMs: MAX_INTEGRATION_TIMEOUT_MS,
        }
      : { type: 'proxy', url: target, method: 'ANY', timeoutMs: MAX_INTEGRATION_TIMEOUT_MS }
    try {
      routes.push({ key: parseRouteKey(key), integration })
    } catch (error) {
      problems.push(`HTTP API "${api.path}": ${reason(error)}`)
    }
    if (!stages.some((s) => s.name === '$default')) {
      stages.push({ name: '$default', variables: {}, routeThrottles: {} })
    }
  }

  const domain = environment.partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'
  const cors = defineCors(properties['CorsConfiguration'])
  return {
    logicalId: api.logicalId,
    path: api.path,
    apiId: api.physicalId,
    domainName: `${api.physicalId}.execute-api.${environment.region}.${domain}`,
    ...(cors ? { cors } : {}),
    stages,
    routes,
  }
}

function defineRoute(
  route: Resource,
  integrations: ReadonlyMap<string, Resource>,
  problems: string[],
): HttpRoute[] {
  const routeKey = text(route.properties['RouteKey']) ?? ''
  const problem = (words: string): [] => {
    problems.push(`route "${routeKey}" (${route.path}) ${words}`)
    return []
  }

  const authorization = text(route.properties['AuthorizationType']) ?? 'NONE'
  if (authorization !== 'NONE') {
    return problem(
      `has authorization type "${authorization}", which is not emulated yet; expected NONE: the route is not served without its authorizer`,
    )
  }
  const target = text(route.properties['Target'])
  const integration =
    target === undefined ? undefined : integrations.get(target.replace(/^integrations\//, ''))
  if (!integration) return problem(`has the target "${target ?? ''}", which is no integration of its API`)
  try {
    return [{ key: parseRouteKey(routeKey), integration: defineIntegration(integration) }]
  } catch (error) {
    return problem(`cannot be served: ${reason(error)}`)
  }
}

function defineIntegration({ path, properties }: Resource): HttpIntegration {
  for (const name of ['RequestParameters', 'ResponseParameters', 'IntegrationSubtype', 'TlsConfig']) {
    if (properties[name] !== undefined)
      throw new Error(`integration "${path}" has ${name}, which is not emulated`)
  }
  if (properties['ConnectionType'] === 'VPC_LINK') {
    throw new Error(`integration "${path}" goes through a VPC link, which is not emulated`)
  }
  const timeoutMs =
    properties['TimeoutInMillis'] === undefined
      ? MAX_INTEGRATION_TIMEOUT_MS
      : Number(properties['TimeoutInMillis'])
  if (!(timeoutMs >= MIN_INTEGRATION_TIMEOUT_MS && timeoutMs <= MAX_INTEGRATION_TIMEOUT_MS)) {
    throw new Error(
      `integration "${path}" has the TimeoutInMillis "${String(properties['TimeoutInMillis'])}"; ` +
        `expected ${MIN_INTEGRATION_TIMEOUT_MS} to ${MAX_INTEGRATION_TIMEOUT_MS}`,
    )
  }
  const uri = text(properties['IntegrationUri']) ?? ''
  const type = text(properties['IntegrationType']) ?? ''
  switch (type) {
    case 'AWS_PROXY': {
      const payloadFormat = text(properties['PayloadFormatVersion']) ?? '1.0'
      if (payloadFormat !== '1.0' && payloadFormat !== '2.0') {
        throw new Error(
          `integration "${path}" has the PayloadFormatVersion "${payloadFormat}"; expected 1.0 or 2.0`,
        )
      }
      return { type: 'lambda', target: functionArn(uri), payloadFormat, timeoutMs }
    }
    case 'HTTP_PROXY':
      if (!/^https?:\/\//.test(uri)) {
        throw new Error(`integration "${path}" has the URI "${uri}"; expected an http or https URL`)
      }
      return { type: 'proxy', url: uri, method: text(properties['IntegrationMethod']) ?? 'ANY', timeoutMs }
    default:
      throw new Error(`integration "${path}" has the type "${type}"; expected AWS_PROXY or HTTP_PROXY`)
  }
}

/** `arn:…:apigateway:{region}:lambda:path/2015-03-31/functions/{function ARN}/invocations` gives the function's ARN. */
function functionArn(uri: string): string {
  return /:lambda:path\/[^/]+\/functions\/(.+)\/invocations$/.exec(uri)?.[1] ?? uri
}

function defineStage({ properties }: Resource): HttpStage {
  const throttle = defineThrottle(properties['DefaultRouteSettings'])
  return {
    name: text(properties['StageName']) ?? '$default',
    variables: Object.fromEntries(
      Object.entries(record(properties['StageVariables'])).map(([name, value]) => [name, String(value)]),
    ),
    ...(throttle ? { throttle } : {}),
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

const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
const texts = (value: unknown) => (Array.isArray(value) ? value.map(String) : [])
const record = (value: unknown) =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
const reason = (error: unknown) => (error instanceof Error ? error.message : String(error))
