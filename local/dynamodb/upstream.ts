import {
  Agent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  request,
} from 'node:http'
import { AUTHORIZATION, EngineError } from './client.ts'
import type { ControlPlane } from './control-plane.ts'
import type { Engine } from './engine.ts'
import type { StreamsApi } from './streams-api.ts'
import { withTableNames } from './table-arns.ts'

export interface UpstreamOptions {
  readonly engine: Engine
  readonly streams: StreamsApi
  readonly controlPlane: ControlPlane
  /** Called after a call that may have written, with the answer already on its way back. */
  readonly onWrite: () => void
}

/** A call that has been let through. */
export interface DynamoDbCall {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

const STREAMS_TARGET = 'DynamoDBStreams_20120810'
const READS = /^(Get|BatchGet|Query|Scan|Describe|List|TransactGet)/
/** Headers that belong to one hop, or that speak of a body that may be another by now. */
const NOT_PASSED_ON = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host', 'content-length'])
/** How long a call waits for an engine that starts again. */
const RESTART_PATIENCE_MS = 5000
const RESTART_CHECK_MS = 10

type Fields = Readonly<Record<string, unknown>>

/** Answers calls that have been let through: most by the engine, as they are; some here, for what the engine lacks. */
export class Upstream {
  readonly #options: UpstreamOptions
  readonly #agent = new Agent({ keepAlive: true })

  constructor(options: UpstreamOptions) {
    this.#options = options
  }

  /** Answers whatever happens. */
  answer(call: DynamoDbCall, response: ServerResponse): void {
    this.#answer(call, response).catch((error: unknown) => {
      if (error instanceof EngineError) refuse(response, error.status, error.code, error.detail)
      else if (response.headersSent || response.destroyed) response.destroy()
      else
        refuse(response, 500, 'InternalServerError', `the DynamoDB engine does not answer: ${String(error)}`)
    })
  }

  async #answer(call: DynamoDbCall, response: ServerResponse): Promise<void> {
    const { streams, controlPlane, onWrite } = this.#options
    const [service, operation = ''] = String(call.headers['x-amz-target']).split('.')
    const input = needsReading(service, operation, call.body, controlPlane) ? parse(call.body) : undefined
    if (input && service === STREAMS_TARGET) {
      reply(response, 200, await streams.call(operation, input))
      return
    }
    const own = input && controlPlane.answer(operation, input)
    if (own) {
      reply(response, 200, own)
      return
    }
    const body = input ? Buffer.from(JSON.stringify(withTableNames(input))) : call.body
    const answer = await this.#send({ ...call, body }, response)
    const { statusCode = 500 } = answer
    const { date: _engines, ...headers } = answer.headers
    if (statusCode === 200 && controlPlane.describes(operation)) {
      const text = await read(answer)
      reply(response, statusCode, controlPlane.retell(JSON.parse(text) as Fields))
    } else {
      response.writeHead(statusCode, headers)
      answer.pipe(response)
      answer.once('error', () => response.destroy())
    }
    if (READS.test(operation)) return
    if (answer.readableEnded) onWrite()
    else answer.once('end', onWrite)
  }

  /**
   * Sends a call on. One that did not reach an engine because that is starting again waits for it; one that was under way
   * then may have been carried out, and fails: SDKs try it again.
   */
  async #send(call: DynamoDbCall, response: ServerResponse): Promise<IncomingMessage> {
    const { engine } = this.#options
    const deadline = Date.now() + RESTART_PATIENCE_MS
    for (;;) {
      try {
        return await this.#sendOnce(call, response)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED' || Date.now() > deadline) throw error
        await engine.ready()
        await new Promise((resolve) => setTimeout(resolve, RESTART_CHECK_MS))
      }
    }
  }

  #sendOnce({ headers, body }: DynamoDbCall, response: ServerResponse): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const onward = request(
        this.#options.engine.endpoint,
        {
          method: 'POST',
          agent: this.#agent,
          headers: {
            authorization: AUTHORIZATION, // the engine wants to see one, whatever it says
            ...Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_PASSED_ON.has(name))),
            'content-length': body.length,
          },
        },
        resolve,
      )
      onward.once('error', reject)
      response.once('close', () => {
        if (!response.writableFinished) onward.destroy()
      })
      onward.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** Most calls go on unread: what is to be looked into is a matter of the operation, or an ARN in the place of a name. */
function needsReading(
  service: string | undefined,
  operation: string,
  body: Buffer,
  controlPlane: ControlPlane,
): boolean {
  return service === STREAMS_TARGET || controlPlane.knows(operation) || body.includes(':table/')
}

function parse(body: Buffer): Fields {
  try {
    const input: unknown = JSON.parse(body.toString() || '{}')
    if (typeof input === 'object' && input !== null) return input as Fields
  } catch {
    // Told below, as anything else that is no object.
  }
  throw new EngineError('SerializationException', 'The request body is not a JSON object')
}

async function read(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function reply(response: ServerResponse, status: number, body: object, headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', ...headers })
  response.end(JSON.stringify(body))
}

/** Refuses a call in DynamoDB's shape. */
export function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  const body = { __type: `com.amazon.coral.service#${code}`, message }
  reply(response, status, body, { 'x-amzn-errortype': code })
}
