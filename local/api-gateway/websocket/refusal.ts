import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** Why a handshake is refused: with a message when it is the gateway's own doing, else with the function's status alone. */
export interface Refusal {
  readonly status: number
  readonly message?: string
}

/** Refuses a handshake, which is a plain HTTP response and never a close frame. */
export function refuseHandshake(socket: Duplex, { status, message }: Refusal, requestId: string): void {
  const body = message === undefined ? '' : JSON.stringify({ message, connectionId: null, requestId })
  const type = message === undefined ? [] : ['Content-Type: application/json']
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    ...type,
    `x-amzn-RequestId: ${requestId}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
