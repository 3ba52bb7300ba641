import { finished } from 'node:stream/promises'
import type { Handler } from './load.ts'
import type { Invocation } from './protocol.ts'
import { CollectingStream, STREAMING } from './response-stream.ts'

export interface CallOptions {
  readonly handler: Handler
  /** Callback handlers, `context.done` and the like: gone from nodejs24.x. */
  readonly allowsCallbacks: boolean
  /** Has `listener` run when nothing is left that the thread could wait for; the last one given counts. */
  readonly whenIdle: (listener: () => void) => void
}

/** The function's reply as JSON text. @throws whatever the handler does */
export async function callHandler(invocation: Invocation, options: CallOptions): Promise<string> {
  const event: unknown = JSON.parse(invocation.event)
  const { handler, allowsCallbacks } = options
  if (handler[STREAMING] !== undefined) return callStreaming(event, invocation, handler)
  const reply = allowsCallbacks
    ? callWithCallback(event, invocation, options)
    : handler(event, contextOf(invocation))
  return stringify(await reply)
}

/** https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
function contextOf(invocation: Invocation) {
  const { functionArn, requestId, clientContext, cognitoIdentity, tenantId, timeoutMs } = invocation
  const deadline = Date.now() + timeoutMs
  return {
    functionVersion: process.env['AWS_LAMBDA_FUNCTION_VERSION'],
    functionName: process.env['AWS_LAMBDA_FUNCTION_NAME'],
    memoryLimitInMB: process.env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'],
    logGroupName: process.env['AWS_LAMBDA_LOG_GROUP_NAME'],
    logStreamName: process.env['AWS_LAMBDA_LOG_STREAM_NAME'],
    clientContext: parse(clientContext),
    identity: parse(cognitoIdentity),
    invokedFunctionArn: functionArn,
    awsRequestId: requestId,
    tenantId,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  }
}

const parse = (json: string | undefined): unknown => (json === undefined ? undefined : JSON.parse(json))

function stringify(reply: unknown): string {
  try {
    return JSON.stringify(reply === undefined || typeof reply === 'function' ? null : reply)
  } catch {
    throw new Error('Unable to stringify response body')
  }
}

/**
 * Up to nodejs22.x: whichever comes first of the callback, `context.done`, `succeed` and `fail`, and the promise that the
 * handler gave. A callback's result waits until nothing is left to do, unless `callbackWaitsForEmptyEventLoop` is false.
 */
function callWithCallback(
  event: unknown,
  invocation: Invocation,
  { handler, whenIdle }: CallOptions,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let isDone = false
    let waits = true
    const end = (error: unknown, result: unknown, isAtOnce: boolean) => {
      if (isDone) return
      isDone = true
      // Whatever was thrown is described as it is.
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      if (error !== undefined && error !== null) reject(error)
      else if (isAtOnce) resolve(result)
      else whenIdle(() => resolve(result))
    }
    const succeed = (result: unknown) => end(null, result, true)
    const fail = (error: unknown) => end(error ?? 'handled', undefined, true)
    const context = {
      get callbackWaitsForEmptyEventLoop() {
        return waits
      },
      set callbackWaitsForEmptyEventLoop(value: boolean) {
        waits = value
      },
      succeed,
      fail,
      done: (error: unknown, result: unknown) => end(error, result, true),
      ...contextOf(invocation),
    }
    const callback = (error: unknown, result: unknown) => end(error, result, !waits)
    const isAsync = handler.constructor.name === 'AsyncFunction'
    if (!isAsync) whenIdle(() => resolve(null))
    try {
      const returned = handler(event, context, callback)
      if (isPromise(returned)) returned.then(succeed, fail)
    } catch (error) {
      callback(error, undefined)
    }
  })
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}

async function callStreaming(event: unknown, invocation: Invocation, handler: Handler): Promise<string> {
  const stream = new CollectingStream()
  const ended = finished(stream)
  ended.catch(() => undefined) // awaited below, unless the handler fails first
  const returned = handler(event, stream, contextOf(invocation))
  if (!isPromise(returned)) throw new Error('Streaming does not support non-async handlers.')
  await returned
  if (!stream.writableEnded) throw new Error('Response stream is not finished.')
  await ended
  return stream.text
}
