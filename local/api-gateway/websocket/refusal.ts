import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorText } from './error-text.ts'

/**
 * Why a handshake is refused. By the gateway itself it is a gateway response, with a text and a type; by what `$connect`
 * answered it is that status alone.
 */
export interface Refusal {
  readonly status: number
  readonly message?: string
  /** `x-amzn-ErrorType`, `ForbiddenException` */
  readonly type?: string
}

/** Types and texts of the default gateway responses, which WebSocket APIs have in common with REST APIs. */
export const FORBIDDEN: Refusal = { status: 403, message: 'Forbidden', type: 'ForbiddenException' }
export const BAD_REQUEST: Refusal = { status: 400, message: 'Bad Request', type: 'BadRequestException' }
export const UPGRADE_REQUIRED: Refusal = {
  status: 426,
  message: 'Upgrade Required',
  type: 'UpgradeRequiredException',
}
export const URI_TOO_LONG: Refusal = {
  status: 414,
  message: 'Request-URI Too Long',
  type: 'RequestEntityTooLargeException',
}
export const HEADERS_TOO_LARGE: Refusal = {
  status: 431,
  message: 'Request Header Fields Too Large',
  type: 'RequestHeaderFieldsTooLargeException',
}
export const TOO_MANY_REQUESTS: Refusal = {
  status: 429,
  message: 'Too Many Requests',
  type: 'TooManyRequestsException',
}
export const LIMIT_EXCEEDED: Refusal = {
  status: 429,
  message: 'Limit Exceeded',
  type: 'LimitExceededException',
}
export const BAD_GATEWAY: Refusal = {
  status: 502,
  message: 'Internal server error',
  type: 'InternalServerErrorException',
}

/** Of a handshake that got as far as having ids. */
export interface HandshakeIds {
  readonly connectionId: string
  readonly requestId: string
}

/** Refuses a handshake, which is a plain HTTP response and never a close frame. */
export function refuseHandshake(socket: Duplex, { status, message, type }: Refusal, ids: HandshakeIds): void {
  // What AWS puts into the body is not documented; this is what it puts into error frames.
  const body = message === undefined ? '' : errorText(message, ids)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    ...(message === undefined ? [] : ['Content-Type: application/json']),
    `x-amzn-RequestId: ${ids.requestId}`,
    ...(type === undefined ? [] : [`x-amzn-ErrorType: ${type}`]),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  // A client that keeps its half open is not waited for.
  socket.once('finish', () => socket.destroy())
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
