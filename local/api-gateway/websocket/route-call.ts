import type { WebSocketRoute } from './definition.ts'
import type { ConnectionContext } from './events.ts'
import { type IntegrationDeps, type IntegrationResult, callIntegration } from './integration.ts'

/** One event on its way to the integration of its route. */
export interface RouteCall {
  readonly route: WebSocketRoute
  readonly event: unknown
  /** The message as it came; empty for `$connect` and `$disconnect`. */
  readonly body: string
  readonly context: ConnectionContext
  readonly requestId: string
}

/** Calls the route's integration with the event, or with what its templates make of it. */
export function callRoute(
  { route, event, body, context, requestId }: RouteCall,
  deps: IntegrationDeps,
): Promise<IntegrationResult> {
  const { requestContext } = event as { requestContext: Readonly<Record<string, unknown>> }
  const template = {
    body,
    context: { ...requestContext, requestId },
    stageVariables: context.stageVariables,
  }
  return callIntegration(route.integration, event, template, {
    ...deps,
    isHandshake: route.key === '$connect',
  })
}
