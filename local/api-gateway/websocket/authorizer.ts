import type { IncomingMessage } from 'node:http'
import type { ConnectionContext } from './events.ts'

/** A handshake that asks to be let in; `$connect` has not run yet. */
export interface ConnectAttempt {
  readonly request: IncomingMessage
  readonly context: ConnectionContext
  readonly requestId: string
  /** Epoch milliseconds. */
  readonly at: number
}

/** What an authorizer says of a handshake. */
export type Authorization =
  | {
      readonly isAllowed: true
      /** `requestContext.authorizer` of every event of the connection. */
      readonly authorizer?: Readonly<Record<string, unknown>>
      /** Joins `requestContext.identity` of every event of the connection. */
      readonly identity?: Readonly<Record<string, unknown>>
      /** The API key that the authorizer found, for APIs whose key source is the authorizer. */
      readonly usageIdentifierKey?: string
    }
  | {
      readonly isAllowed: false
      /** 401 without a valid identity, 403 when denied, 500 when the authorizer itself failed. */
      readonly status: 401 | 403 | 500
      readonly message: string
    }

/** Decides on handshakes: a Lambda authorizer, or AWS_IAM. Only `$connect` can have one. */
export interface ConnectAuthorizer {
  authorize(attempt: ConnectAttempt): Promise<Authorization>
}
