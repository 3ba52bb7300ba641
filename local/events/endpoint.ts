import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EventBuses } from './event-buses.ts'
import { EventsError, putEvents } from './put-events.ts'

const TARGET_PREFIX = 'AWSEvents.'

/**
 * `events.{region}.amazonaws.com`, as far as sending goes: a POST with `x-amz-target: AWSEvents.PutEvents` and a JSON body.
 * Errors are `{"__type":"ValidationException","message":"…"}`, status 400.
 */
export function eventsEndpoint(
  buses: EventBuses,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    handle(request, buses).then(
      (output) => answer(response, 200, output),
      (error: unknown) => {
        if (error instanceof EventsError)
          answer(response, 400, { __type: error.code, message: error.message })
        else answer(response, 500, { __type: 'InternalException', message: String(error) })
      },
    )
  }
}

async function handle(request: IncomingMessage, buses: EventBuses): Promise<object> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const operation = String(request.headers['x-amz-target'] ?? '').replace(TARGET_PREFIX, '')
  if (operation !== 'PutEvents')
    throw new EventsError(
      'UnknownOperationException',
      `the operation "${operation}" is not emulated; expected PutEvents`,
    )
  return putEvents(parse(Buffer.concat(chunks)), buses)
}

function parse(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const input: unknown = JSON.parse(body.toString())
    if (typeof input === 'object' && input !== null) return input as Record<string, unknown>
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
