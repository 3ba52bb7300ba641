import { Agent, type IncomingMessage, type ServerResponse, request } from 'node:http'

export interface FrontOptions {
  /** The engine's endpoint. */
  readonly endpoint: string
  /** Called after a call that may have written, with the engine's answer already on its way back. */
  readonly onWrite: () => void
}

const READS = /\.(Get|BatchGet|Query|Scan|Describe|List|TransactGet)/

/** Headers that belong to one hop. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host'])

/**
 * Stands between functions and the engine: the place that knows who calls. Refuses what is not signed and what comes
 * from a web page, passes the rest on, and wakes the readers of streams after a write.
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
    if (incoming.headers.authorization === undefined) {
      refuse(response, 400, 'MissingAuthenticationTokenException', 'Request is missing Authentication Token')
      return
    }
    const isWrite = !READS.test(String(incoming.headers['x-amz-target']))
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).filter(([name]) => !HOP_BY_HOP.has(name)),
    )
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
    incoming.pipe(onward)
  }

  close(): void {
    this.#agent.destroy()
  }
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  const body = JSON.stringify({ __type: `com.amazon.coral.service#${code}`, message })
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-errortype': code })
  response.end(body)
}
