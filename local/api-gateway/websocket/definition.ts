import type { Environment, Resource } from '../../cloudformation/resource.ts'
import type { ThrottleSettings } from '../throttle.ts'
import { MAX_INTEGRATION_TIMEOUT_MS } from './limits.ts'

/** What an `AWS::ApiGatewayV2::Api` with `ProtocolType: WEBSOCKET` and everything that refers to it comes to. */
export interface WebSocketApiDefinition {
  readonly logicalId: string
  /** The construct path, for messages to people. */
  readonly path: string
  /** `a1b2c3d4e5` */
  readonly apiId: string
  /** `a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com` */
  readonly domainName: string
  /** `$request.body.action` */
  readonly routeSelectionExpression: string
  readonly stages: readonly WebSocketStage[]
  readonly routes: ReadonlyMap<string, WebSocketRoute>
}

export interface WebSocketStage {
  readonly name: string
  readonly variables: Readonly<Record<string, string>>
  readonly throttle?: ThrottleSettings
  readonly routeThrottles: Readonly<Record<string, ThrottleSettings>>
}

export interface WebSocketRoute {
  /** `$connect`, `$default`, `subscribe` */
  readonly key: string
  /** Whether what the integration answers goes to the client. */
  readonly isTwoWay: boolean
  readonly integration: WebSocketIntegration
}

/** Templates by the key that a selection expression gives. */
export interface Templates {
  readonly expression: string | undefined
  readonly templates: Readonly<Record<string, string>>
}

export type WebSocketIntegration =
  | { readonly type: 'lambda'; readonly functionArn: string; readonly timeoutMs: number }
  | { readonly type: 'mock'; readonly request: Templates; readonly responses: readonly IntegrationResponse[] }

export interface IntegrationResponse extends Templates {
  /** `$default` or `/regex/` */
  readonly key: string
}

const FUNCTION_IN_URI = /:lambda:path\/2015-03-31\/functions\/(.+)\/invocations$/

/**
 * The WebSocket APIs of the template, in its order.
 * @throws for what is not emulated yet and would behave differently in silence, naming the route
 */
export function webSocketApis(
  resources: readonly Resource[],
  environment: Environment,
): WebSocketApiDefinition[] {
  return resources
    .filter((r) => r.type === 'AWS::ApiGatewayV2::Api' && r.properties['ProtocolType'] === 'WEBSOCKET')
    .map((api) => toDefinition(api, resources, environment))
}

function toDefinition(
  api: Resource,
  resources: readonly Resource[],
  environment: Environment,
): WebSocketApiDefinition {
  const ofApi = (type: string) =>
    resources.filter(
      (r) => r.type === `AWS::ApiGatewayV2::${type}` && r.properties['ApiId'] === api.physicalId,
    )
  const integrations = new Map(ofApi('Integration').map((r) => [`integrations/${r.physicalId}`, r]))
  const answering = new Set(ofApi('RouteResponse').map((r) => r.properties['RouteId']))
  const routes = ofApi('Route').flatMap((route) => {
    const {
      RouteKey,
      Target,
      AuthorizationType = 'NONE',
      RouteResponseSelectionExpression,
      ApiKeyRequired = false,
      RequestModels = {},
    } = route.properties
    const key = String(RouteKey)
    if (AuthorizationType !== 'NONE')
      throw new Error(
        `${route.path}: route "${key}" asks for ${String(AuthorizationType)} authorization, which is not emulated; ` +
          'it would be open here, so the stack does not start',
      )
    if (String(ApiKeyRequired) !== 'false')
      throw new Error(
        `${route.path}: route "${key}" has ApiKeyRequired, which is not emulated; ` +
          'it would be open here, so the stack does not start',
      )
    if (Object.keys(RequestModels as object).length > 0)
      throw new Error(
        `${route.path}: route "${key}" has RequestModels, which are not emulated; ` +
          'it would take any message here, so the stack does not start',
      )
    if (Target === undefined && key.startsWith('$')) return [] // a $connect with no integration accepts everybody
    const integration = integrations.get(String(Target))
    if (!integration)
      throw new Error(
        `${route.path}: route "${key}" has the target "${String(Target)}", which is no integration of its API`,
      )
    const isTwoWay = RouteResponseSelectionExpression === '$default' && answering.has(route.physicalId)
    return [{ key, isTwoWay, integration: toIntegration(integration, key, ofApi('IntegrationResponse')) }]
  })
  return {
    logicalId: api.logicalId,
    path: api.path,
    apiId: api.physicalId,
    domainName: `${api.physicalId}.execute-api.${environment.region}.amazonaws.com`,
    routeSelectionExpression: expressionOf(api),
    stages: ofApi('Stage').map(toStage),
    routes: new Map(routes.map((route) => [route.key, route])),
  }
}

function expressionOf({ path, properties }: Resource): string {
  const expression = properties['RouteSelectionExpression']
  if (typeof expression === 'string') return expression
  throw new Error(
    `${path}: RouteSelectionExpression is missing; a WebSocket API needs one, such as $request.body.action`,
  )
}

function toIntegration(
  { path, physicalId, properties }: Resource,
  routeKey: string,
  responses: readonly Resource[],
): WebSocketIntegration {
  const type = String(properties['IntegrationType'])
  if (type === 'AWS_PROXY') {
    const [, functionArn] = FUNCTION_IN_URI.exec(String(properties['IntegrationUri'])) ?? []
    if (functionArn === undefined)
      throw new Error(
        `${path}: the integration of route "${routeKey}" has the URI "${String(properties['IntegrationUri'])}"; expected a Lambda function's`,
      )
    return {
      type: 'lambda',
      functionArn,
      timeoutMs: Number(properties['TimeoutInMillis'] ?? MAX_INTEGRATION_TIMEOUT_MS),
    }
  }
  if (type === 'MOCK')
    return {
      type: 'mock',
      request: templatesOf(properties, 'RequestTemplates'),
      responses: responses
        .filter((r) => r.properties['IntegrationId'] === physicalId)
        .map((r) => ({
          key: String(r.properties['IntegrationResponseKey']),
          ...templatesOf(r.properties, 'ResponseTemplates'),
        })),
    }
  throw new Error(
    `${path}: the integration of route "${routeKey}" is ${type}, which is not emulated; AWS_PROXY and MOCK are`,
  )
}

function templatesOf(properties: Resource['properties'], name: string): Templates {
  const expression = properties['TemplateSelectionExpression']
  return {
    expression: typeof expression === 'string' ? expression : undefined,
    templates: (properties[name] ?? {}) as Readonly<Record<string, string>>,
  }
}

interface RouteSettings {
  readonly ThrottlingRateLimit?: number
  readonly ThrottlingBurstLimit?: number
}

function toStage({ properties, physicalId }: Resource): WebSocketStage {
  const defaults = properties['DefaultRouteSettings'] as RouteSettings | undefined
  const perRoute = (properties['RouteSettings'] ?? {}) as Readonly<Record<string, RouteSettings>>
  return {
    name: physicalId,
    variables: (properties['StageVariables'] ?? {}) as Readonly<Record<string, string>>,
    ...(defaults ? { throttle: toThrottle(defaults) } : {}),
    routeThrottles: Object.fromEntries(
      Object.entries(perRoute).map(([key, value]) => [key, toThrottle(value)]),
    ),
  }
}

/** Settings that are given without these two leave them at 0, and everything is answered with 429: as on AWS. */
const toThrottle = ({
  ThrottlingRateLimit = 0,
  ThrottlingBurstLimit = 0,
}: RouteSettings): ThrottleSettings => ({
  rate: ThrottlingRateLimit,
  burst: ThrottlingBurstLimit,
})
