import type { Resource } from '../../cloudformation/resource.ts'
import { type IntegrationDefinition, readIntegration } from './integration-definition.ts'
import { type RequestModelsDefinition, readRequestModels } from './request-models.ts'

/** What an `AWS::ApiGatewayV2::Route` and everything that it refers to comes to. */
export interface WebSocketRoute {
  /** `$connect`, `$default`, `subscribe` */
  readonly key: string
  /** Whether what the integration answers goes to the client. */
  readonly isTwoWay: boolean
  /** Undefined for a route that names none, or one that its API does not have: its messages fail. */
  readonly integration: IntegrationDefinition | undefined
  readonly models?: RequestModelsDefinition
}

/** The keys that begin with a dollar sign; custom ones may not. */
const RESERVED = new Set(['$connect', '$disconnect', '$default'])

/**
 * The routes of an API.
 * @param ofApi resources of a type that belong to the API
 * @param problems told of routes that API Gateway would refuse
 */
export function readRoutes(
  ofApi: (type: string) => readonly Resource[],
  problems: string[],
): ReadonlyMap<string, WebSocketRoute> {
  const integrations = new Map(ofApi('Integration').map((each) => [`integrations/${each.physicalId}`, each]))
  const answering = new Set(
    ofApi('RouteResponse')
      .filter(({ properties }) => properties['RouteResponseKey'] === '$default')
      .map(({ properties }) => properties['RouteId']),
  )
  const routes = ofApi('Route').flatMap((route): WebSocketRoute[] => {
    const { RouteKey, Target, RouteResponseSelectionExpression } = route.properties
    const key = String(RouteKey)
    if (key.startsWith('$') && !RESERVED.has(key)) {
      problems.push(
        `${route.path}: the route key "${key}" begins with "$", as only $connect, $disconnect and $default may`,
      )
      return []
    }
    // Without an integration $connect accepts everybody, and nobody hears of $disconnect.
    if (Target === undefined && key !== '$default' && key.startsWith('$')) return []
    const integration = integrations.get(String(Target))
    const models = readRequestModels(route, ofApi('Model'))
    return [
      {
        key,
        isTwoWay: RouteResponseSelectionExpression === '$default' && answering.has(route.physicalId),
        integration: integration && readIntegration(integration, ofApi('IntegrationResponse')),
        ...(models ? { models } : {}),
      },
    ]
  })
  return new Map(routes.map((route) => [route.key, route]))
}
