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
import type { Queues } from './queues.ts'

const TARGET_PREFIX = 'AmazonSQS.'
const NO_JSON_PROTOCOL = 'InvalidAction'

export interface SqsEndpointOptions {
  readonly environment: Environment
  readonly log: Log
  /** Who may do what; without it anybody may do anything. */
  readonly iam?: Iam | undefined
}

/**
 * `sqs.{region}.amazonaws.com`, speaking the JSON protocol: a POST with `x-amz-target: AmazonSQS.SendMessage` and a JSON
 * body. Errors are `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"…"}` with the header
 * `x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender`.
 *
 * Unlike AWS it does not speak the older query protocol (SDK for JavaScript v2), and says so to whoever tries.
 * @returns a request listener; its promise never rejects
 */
export function sqsEndpoint(
  queues: Queues,
  { environment, log, iam }: SqsEndpointOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const left = new AbortController()
    response.on('close', () => left.abort())
    try {
      const context = { queues, accountId: environment.accountId, signal: left.signal }
      answer(response, 200, await handle(request, context, { environment, iam }))
    } catch (caught) {
      const error = caught instanceof RefusedError ? toSqsError(caught) : caught
      if (error instanceof SqsError) {
        // Such a client reads XML, and has nothing to tell but "Bad Request".
        if (error.type === NO_JSON_PROTOCOL) log.error('sqs', error.message)
        answer(
          response,
          error.statusCode,
          { __type: error.shape, message: error.message },
          { 'x-amzn-query-error': `${error.queryCode};Sender` },
        )
        return
      }
      if (left.signal.aborted) return
      log.error('sqs', error instanceof Error ? (error.stack ?? error.message) : String(error))
      answer(response, 500, {
        __type: 'com.amazon.coral.service#InternalFailure',
        message: 'internal failure',
      })
    }
  }
}

async function handle(
  request: IncomingMessage,
  context: Parameters<(typeof operations)[string]>[1],
  { environment, iam }: Pick<SqsEndpointOptions, 'environment' | 'iam'>,
): Promise<object> {
  const bytes = await readBody(request)
  const caller = iam?.authenticate(request, bytes, 'sqs')
  const target = request.headers['x-amz-target']
  if (typeof target !== 'string' || !target.startsWith(TARGET_PREFIX)) {
    throw new SqsError(
      NO_JSON_PROTOCOL,
      'only the JSON protocol of SQS is emulated, which needs the header "x-amz-target: AmazonSQS.<operation>"; use AWS SDK v3 or another SDK of 2024 or newer',
    )
  }
  const name = target.slice(TARGET_PREFIX.length)
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined
  if (!operation) {
    throw new SqsError(
      'UnsupportedOperation',
      `the operation "${name}" is not emulated; expected one of ${Object.keys(operations).join(', ')}`,
    )
  }
  let body: unknown
  try {
    body = JSON.parse(bytes.toString() || '{}')
  } catch {
    throw new SqsError('SerializationException', 'The request body is not valid JSON')
  }
  if (caller) iam?.authorize(caller, accessOf(name, body, environment))
  return operation(new Input(body), context)
}

function answer(
  response: ServerResponse,
  statusCode: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .writeHead(statusCode, {
      'content-type': 'application/x-amz-json-1.0',
      'x-amzn-requestid': randomUUID(),
      ...headers,
    })
    .end(JSON.stringify(body))
}
