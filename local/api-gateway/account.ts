import type { Clock } from '../clock.ts'
import { type Throttle, TokenBucket } from './throttle.ts'

/** What an account may do in a Region; on AWS each can be raised on request. */
export interface AccountQuotas {
  /**
   * Requests per second over HTTP, WebSocket and `@connections` together.
   * https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
   * @default 10,000
   */
  readonly requestsPerSecond: number
  /** Size of the token bucket for them; same source. @default 5,000 */
  readonly burst: number
  /**
   * Of WebSocket APIs.
   * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
   * @default 500
   */
  readonly newConnectionsPerSecond: number
}

export const ACCOUNT_QUOTAS: AccountQuotas = {
  requestsPerSecond: 10_000,
  burst: 5_000,
  newConnectionsPerSecond: 500,
}

/** The account's buckets, which all of its APIs share. */
export interface AccountThrottles {
  readonly throttle: Throttle
  readonly newConnections: Throttle
}

export function accountThrottles(quotas: AccountQuotas, clock: Clock): AccountThrottles {
  const { requestsPerSecond, burst, newConnectionsPerSecond } = quotas
  return {
    throttle: new TokenBucket({ rate: requestsPerSecond, burst }, clock),
    newConnections: new TokenBucket({ rate: newConnectionsPerSecond, burst: newConnectionsPerSecond }, clock),
  }
}
