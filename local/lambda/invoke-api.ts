import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Environment } from '../cloudformation/resource.ts'
import type { Iam } from '../iam/iam.ts'
import { RefusedError } from '../iam/refused-error.ts'
import { functionArn } from '../iam/resource-policies.ts'
import { readBody } from '../read-body.ts'
import { type FunctionInvoker, FunctionNotFoundError, FunctionThrottledError } from './invoker.ts'

const PATH = /^\/2015-03-31\/functions\/([^/]+)\/invocations(?:\?(.*))?$/
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_EVENT_BYTES = 6 * 1024 * 1024
const MAX_ASYNC_EVENT_BYTES = 1024 * 1024

export interface InvokeApiOptions {
  readonly functions: FunctionInvoker
  readonly environment: Environment
  /** Who may do what; without it anybody may do anything. */
  readonly iam?: Iam | undefined
}

/** Lambda's Invoke operation, for functions that call functions. */
export function invokeApi(
  options: InvokeApiOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    response.setHeader('x-amzn-requestid', randomUUID())
    handle(request, response, options).catch((error: unknown) => {
      if (error instanceof RefusedError) refuse(response, 403, error.exception, error.message)
      else if (error instanceof FunctionNotFoundError) refuse(response, 404, error.name, error.message)
      else if (error instanceof FunctionThrottledError) refuse(response, 429, error.name, error.message)
      else refuse(response, 500, 'ServiceException', String(error))
    })
  }
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  { functions, environment, iam }: InvokeApiOptions,
): Promise<void> {
  const [, encoded, query] = PATH.exec(request.url ?? '') ?? []
  if (encoded === undefined || request.method !== 'POST') {
    const what = `${request.method ?? ''} ${request.url ?? ''}`
    refuse(response, 404, 'UnknownOperationException', `"${what}" is not emulated; Lambda's Invoke is`)
    return
  }
  const target = decodeURIComponent(encoded)
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse'
  const body = await readBody(request)
  if (iam) {
    const qualifier = new URLSearchParams(query).get('Qualifier') ?? undefined
    const resource = functionArn(target, environment, qualifier)
    iam.authorize(iam.authenticate(request, body, 'lambda'), { action: 'lambda:InvokeFunction', resource })
  }
  const limit = type === 'Event' ? MAX_ASYNC_EVENT_BYTES : MAX_EVENT_BYTES
  if (body.length > limit) {
    refuse(
      response,
      413,
      'RequestTooLargeException',
      `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
    )
    return
  }
  const event = parse(body)
  if (event === INVALID) {
    refuse(response, 400, 'InvalidRequestContentException', 'Could not parse request body into json')
    return
  }
  if (type === 'Event') {
    functions.invokeAsync(target, event)
    response.writeHead(202).end()
  } else if (type === 'DryRun') {
    response.writeHead(204).end()
  } else {
    const { payload, functionError } = await functions.invoke(target, event)
    response.writeHead(200, {
      'content-type': 'application/json',
      'x-amz-executed-version': '$LATEST',
      ...(functionError ? { 'x-amz-function-error': functionError } : {}),
    })
    response.end(payload)
  }
}

const INVALID = Symbol('invalid JSON')

function parse(body: Buffer): unknown {
  try {
    return body.length === 0 ? {} : JSON.parse(body.toString())
  } catch {
    return INVALID
  }
}

function refuse(response: ServerResponse, status: number, type: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type })
  response.end(JSON.stringify({ Type: 'User', Message: message }))
}
