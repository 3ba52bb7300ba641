import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Environment } from '../cloudformation/resource.ts'
import type { Iam } from '../iam/iam.ts'
import { RefusedError } from '../iam/refused-error.ts'
import { functionArn } from '../iam/resource-policies.ts'
import { readBody } from '../read-body.ts'
import {
  type FunctionInvoker,
  FunctionNotFoundError,
  FunctionThrottledError,
  type InvokeOptions,
} from './invoker.ts'
import { MAX_ASYNC_EVENT_BYTES, MAX_EVENT_BYTES } from './limits.ts'
import { LATEST } from './qualifiers.ts'

const INVOKE = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/
/** The operation InvokeAsync, which Invoke replaced. */
const INVOKE_ASYNC = /^\/2014-11-13\/functions\/([^/]+)\/invoke-async\/?$/

/** What Invoke needs of the functions. */
export interface InvocableFunctions extends FunctionInvoker {
  /** @throws FunctionNotFoundError */
  check(target: string, qualifier?: string): void
}

export interface InvokeApiOptions {
  readonly functions: InvocableFunctions
  readonly environment: Environment
  /** Who may do what; without it anybody may do anything. */
  readonly iam?: Iam | undefined
}

/**
 * Lambda's Invoke operation, for functions that call functions:
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export function invokeApi(
  options: InvokeApiOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    response.setHeader('x-amzn-requestid', randomUUID())
    handle(request, response, options).catch((error: unknown) => {
      if (error instanceof RefusedError) refuse(response, 403, error.exception, error.message)
      else if (error instanceof FunctionNotFoundError) refuse(response, 404, error.name, error.message)
      else if (error instanceof FunctionThrottledError)
        refuse(response, 429, error.name, error.message, {
          Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
        })
      else refuse(response, 500, 'ServiceException', String(error))
    })
  }
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  { functions, environment, iam }: InvokeApiOptions,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://lambda')
  const [, old] = INVOKE_ASYNC.exec(pathname) ?? []
  const encoded = old ?? INVOKE.exec(pathname)?.[1]
  if (encoded === undefined || request.method !== 'POST') {
    const what = `${request.method ?? ''} ${request.url ?? ''}`
    refuse(response, 404, 'UnknownOperationException', `"${what}" is not emulated; Lambda's Invoke is`)
    return
  }
  const target = decodeURIComponent(encoded)
  const type = old === undefined ? (header(request, 'x-amz-invocation-type') ?? 'RequestResponse') : 'Event'
  const limit = type === 'Event' ? MAX_ASYNC_EVENT_BYTES : MAX_EVENT_BYTES
  const options = invokeOptions(request, searchParams.get('Qualifier') ?? undefined)
  const body = await readBody(request)
  if (iam) {
    const resource = functionArn(target, environment, options.qualifier)
    iam.authorize(iam.authenticate(request, body, 'lambda'), { action: 'lambda:InvokeFunction', resource })
  }
  if (body.length > limit) {
    const message = `Request must be smaller than ${limit} bytes for the InvokeFunction operation`
    refuse(response, 413, 'RequestTooLargeException', message)
    return
  }
  const event = parse(body)
  if (event === INVALID) {
    refuse(response, 400, 'InvalidRequestContentException', 'Could not parse request body into json')
    return
  }
  functions.check(target, options.qualifier)
  if (type === 'Event') {
    functions.invokeAsync(target, event, options)
    response.writeHead(202).end()
  } else if (type === 'DryRun') {
    response.writeHead(204).end()
  } else if (type === 'RequestResponse') {
    const { payload, functionError, executedVersion, logTail } = await functions.invoke(
      target,
      event,
      options,
    )
    response.writeHead(200, {
      'content-type': 'application/json',
      'x-amz-executed-version': executedVersion ?? LATEST,
      ...(functionError ? { 'x-amz-function-error': functionError } : {}),
      ...(logTail === undefined ? {} : { 'x-amz-log-result': logTail }),
    })
    response.end(payload)
  } else {
    const message = `1 validation error detected: Value '${type}' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]`
    refuse(response, 400, 'ValidationException', message)
  }
}

function invokeOptions(request: IncomingMessage, qualifier: string | undefined): InvokeOptions {
  const clientContext = header(request, 'x-amz-client-context')
  return {
    qualifier,
    clientContext:
      clientContext === undefined ? undefined : Buffer.from(clientContext, 'base64').toString('utf8'),
    tenantId: header(request, 'x-amz-tenant-id'),
    traceId: header(request, 'x-amzn-trace-id'),
    wantsLogTail: header(request, 'x-amz-log-type') === 'Tail',
  }
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

const INVALID = Symbol('invalid JSON')

function parse(body: Buffer): unknown {
  try {
    return body.length === 0 ? {} : JSON.parse(body.toString())
  } catch {
    return INVALID
  }
}

function refuse(
  response: ServerResponse,
  status: number,
  type: string,
  message: string,
  more: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type })
  response.end(JSON.stringify({ Type: 'User', Message: message, message, ...more }))
}
