import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../clock.ts'
import type { Iam } from '../../iam/iam.ts'
import { RefusedError } from '../../iam/refused-error.ts'
import type { Log } from '../../log.ts'
import { type IamRefusal, iamRefusal } from '../iam-refusal.ts'
import type { Throttle } from '../throttle.ts'
import { CLOSED_BY_DELETE, type WebSocketConnection } from './connection.ts'
import type { Entrance } from './entrance.ts'
import { isConnectionId, newRequestId } from './identifiers.ts'
import { MAX_BUFFERED_BYTES, MAX_MESSAGE_BYTES } from './limits.ts'
import type { TroubledPosts } from './troubled-posts.ts'

export interface ManagementApiOptions {
  /** Looks an open connection of a stage up. */
  readonly find: (stage: string, connectionId: string) => WebSocketConnection | undefined
  readonly clock: Clock
  readonly log: Log
  readonly throttle: Throttle | undefined
  readonly source: string
  /** `arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5` */
  readonly arn: string
  /** Who may do what; without it anybody may do anything. */
  readonly iam: Iam | undefined
  /** Bytes that may wait for a client before posts to it get 429. @default 1 MiB */
  readonly maxBufferedBytes?: number | undefined
  /** Whether a post that is no UTF-8 gets 400; else its broken bytes are sent as U+FFFD. @default false */
  readonly isStrict?: boolean | undefined
  /** What becomes of posts in the place of being carried out at once. @default nothing */
  readonly trouble?: TroubledPosts | undefined
}

const PATH = /^\/(?:@|%40)connections\/([^/]+)$/i

/** The `@connections` commands of one API: post, look up, close. */
export class ManagementApi {
  readonly #options: ManagementApiOptions

  constructor(options: ManagementApiOptions) {
    this.#options = options
  }

  /** Whether a path, behind the stage, is a command's. */
  static serves(path: string): boolean {
    return PATH.test(path)
  }

  /** Answers a command; never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse, entrance: Entrance): Promise<void> {
    response.setHeader('x-amzn-requestid', newRequestId(this.#options.clock.now()))
    try {
      await this.#command(request, response, entrance, await read(request))
    } catch (error) {
      this.#options.log.info(this.#options.source, `a management call ended early: ${String(error)}`)
      response.destroy()
    }
  }

  #command(
    request: IncomingMessage,
    response: ServerResponse,
    { stage, path }: Entrance,
    body: Buffer | 'too large',
  ): Promise<void> | undefined {
    const { throttle, find, trouble } = this.#options
    const { method = '' } = request
    const id = decode(PATH.exec(path)?.[1] ?? '')
    // Of a body that is too large nothing is kept that a signature could be checked with; it is refused in any case.
    const refused = body === 'too large' ? undefined : this.#authorize(request, body, stage.name, id)
    if (refused) {
      answer(response.setHeader('x-amzn-errortype', refused.type), 403, refused.body)
      return undefined
    }
    if (!COMMANDS.has(method)) {
      refuseRoute(request, response, path)
      return undefined
    }
    if (throttle && !throttle.take()) {
      refuse(response, 429, 'LimitExceededException', 'Too Many Requests')
      return undefined
    }
    if (!isConnectionId(id)) {
      refuse(response, 400, 'BadRequestException', `Invalid connectionId: ${id}`)
      return undefined
    }
    if (body === 'too large') {
      refuse(response, 413, 'PayloadTooLargeException', 'Message too long')
      return undefined
    }
    const connection = find(stage.name, id)
    if (!connection) refuse(response, 410, 'GoneException')
    else if (method === 'POST' && trouble)
      return trouble.run({
        connectionId: id,
        find: () => find(stage.name, id),
        carryOut: (found, send) => this.#post(found, body, response, send),
        refuse: (status, type, message) => refuse(response, status, type, message),
        cut: () => response.destroy(),
      })
    else if (method === 'POST') this.#post(connection, body, response)
    else if (method === 'GET') answer(response, 200, describe(connection))
    else {
      connection.close(CLOSED_BY_DELETE, '')
      response.writeHead(204).end()
    }
    return undefined
  }

  /** @returns why the call is refused; undefined when it may be made */
  #authorize(request: IncomingMessage, body: Buffer, stage: string, id: string): IamRefusal | undefined {
    const { iam, arn } = this.#options
    try {
      const caller = iam?.authenticate(request, body, 'execute-api')
      if (caller)
        iam?.authorize(caller, {
          action: 'execute-api:ManageConnections',
          resource: `${arn}/${stage}/${request.method ?? ''}/@connections/${id}`,
        })
      return undefined
    } catch (error) {
      if (error instanceof RefusedError) return iamRefusal(error)
      throw error
    }
  }

  #post(
    connection: WebSocketConnection,
    body: Buffer,
    response: ServerResponse,
    send = (text: Buffer) => connection.send(text, this.#options.clock.now()),
  ): void {
    const { maxBufferedBytes = MAX_BUFFERED_BYTES, isStrict = false, log, source } = this.#options
    if (connection.bufferedBytes > maxBufferedBytes) {
      refuse(response, 429, 'LimitExceededException', "The client's buffer is full")
      return
    }
    const isText = isUtf8(body)
    if (!isText && isStrict) {
      refuse(response, 400, 'BadRequestException', 'The data is not valid UTF-8')
      return
    }
    if (body.length > 0) send(isText ? body : Buffer.from(body.toString()))
    else log.warn(source, `an empty post to ${connection.context.connectionId}: no frame is sent`)
    response.writeHead(200, NO_CONTENT).end()
  }
}

const COMMANDS: ReadonlySet<string> = new Set(['POST', 'GET', 'DELETE'])
const NO_CONTENT = { 'content-length': 0 }

function describe({ context, lastActiveAt }: WebSocketConnection) {
  const { connectedAt, sourceIp, userAgent } = context
  return {
    connectedAt: new Date(connectedAt).toISOString(),
    identity: { sourceIp, ...(userAgent === undefined ? {} : { userAgent }) },
    lastActiveAt: new Date(lastActiveAt).toISOString(),
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
function read(request: IncomingMessage): Promise<Buffer | 'too large'> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_MESSAGE_BYTES) chunks.push(chunk)
      else chunks = []
    })
    request.on('end', () => resolve(size <= MAX_MESSAGE_BYTES ? Buffer.concat(chunks) : 'too large'))
    request.on('error', reject)
  })
}

/** Refuses a path or a method that is nothing, in the words seen where a stage is named that a custom domain has mapped away. */
export function refuseRoute({ method = '' }: IncomingMessage, response: ServerResponse, path: string): void {
  const message = `No method found matching route ${path.slice(1)} for http method ${method}`
  refuse(response, 403, 'ForbiddenException', message)
}

/** SDKs tell errors apart by the header alone: the body of a 410 is empty. */
export function refuse(response: ServerResponse, status: number, type: string, message?: string): void {
  response.setHeader('x-amzn-errortype', type)
  if (message === undefined) response.writeHead(status, NO_CONTENT).end()
  else answer(response, status, { message })
}

function answer(response: ServerResponse, status: number, content: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content))
}
