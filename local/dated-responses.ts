import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from './clock.ts'

/**
 * Options of a server whose answers are dated by the clock that functions live by: an SDK whose clock is off puts it
 * right by the `Date` of what it gets. Where functions live in the machine's time, Node's own dates are right.
 */
export function datedBy(clock: Clock): { ServerResponse?: typeof ServerResponse } {
  if (!clock.shared) return {}
  return {
    ServerResponse: class<Request extends IncomingMessage> extends ServerResponse<Request> {
      override writeHead(...args: unknown[]): this {
        this.setHeader('date', new Date(clock.now()).toUTCString())
        const [status, ...rest] = args as [number, string]
        return super.writeHead(status, ...rest)
      }
    },
  }
}
