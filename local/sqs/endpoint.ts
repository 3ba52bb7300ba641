import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Environment } from '../cloudformation/resource.ts'
import type { Iam } from '../iam/iam.ts'
import { RefusedError } from '../iam/refused-error.ts'
import type { Log } from '../log.ts'
import { readBody } from '../read-body.ts'
import { accessOf, toSqsError } from './authorization.ts'
import { SqsError } from './errors.ts'
import { Input } from './input.ts'
import { operations } from './operations.ts'
import { readQuery, writeQueryError, writeQueryResult } from './query-protocol.ts'
import type { Queues } from './queues.ts'

const TARGET_PREFIX = 'AmazonSQS.'

export interface SqsEndpointOptions {
  readonly environment: Environment
  readonly log: Log
  /** Who may do what; without it anybody may do anything. */
  readonly iam?: Iam | undefined
}

/**
 * `sqs.{region}.amazonaws.com`, speaking the JSON protocol: a POST with `x-amz-target: AmazonSQS.SendMessage` and a JSON
 * body. Errors are `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"…"}` with the header
 * `x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender`. A form with an `Action` is a call of the older query
 * protocol, which SDKs before November 2023 speak, and is answered in XML.
 * @returns a request listener; its promise never rejects
 */
export function sqsEndpoint(
  queues: Queues,
  { environment, log, iam }: SqsEndpointOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const left = new AbortController()
    response.on('close', () => left.abort())
    const protocol = isQuery(request) ? QUERY : JSON_1_0
    const answer = (status: number, text: string, headers: object = {}) =>
      response
        .writeHead(status, {
          'content-type': protocol.contentType,
          'x-amzn-requestid': requestId,
          ...headers,
        })
        .end(text)
    const requestId = randomUUID()
    try {
      const bytes = await readBody(request)
      const caller = iam?.authenticate(request, bytes, 'sqs')
      const { name, operation, input } = find(protocol.read(request, bytes.toString()))
      if (caller) iam?.authorize(caller, accessOf(name, input, environment))
      const context = { queues, accountId: environment.accountId, signal: left.signal }
      answer(200, protocol.write(name, await operation(new Input(input), context), requestId))
    } catch (caught) {
      const error = caught instanceof RefusedError ? toSqsError(caught) : caught
      if (error instanceof SqsError) {
        answer(error.statusCode, protocol.writeError(error, requestId), {
          'x-amzn-query-error': `${error.queryCode};Sender`,
        })
        return
      }
      if (left.signal.aborted) return
      log.error('sqs', error instanceof Error ? (error.stack ?? error.message) : String(error))
      const failure = { __type: 'com.amazon.coral.service#InternalFailure', message: 'internal failure' }
      answer(500, JSON.stringify(failure))
    }
  }
}

interface Call {
  readonly operation: string
  readonly input: unknown
}

interface Protocol {
  readonly contentType: string
  /** @throws SqsError for what is no call */
  read(request: IncomingMessage, body: string): Call
  write(operation: string, output: object, requestId: string): string
  writeError(error: SqsError, requestId: string): string
}

const isQuery = (request: IncomingMessage) =>
  request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false

const QUERY: Protocol = {
  contentType: 'text/xml',
  read: (request, body) => readQuery(body, request.url ?? ''),
  write: writeQueryResult,
  writeError: writeQueryError,
}

const JSON_1_0: Protocol = {
  contentType: 'application/x-amz-json-1.0',
  read(request, body) {
    const target = request.headers['x-amz-target']
    if (typeof target !== 'string' || !target.startsWith(TARGET_PREFIX))
      throw new SqsError(
        'InvalidAction',
        'a call needs the header "x-amz-target: AmazonSQS.<operation>" and a JSON body, or a form with an Action',
      )
    try {
      return { operation: target.slice(TARGET_PREFIX.length), input: JSON.parse(body || '{}') as unknown }
    } catch {
      throw new SqsError('SerializationException', 'The request body is not valid JSON')
    }
  },
  write: (_operation, output) => JSON.stringify(output),
  writeError: ({ shape, message }) => JSON.stringify({ __type: shape, message }),
}

/** @throws SqsError when there is no such operation */
function find({ operation: name, input }: Call) {
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined
  if (operation) return { name, operation, input }
  throw new SqsError(
    'UnsupportedOperation',
    `the operation "${name}" is not emulated; expected one of ${Object.keys(operations).join(', ')}`,
  )
}
