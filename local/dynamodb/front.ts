import { Agent, type IncomingMessage, type ServerResponse, request } from 'node:http'
import type { Iam } from '../iam/iam.ts'
import { RefusedError } from '../iam/refused-error.ts'
import { readBody } from '../read-body.ts'
import { accessesOf } from './authorization.ts'
import { AUTHORIZATION } from './client.ts'
import type { TableDirectory } from './table-directory.ts'

export interface FrontOptions {
  /** The engine's endpoint. */
  readonly endpoint: string
  /** Called after a call that may have written, with the engine's answer already on its way back. */
  readonly onWrite: () => void
  /** Who may do what; without it anybody may do anything. */
  readonly iam?: Iam | undefined
  readonly tables: TableDirectory
}

const READS = /\.(Get|BatchGet|Query|Scan|Describe|List|TransactGet)/

/** Headers that belong to one hop. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host'])

/**
 * Stands between functions and the engine: the place that knows who calls. Refuses what is not signed or not allowed and
 * what comes from a web page, passes the rest on, and wakes the readers of streams after a write.
 */
export class DynamoDbFront {
  readonly #options: FrontOptions
  readonly #agent = new Agent({ keepAlive: true })

  constructor(options: FrontOptions) {
    this.#options = options
  }

  readonly handle = (incoming: IncomingMessage, response: ServerResponse): void => {
    if (incoming.headers.origin !== undefined) {
      refuse(response, 403, 'AccessDeniedException', 'calls from web pages are not let through')
      return
    }
    readBody(incoming)
      .then((body) => {
        this.#authorize(incoming, body)
        this.#pass(incoming, body, response)
      })
      .catch((error: unknown) => {
        if (error instanceof RefusedError) refuse(response, 400, error.exception, wordingOf(error))
        else response.destroy() // the caller is gone: nobody reads an answer
      })
  }

  /** @throws RefusedError */
  #authorize(incoming: IncomingMessage, body: Buffer): void {
    const { iam, tables } = this.#options
    if (!iam) return
    const caller = iam.authenticate(incoming, body, 'dynamodb')
    const operation = String(incoming.headers['x-amz-target']).split('.').at(-1) ?? ''
    const input = parse(body)
    // What is no JSON object can do no harm, and the engine says what is wrong with it.
    if (input) for (const access of accessesOf(operation, input, tables)) iam.authorize(caller, access)
  }

  #pass(incoming: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const isWrite = !READS.test(String(incoming.headers['x-amz-target']))
    const headers = {
      authorization: AUTHORIZATION, // the engine wants to see one, whatever it says
      ...Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !HOP_BY_HOP.has(name))),
    }
    const { endpoint, onWrite } = this.#options
    const onward = request(endpoint, { method: incoming.method, agent: this.#agent, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
      if (isWrite) answer.once('end', onWrite)
    })
    onward.once('error', (error) => {
      if (response.headersSent) response.destroy()
      else
        refuse(response, 500, 'InternalServerError', `the DynamoDB engine does not answer: ${error.message}`)
    })
    response.once('close', () => {
      if (!response.writableFinished) onward.destroy()
    })
    onward.end(body)
  }

  close(): void {
    this.#agent.destroy()
  }
}

const wordingOf = ({ reason, message }: RefusedError) =>
  reason === 'MissingAuthenticationToken' ? 'Request is missing Authentication Token' : message

function parse(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const input: unknown = JSON.parse(body.toString())
    return typeof input === 'object' && input !== null ? (input as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  const body = JSON.stringify({ __type: `com.amazon.coral.service#${code}`, message })
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-errortype': code })
  response.end(body)
}
