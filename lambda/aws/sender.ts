import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { epochMillis } from '../../protocol/ids.ts'
import type { Sender } from '../core/ports.ts'

/** A post that has no answer by then is given up: the gateway may stall on a line that is dead but not closed. */
export const POST_TIMEOUT_MS = 3_000

const MAX_SOCKETS = 128

/** The official client: one try each (retries are the core's), sockets kept alive. */
export const managementClient = (endpoint: string) =>
  new ApiGatewayManagementApiClient({
    endpoint,
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: POST_TIMEOUT_MS,
      requestTimeout: POST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
    },
  })

/** The management API. This is the only place that knows what its errors mean. */
export function sender(client: ApiGatewayManagementApiClient): Sender {
  return {
    async send(id, frame) {
      try {
        await client.send(new PostToConnectionCommand({ ConnectionId: id, Data: frame }))
        return 'sent'
      } catch (error) {
        return outcomeOf(error)
      }
    },

    async inspect(id) {
      try {
        const { ConnectedAt, LastActiveAt } = await client.send(
          new GetConnectionCommand({ ConnectionId: id }),
        )
        if (!ConnectedAt || !LastActiveAt) return 'unknown'
        return { connectedAt: epochMillis(+ConnectedAt), lastActiveAt: epochMillis(+LastActiveAt) }
      } catch (error) {
        return outcomeOf(error) === 'gone' ? 'gone' : 'unknown'
      }
    },

    async close(id) {
      try {
        await client.send(new DeleteConnectionCommand({ ConnectionId: id }))
        return 'closed'
      } catch (error) {
        const outcome = outcomeOf(error)
        return outcome === 'gone' ? 'closed' : outcome
      }
    },
  }
}

/**
 * @returns what an error of the SDK means for a request
 * @throws what no retry can mend and no connection is to blame for: a missing permission, a wrong endpoint, a frame
 * over the quota
 */
function outcomeOf(error: unknown): 'gone' | 'busy' | 'failed' {
  const { name, code, $metadata } = error as {
    name?: string
    code?: unknown
    $metadata?: { httpStatusCode?: number }
  }
  const status = $metadata?.httpStatusCode
  const isLineTrouble = name === 'TimeoutError' || typeof code === 'string' // ECONNRESET, EPIPE and their like
  if (name === 'GoneException' || status === 410) return 'gone'
  if (name === 'LimitExceededException' || status === 429) return 'busy'
  if (status === undefined ? isLineTrouble : status >= 500) return 'failed'
  throw error
}
