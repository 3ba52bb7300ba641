// Runs in the thread of an execution environment: loads the handler, then takes one invocation after another.
import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { formatWithOptions, inspect } from 'node:util'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { ignoreProjectType, isPlainScript } from './common-js.ts'
import { Receiver } from './hand-over.ts'
import type { ErrorPayload, FromWorker, Invocation, WorkerData } from './protocol.ts'
import { redirectConnections } from './redirect.ts'
import { TroubleMaker } from './trouble.ts'

type Handler = (
  event: unknown,
  context: object,
  callback?: (error: unknown, result?: unknown) => void,
) => unknown

const data = workerData as WorkerData
const port = parentPort
if (!port) throw new Error('this file runs in a worker thread only')
const handOver = new Receiver(data.handOver)
let current: Invocation | undefined
/** Ends the invocation of a handler that gave no promise, when it left nothing to wait for. */
let whenIdle: (() => void) | undefined

const post = (message: FromWorker) => port.postMessage(message)
const troubleMaker = new TroubleMaker(() => post({ type: 'killed' }))

if (data.nodeOptions !== undefined) process.env['NODE_OPTIONS'] = data.nodeOptions
process.cwd = () => data.taskRoot
process.setSourceMapsEnabled(true)
redirectConnections(data.hosts, () => troubleMaker.answered())
ignoreProjectType(data.taskRoot)
captureOutput()

process.on('unhandledRejection', (reason) => {
  const error = new RuntimeError('Runtime.UnhandledPromiseRejection', String(reason), { cause: reason })
  fail(describe(error), error, true)
  process.exit(128)
})
process.on('uncaughtException', (error) => {
  fail(describe(error), error, true)
  process.exit(129)
})
process.on('beforeExit', () => {
  if (whenIdle) {
    setImmediate(whenIdle)
    whenIdle = undefined
    return
  }
  // Nothing is left that could settle the handler's promise.
  fail(
    { errorType: 'Runtime.NodeJsExit', errorMessage: 'Runtime exited without providing a reason' },
    undefined,
    true,
  )
  process.exit(0)
})

async function run(): Promise<void> {
  let handler: Handler
  try {
    handler = await load()
  } catch (error) {
    fail(describe(error), error, true)
    process.exit(1)
  }
  post({ type: 'ready' })
  for (;;) {
    const invocation = take()
    current = invocation
    troubleMaker.begin(invocation.trouble)
    try {
      const result = await call(handler, invocation)
      troubleMaker.end()
      post({ type: 'result', payload: JSON.stringify(result === undefined ? null : result) })
    } catch (error) {
      fail(describe(error), error, false)
    }
    current = undefined
    whenIdle = undefined
  }
}

/** The next invocation; sleeps, frozen with all that the handler left running, until there is one. */
function take(): Invocation {
  for (;;) {
    // A worker's parent port takes no other messages than these.
    const received = port && (receiveMessageOnPort(port) as { message: Invocation } | undefined)
    if (!received) handOver.sleep()
    else if (handOver.begin(received.message.number)) return received.message
  }
}

async function call(
  handler: Handler,
  { event, requestId, functionArn, timeoutMs }: Invocation,
): Promise<unknown> {
  const deadline = Date.now() + timeoutMs
  const context = {
    ...data.context,
    invokedFunctionArn: functionArn,
    awsRequestId: requestId,
    clientContext: undefined,
    identity: undefined,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  }
  const parsed: unknown = JSON.parse(event)
  if (!data.allowsCallbacks) return handler(parsed, context)
  return new Promise((settle, reject) => {
    const callback = (error: unknown, result?: unknown) => {
      if (error === null || error === undefined) settle(result)
      else reject(error instanceof Error ? error : new Error(inspect(error)))
    }
    const legacy = { ...context, callbackWaitsForEmptyEventLoop: true, done: callback, fail: callback }
    const returned = handler(
      parsed,
      { ...legacy, succeed: (result: unknown) => callback(null, result) },
      callback,
    )
    if (returned instanceof Promise) returned.then(settle, reject)
    else whenIdle = () => settle(undefined)
  })
}

class RuntimeError extends Error {
  constructor(type: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = type
    // The stack begins with the name that stands when it is captured.
    Error.captureStackTrace(this, RuntimeError)
  }
}

/** `src/app.handler`: a file below the task's root, then the way to the function in what it exports. */
async function load(): Promise<Handler> {
  const { taskRoot, handler } = data
  const [, folder = '', file, path] = /^(.*\/)?([^/.]+)\.(.+)$/.exec(handler) ?? []
  if (file === undefined || path === undefined)
    throw new RuntimeError('Runtime.MalformedHandlerName', `Bad handler "${handler}"`)
  const base = resolve(taskRoot, folder, file)
  const found = ['', '.js', '.mjs', '.cjs'].map((extension) => base + extension).find(isFile)
  if (found === undefined)
    throw new RuntimeError('Runtime.ImportModuleError', `Error: Cannot find module '${join(folder, file)}'`)
  let exported: Record<string, unknown>
  try {
    exported = (
      isPlainScript(found, taskRoot) ? createRequire(found)(found) : await import(pathToFileURL(found).href)
    ) as Record<string, unknown>
  } catch (cause) {
    if (cause instanceof SyntaxError)
      throw new RuntimeError('Runtime.UserCodeSyntaxError', String(cause), { cause })
    if ((cause as { code?: string }).code?.includes('MODULE_NOT_FOUND'))
      throw new RuntimeError('Runtime.ImportModuleError', `Error: ${(cause as Error).message}`, { cause })
    throw cause
  }
  const follow = (root: unknown) =>
    path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], root)
  const handle = follow(exported) ?? follow(exported['default'])
  if (typeof handle === 'function') {
    if (handle.length >= 3 && !data.allowsCallbacks)
      throw new RuntimeError(
        'Runtime.CallbackHandlerDeprecated',
        'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later.',
      )
    return handle as Handler
  }
  throw new RuntimeError('Runtime.HandlerNotFound', `${handler} is undefined or not exported`)
}

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false

function describe(error: unknown): ErrorPayload {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] }
  const trace = (error.stack ?? String(error)).split('\n')
  return { errorType: error.name, errorMessage: error.message, trace }
}

function fail(payload: ErrorPayload, error: unknown, fatal: boolean): void {
  const cause =
    error instanceof Error && error.cause instanceof Error ? `\ncaused by ${error.cause.stack ?? ''}` : ''
  const stack = (error instanceof Error ? (error.stack ?? error.message) : payload.errorMessage) + cause
  post({ type: 'error', payload: JSON.stringify(payload), stack, fatal })
}

/** Lines as the runtime writes them: time, request id, level, text. Sent as messages, so that freezing loses none. */
function captureOutput(): void {
  const levels = {
    log: 'INFO',
    info: 'INFO',
    debug: 'DEBUG',
    trace: 'TRACE',
    warn: 'WARN',
    error: 'ERROR',
  } as const
  for (const [method, level] of Object.entries(levels) as [keyof typeof levels, string][])
    console[method] = (...args: unknown[]) => {
      const text = formatWithOptions({}, ...args)
      post({
        type: 'log',
        text: `${new Date().toISOString()}\t${current?.requestId ?? 'undefined'}\t${level}\t${text}`,
      })
    }
  for (const stream of [process.stdout, process.stderr])
    stream.write = (chunk: Uint8Array | string) => {
      post({
        type: 'log',
        text: Buffer.from(chunk as string)
          .toString()
          .trimEnd(),
      })
      return true
    }
}

void run()
