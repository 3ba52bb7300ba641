import { randomUUID } from 'node:crypto'
import type { HttpResponse } from '@smithy/types'
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import type { ClientOptions } from 'ws'
import type { Urls } from './app/stack.ts'
import { Line } from './line.ts'

interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface TargetOptions {
  readonly urls: Urls
  /** Where the management API of the probe's stage is. */
  readonly callbackUrl: string
  readonly region: string
  /** Of somebody who may use the management API; without any the SDK looks for its own. */
  readonly credentials?: Credentials
}

/** What one command of the management API came to, as it was on the wire. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

interface CommandOptions {
  /** Changes the path before the request is signed. */
  readonly path?: (path: string) => string
  readonly body?: string | Uint8Array
}

/** How long an event may take to be seen; AWS starts functions cold. */
const PATIENCE_MS = 20_000

/** A deployed contract app, here or on AWS. */
export class Target {
  readonly #options: TargetOptions
  readonly #lines: Line[] = []

  constructor(options: TargetOptions) {
    this.#options = options
  }

  get urls(): Urls {
    return this.#options.urls
  }

  get callbackUrl(): string {
    return this.#options.callbackUrl
  }

  /** Starts a handshake; the line is closed when the suite ends. */
  connect(
    api: Exclude<keyof Urls, 'http'>,
    query: Readonly<Record<string, string>> = {},
    options: ClientOptions & { readonly offers?: readonly string[] } = {},
  ): Line {
    const search = new URLSearchParams(query).toString()
    return this.connectTo(`${this.urls[api]}${search === '' ? '' : `?${search}`}`, options)
  }

  connectTo(
    url: string,
    { offers = [], ...options }: ClientOptions & { readonly offers?: readonly string[] } = {},
  ): Line {
    const line = new Line(url, offers, options)
    this.#lines.push(line)
    return line
  }

  /** A line to the probe, and its connection id. */
  async probe(): Promise<{ readonly line: Line; readonly id: string }> {
    const line = await this.connect('probe').open()
    const event = (await line.ask({ action: 'answer' })) as { requestContext: { connectionId: string } }
    return { line, id: event.requestContext.connectionId }
  }

  /**
   * The events that the app wrote down under a name, oldest first.
   * @throws when fewer than `atLeast` are there in time
   */
  async observed(name: string, atLeast = 1): Promise<Record<string, unknown>[]> {
    const line = await this.connect('probe').open()
    const end = performance.now() + PATIENCE_MS
    for (;;) {
      const events = (await line.ask({ action: 'observed', name })) as string[]
      if (events.length >= atLeast) {
        line.socket.close()
        return events.map((event) => JSON.parse(event) as Record<string, unknown>)
      }
      if (performance.now() > end)
        throw new Error(`${events.length} events were written down for ${name}; expected ${atLeast}`)
    }
  }

  /** A handshake that is told what to do; its outcome. */
  async handshake(told: unknown): Promise<number> {
    const { status } = await this.connect('probe', { do: JSON.stringify(told) }).handshake
    return status
  }

  /** One command of the management API, signed by the SDK, its answer as it came. */
  async manage(
    method: 'POST' | 'GET' | 'DELETE',
    ConnectionId: string,
    { path, body = 'posted' }: CommandOptions = {},
  ): Promise<RawAnswer> {
    const { callbackUrl: endpoint, region, credentials } = this.#options
    const client = new ApiGatewayManagementApiClient({
      endpoint,
      region,
      maxAttempts: 1,
      ...(credentials ? { credentials } : {}),
    })
    let answer: RawAnswer | undefined
    client.middlewareStack.add(
      (next) => async (args) => {
        const { request } = args as { request: { path: string } }
        if (path) request.path = path(request.path)
        return next(args)
      },
      { step: 'build', priority: 'low' },
    )
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args)
        const response = result.response as HttpResponse
        const chunks: Buffer[] = []
        for await (const chunk of response.body as AsyncIterable<Buffer>) chunks.push(chunk)
        answer = {
          status: response.statusCode,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }
        return { ...result, response: { ...response, body: new Uint8Array() } }
      },
      { step: 'deserialize', priority: 'low' },
    )
    const command = {
      POST: () => client.send(new PostToConnectionCommand({ ConnectionId, Data: body })),
      GET: () => client.send(new GetConnectionCommand({ ConnectionId })),
      DELETE: () => client.send(new DeleteConnectionCommand({ ConnectionId })),
    }[method]
    await command().catch((error: unknown) => {
      if (!answer) throw error // anything else is read from the answer itself
    })
    client.destroy()
    if (!answer) throw new Error(`no answer to ${method} ${ConnectionId}`)
    return answer
  }

  close(): void {
    for (const { socket } of this.#lines) socket.terminate()
  }
}

/** A name that no other observation has. */
export const newName = () => `probe-${randomUUID()}`
