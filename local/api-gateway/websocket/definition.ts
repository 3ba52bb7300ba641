import type { Environment, Resource } from '../../cloudformation/resource.ts'
import { type AccessLogSettings, readAccessLogSettings } from '../access-log.ts'
import { type StageVariables, stageVariableProblems } from '../stage-variables.ts'
import type { ThrottleSettings } from '../throttle.ts'
import { type ConnectAccess, readConnectAccess } from './connect-access.ts'
import { readRoutes, type WebSocketRoute } from './route-definition.ts'

/** What an `AWS::ApiGatewayV2::Api` with `ProtocolType: WEBSOCKET` and everything that refers to it comes to. */
export interface WebSocketApiDefinition {
  readonly logicalId: string
  /** The construct path, for messages to people. */
  readonly path: string
  /** `a1b2c3d4e5` */
  readonly apiId: string
  /** `a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com` */
  readonly domainName: string
  /** `DisableExecuteApiEndpoint`: only custom domains lead in. */
  readonly isDefaultEndpointDisabled: boolean
  /** `$request.body.action` */
  readonly routeSelectionExpression: string
  readonly stages: readonly WebSocketStage[]
  readonly routes: ReadonlyMap<string, WebSocketRoute>
  readonly connectAccess: ConnectAccess
  /** What API Gateway would refuse to deploy, in words: it is left out or passed over here. */
  readonly problems: readonly string[]
}

export interface WebSocketStage {
  readonly name: string
  readonly variables: StageVariables
  readonly throttle?: ThrottleSettings
  readonly routeThrottles: Readonly<Record<string, ThrottleSettings>>
  readonly accessLog?: AccessLogSettings
}

/**
 * The WebSocket APIs of the template, in its order.
 * @throws for a `$connect` that would be open here and is not on AWS, naming it
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
  const problems: string[] = []
  return {
    logicalId: api.logicalId,
    path: api.path,
    apiId: api.physicalId,
    domainName: `${api.physicalId}.execute-api.${environment.region}.amazonaws.com`,
    isDefaultEndpointDisabled: String(api.properties['DisableExecuteApiEndpoint']) === 'true',
    routeSelectionExpression: expressionOf(api, problems),
    stages: ofApi('Stage').map((stage) => toStage(stage, problems)),
    routes: readRoutes(ofApi, problems),
    connectAccess: readConnectAccess(api, ofApi, problems),
    problems,
  }
}

function expressionOf({ path, properties }: Resource, problems: string[]): string {
  const expression = properties['RouteSelectionExpression']
  if (typeof expression === 'string') return expression
  problems.push(
    `${path}: RouteSelectionExpression is missing; expected one, such as $request.body.action. Every message goes to $default`,
  )
  return ''
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html */
const STAGE_NAME = /^[\w-]{1,128}$/

interface RouteSettings {
  readonly ThrottlingRateLimit?: number
  readonly ThrottlingBurstLimit?: number
}

function toStage({ path, properties, physicalId }: Resource, problems: string[]): WebSocketStage {
  const defaults = properties['DefaultRouteSettings'] as RouteSettings | undefined
  const perRoute = (properties['RouteSettings'] ?? {}) as Readonly<Record<string, RouteSettings>>
  const variables = Object.fromEntries(
    Object.entries(properties['StageVariables'] ?? {}).map(([name, value]) => [name, String(value)]),
  )
  if (!STAGE_NAME.test(physicalId))
    problems.push(
      `${path}: the stage is called "${physicalId}"; expected at most 128 characters of A-Z a-z 0-9 - _`,
    )
  problems.push(...stageVariableProblems(variables).map((problem) => `${path}: ${problem}`))
  const accessLog = readAccessLogSettings(properties['AccessLogSettings'])
  return {
    name: physicalId,
    variables,
    ...(defaults ? { throttle: toThrottle(defaults) } : {}),
    routeThrottles: Object.fromEntries(
      Object.entries(perRoute).map(([key, value]) => [key, toThrottle(value)]),
    ),
    ...(accessLog ? { accessLog } : {}),
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
