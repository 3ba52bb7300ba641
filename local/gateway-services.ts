import type { ServiceCaller } from './api-gateway/http/service-integration.ts'
import type { Environment } from './cloudformation/resource.ts'
import { callEvents } from './events/call.ts'
import { accessesOf } from './events/endpoint.ts'
import type { EventBuses } from './events/event-buses.ts'
import type { Iam } from './iam/iam.ts'
import { accessOf } from './sqs/authorization.ts'
import { callSqs } from './sqs/call.ts'
import type { Queues } from './sqs/queues.ts'

export interface GatewayServicesOptions {
  readonly queues: Queues
  readonly buses: EventBuses
  readonly environment: Environment
  /** Who may do what; without it the gateway may do anything. */
  readonly iam: Iam | undefined
}

/** The services that HTTP APIs call by themselves, each with the role of its integration. */
export const gatewayServices =
  ({ queues, buses, environment, iam }: GatewayServicesOptions): ServiceCaller =>
  async (service, operation, input, { sourceArn, credentialsArn }) => {
    const isSqs = service === 'SQS'
    const accesses = isSqs ? [accessOf(operation, input, environment)] : accessesOf(input, environment)
    const gateway = { service: 'apigateway.amazonaws.com', sourceArn }
    const denied = accesses.find((access) => iam?.mayAct(gateway, access, credentialsArn) === false)
    if (!denied)
      return isSqs ? callSqs(queues, environment.accountId, operation, input) : callEvents(buses, input)
    const { action, resource } = denied
    const message = `User: ${credentialsArn ?? gateway.service} is not authorized to perform: ${action} on resource: ${resource}`
    return { statusCode: isSqs ? 403 : 400, body: { __type: 'AccessDeniedException', message } }
  }
