import { sourceArn } from './authorizer-event.ts'
import type { RoutedRequest } from './event.ts'
import type { ServiceIntegration } from './integration-definition.ts'
import { mappedValue } from './request-values.ts'
import type { HttpResponse } from './response.ts'

/** Integration subtypes that are emulated. */
export const SERVICE_ACTIONS = [
  'EventBridge-PutEvents',
  'SQS-SendMessage',
  'SQS-ReceiveMessage',
  'SQS-DeleteMessage',
  'SQS-PurgeQueue',
] as const

export type ServiceAction = (typeof SERVICE_ACTIONS)[number]

export const isServiceAction = (text: string): text is ServiceAction =>
  (SERVICE_ACTIONS as readonly string[]).includes(text)

/** What an emulated service answers: its status and its JSON. */
export interface ServiceAnswer {
  readonly statusCode: number
  readonly body: unknown
}

/** What the gateway calls a service for, and as whom. */
export interface GatewayCaller {
  /** `arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/POST/tasks` */
  readonly sourceArn: string
  readonly credentialsArn: string | undefined
}

/** Calls an emulated service for the gateway: `('SQS', 'SendMessage', {"QueueUrl":"…","MessageBody":"…"}, …)`. */
export type ServiceCaller = (
  service: string,
  operation: string,
  input: Readonly<Record<string, unknown>>,
  caller: GatewayCaller,
) => Promise<ServiceAnswer>

/** Parameters that are not text in the service's own API. */
const NUMBERS = ['DelaySeconds', 'MaxNumberOfMessages', 'VisibilityTimeout', 'WaitTimeSeconds']
const STRUCTURES = ['MessageAttributes', 'MessageSystemAttributes', 'MessageAttributeNames', 'Resources']

/**
 * Calls the service with the integration's parameters; one that selects what is not there is left out.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services-reference.html
 */
export async function callService(
  { action, parameters, credentialsArn }: ServiceIntegration,
  routed: RoutedRequest,
  call: ServiceCaller,
): Promise<HttpResponse> {
  const [service = '', operation = ''] = action.split('-')
  const input = Object.entries(parameters).flatMap(([name, value]) => {
    const mapped = name === 'Region' ? undefined : mappedValue(value, routed)
    if (mapped === undefined) return []
    // The one parameter whose name differs from the service's own.
    return [[name === 'AttributeName' ? 'AttributeNames' : name, typed(name, mapped)] as const]
  })
  const fields = Object.fromEntries(input)
  // One request makes one event, of which the operation takes a list.
  const given = action === 'EventBridge-PutEvents' ? { Entries: [fields] } : fields
  const caller = { sourceArn: sourceArn(routed), credentialsArn }
  const { statusCode, body } = await call(service, operation, given, caller)
  return {
    statusCode,
    headers: { 'content-type': 'application/json' },
    cookies: [],
    body: Buffer.from(JSON.stringify(body)),
  }
}

function typed(name: string, value: string): unknown {
  if (NUMBERS.includes(name) && value !== '') return Number(value)
  if (name === 'AttributeName') return [value]
  if (name === 'Time') return Date.parse(value) / 1000
  if (!STRUCTURES.includes(name)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value // the service says what is wrong with it
  }
}
