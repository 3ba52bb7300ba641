import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Iam } from '../iam/iam.ts'
import { RefusedError } from '../iam/refused-error.ts'
import { readBody } from '../read-body.ts'
import { accessesOf } from './authorization.ts'
import type { TableDirectory } from './table-directory.ts'
import { type Upstream, refuse } from './upstream.ts'

export interface FrontOptions {
  /** Answers what is let through. */
  readonly upstream: Upstream
  /** Who may do what; without it anybody may do anything. */
  readonly iam?: Iam | undefined
  readonly tables: TableDirectory
}

/**
 * Stands before the engine: the place that knows who calls. Refuses what is not signed or not allowed and what comes from a
 * web page, and lets the rest through.
 */
export class DynamoDbFront {
  readonly #options: FrontOptions

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
        this.#options.upstream.answer({ headers: incoming.headers, body }, response)
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

  close(): void {
    this.#options.upstream.close()
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
