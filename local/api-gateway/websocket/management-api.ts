import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import type { Throttle } from '../throttle.ts'
import { isConnectionId, newRequestId } from './identifiers.ts'
import { MAX_BUFFERED_BYTES, MAX_MESSAGE_BYTES } from './limits.ts'
import { CLOSED_BY_DELETE, type WebSocketConnection } from './connection.ts'

export interface ManagementApiOptions {
  readonly hasStage: (stage: string) => boolean
  /** Looks an open connection of a stage up. */
  readonly find: (stage: string, connectionId: string) => WebSocketConnection | undefined
  readonly clock: Clock
  readonly log: Log
  readonly throttle: Throttle | undefined
  readonly source: string
  /** Bytes that may wait for a client before posts to it get 429. @default 1 MiB */
  readonly maxBufferedBytes?: number
}

const PATH = /^\/([A-Za-z0-9_$-]+)\/(?:@|%40)connections\/([^/?]+)$/i

/** The `@connections` commands of one API: post, look up, close. */
export class ManagementApi {
  readonly #options: ManagementApiOptions

  constructor(options: ManagementApiOptions) {
    this.#options = options
  }

  /** @returns false for a path that is no `@connections` command */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const [, stage, encodedId] = PATH.exec((request.url ?? '').split('?')[0] ?? '') ?? []
    if (stage === undefined || encodedId === undefined) return false
    response.setHeader('x-amzn-requestid', newRequestId(this.#options.clock.now()))
    this.#command(request, response, stage, decode(encodedId)).catch((error: unknown) => {
      this.#options.log.info(this.#options.source, `a management call ended early: ${String(error)}`)
      response.destroy()
    })
    return true
  }

  async #command(
    request: IncomingMessage,
    response: ServerResponse,
    stage: string,
    id: string,
  ): Promise<void> {
    const { throttle, hasStage, find, clock } = this.#options
    const body = await read(request)
    if (request.headers.authorization === undefined) {
      refuse(response, 403, 'ForbiddenException', 'Missing Authentication Token')
      return
    }
    if (!hasStage(stage)) {
      refuse(response, 403, 'ForbiddenException', 'Forbidden')
      return
    }
    if (throttle && !throttle.take()) {
      refuse(response, 429, 'LimitExceededException', 'Too Many Requests')
      return
    }
    if (!isConnectionId(id)) {
      refuse(response, 400, 'BadRequestException', `Invalid connectionId: ${id}`)
      return
    }
    if (body === 'too large') {
      refuse(response, 413, 'PayloadTooLargeException', 'Message too long')
      return
    }
    const connection = find(stage, id)
    if (!connection) {
      refuse(response, 410, 'GoneException')
      return
    }
    switch (request.method as 'POST' | 'GET' | 'DELETE' | 'other') {
      case 'POST': {
        this.#post(connection, body, response)
        return
      }
      case 'GET': {
        answer(response, 200, describe(connection))
        return
      }
      case 'DELETE':
        connection.close(CLOSED_BY_DELETE, '')
        response.writeHead(204).end()
        return
      case 'other':
      default: {
        refuse(response, 403, 'MissingAuthenticationTokenException', 'Missing Authentication Token')
        return
      }
    }

    function describe({ context, lastActiveAt }: WebSocketConnection) {
      const { connectedAt, sourceIp, userAgent } = context
      return {
        connectedAt: new Date(connectedAt).toISOString(),
        identity: { sourceIp, ...(userAgent === undefined ? {} : { userAgent }) },
        lastActiveAt: new Date(Math.min(lastActiveAt, clock.now())).toISOString(),
      }
    }
  }

  #post(connection: WebSocketConnection, body: Buffer, response: ServerResponse): void {
    const { maxBufferedBytes = MAX_BUFFERED_BYTES, clock, log, source } = this.#options
    if (connection.socket.bufferedAmount > maxBufferedBytes) {
      refuse(response, 429, 'LimitExceededException', "The client's buffer is full")
      return
    }
    if (body.length > 0) connection.send(body.toString(), clock.now())
    else log.warn(source, `an empty post to ${connection.context.connectionId}: no frame is sent`)
    response.writeHead(200).end()
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // half an escape: no id has one, and 400 says so
  }
}

/** Reads a body to its end; one that is too large is let through to nowhere. */
async function read(request: IncomingMessage): Promise<Buffer | 'too large'> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= MAX_MESSAGE_BYTES) chunks.push(chunk)
  }
  return size <= MAX_MESSAGE_BYTES ? Buffer.concat(chunks) : 'too large'
}

function answer(response: ServerResponse, status: number, content: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content))
}

/** SDKs tell errors apart by the header alone: the body of a 410 is empty. */
function refuse(response: ServerResponse, status: number, type: string, message?: string): void {
  response.setHeader('x-amzn-errortype', type)
  if (message === undefined) response.writeHead(status, { 'content-length': 0 }).end()
  else answer(response, status, { message })
}
