import type { ServiceAnswer } from '../api-gateway/http/service-integration.ts'
import type { EventBuses } from './event-buses.ts'
import { EventsError, putEvents } from './put-events.ts'

/** PutEvents for a service of AWS rather than for a client. */
export function callEvents(buses: EventBuses, input: Readonly<Record<string, unknown>>): ServiceAnswer {
  try {
    return { statusCode: 200, body: putEvents(input, buses) }
  } catch (error) {
    if (!(error instanceof EventsError)) throw error
    return { statusCode: 400, body: { __type: error.code, message: error.message } }
  }
}
