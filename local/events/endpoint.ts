import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Environment } from '../cloudformation/resource.ts'
import type { Access, Iam } from '../iam/iam.ts'
import { RefusedError } from '../iam/refused-error.ts'
import { readBody } from '../read-body.ts'
import type { EventBuses } from './event-buses.ts'
import { EventsError, putEvents } from './put-events.ts'
import { DEFAULT_BUS, busName } from './rule-definition.ts'

const TARGET_PREFIX = 'AWSEvents.'

export interface EventsEndpointOptions {
  readonly environment: Environment
  /** Who may do what; without it anybody may do anything. */
  readonly iam?: Iam | undefined
}

type Input = Readonly<Record<string, unknown>>

/**
 * `events.{region}.amazonaws.com`, as far as sending goes: a POST with `x-amz-target: AWSEvents.PutEvents` and a JSON body.
 * Errors are `{"__type":"ValidationException","message":"…"}`, status 400.
 */
export function eventsEndpoint(
  buses: EventBuses,
  options: EventsEndpointOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    handle(request, buses, options).then(
      (output) => answer(response, 200, output),
      (error: unknown) => {
        if (error instanceof RefusedError)
          answer(response, 400, { __type: error.exception, message: error.message })
        else if (error instanceof EventsError)
          answer(response, 400, { __type: error.code, message: error.message })
        else answer(response, 500, { __type: 'InternalException', message: String(error) })
      },
    )
  }
}

async function handle(
  request: IncomingMessage,
  buses: EventBuses,
  { iam, environment }: EventsEndpointOptions,
): Promise<object> {
  const body = await readBody(request)
  const caller = iam?.authenticate(request, body, 'events')
  const operation = String(request.headers['x-amz-target'] ?? '').replace(TARGET_PREFIX, '')
  if (operation !== 'PutEvents')
    throw new EventsError(
      'UnknownOperationException',
      `the operation "${operation}" is not emulated; expected PutEvents`,
    )
  const input = parse(body)
  if (caller) for (const access of accessesOf(input, environment)) iam?.authorize(caller, access)
  return putEvents(input, buses)
}

/** Each entry by itself: `events:PutEvents` on its bus. */
export function accessesOf({ Entries }: Input, { partition, region, accountId }: Environment): Access[] {
  const entries = Array.isArray(Entries) ? (Entries as Input[]) : []
  return entries.map(({ EventBusName, Source, DetailType }) => {
    const bus = typeof EventBusName === 'string' ? busName(EventBusName) : DEFAULT_BUS
    return {
      action: 'events:PutEvents',
      resource: `arn:${partition}:events:${region}:${accountId}:event-bus/${bus}`,
      keys: {
        'events:source': typeof Source === 'string' ? Source : undefined,
        'events:detail-type': typeof DetailType === 'string' ? DetailType : undefined,
        'events:eventbusinvocation': 'false',
      },
    }
  })
}

function parse(body: Buffer): Input {
  try {
    const input: unknown = JSON.parse(body.toString())
    if (typeof input === 'object' && input !== null) return input as Input
  } catch {
    // Told below, as anything else that is no object.
  }
  throw new EventsError('SerializationException', 'The request body is not a JSON object')
}

function answer(response: ServerResponse, status: number, body: object): void {
  response
    .writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() })
    .end(JSON.stringify(body))
}
