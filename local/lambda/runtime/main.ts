// Runs in the thread of an execution environment: loads the handler, then takes one invocation after another.
import { mkdirSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import { getHeapStatistics } from 'node:v8'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { callHandler } from './call.ts'
import { ignoreProjectType } from './common-js.ts'
import { RuntimeError, describeError, stackOf } from './errors.ts'
import { Receiver } from './hand-over.ts'
import { type Handler, loadHandler } from './load.ts'
import { type LogSubject, RuntimeLog } from './log.ts'
import { importLikeLambda, mightBeElsewhere, resolveLikeLambda } from './modules.ts'
import type { FromWorker, Invocation, WorkerData } from './protocol.ts'
import { redirectConnections } from './redirect.ts'
import { awslambda } from './response-stream.ts'
import { liveIn } from './time.ts'
import { TroubleMaker } from './trouble.ts'

const data = workerData as WorkerData
const port = parentPort
if (!port) throw new Error('this file runs in a worker thread only')
const handOver = new Receiver(data.handOver, data.isInspected)
let current: LogSubject | undefined
/** What happens when nothing is left that could go on. */
let idle: (() => void) | undefined

const post = (message: FromWorker) => port.postMessage(message)
const troubleMaker = new TroubleMaker(() => post({ type: 'killed' }))
const log = new RuntimeLog({ post, subject: () => current })

if (data.time) liveIn(data.time.shared, data.time)
if (data.nodeOptions !== undefined) process.env['NODE_OPTIONS'] = data.nodeOptions
process.cwd = () => data.taskRoot
process.setSourceMapsEnabled(true)
redirectConnections(data.hosts, () => troubleMaker.answered())
ignoreProjectType(data.taskRoot)
resolveLikeLambda(data.modules)
if (data.modules.hasImportHooks) importLikeLambda(data.modules, data.importHooks)
os.tmpdir = temporaryFolder
syncBuiltinESMExports()
if (!/^(1|true)$/.test(process.env['AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA'] ?? ''))
  Object.assign(globalThis, { awslambda })

process.on('unhandledRejection', (reason) => {
  const error = new RuntimeError('Runtime.UnhandledPromiseRejection', String(reason), { cause: reason })
  log.error('Unhandled Promise Rejection', error)
  fail(error, true)
  process.exit(128)
})
process.on('uncaughtException', (error) => {
  log.error('Uncaught Exception', error)
  fail(error, true)
  process.exit(129)
})
process.on('beforeExit', () => {
  const next = idle
  idle = undefined
  if (next) setImmediate(next)
  // What the handler's file awaits will never come; Node's own status for that.
  else process.exit(13)
})

async function run(): Promise<void> {
  let handler: Handler
  try {
    handler = await loadHandler(data)
  } catch (error) {
    if (mightBeElsewhere(error, data.modules)) post({ type: 'needs-import-hooks' })
    else {
      log.error('Uncaught Exception', error)
      fail(error, true)
    }
    process.exit(1)
  }
  post({ type: 'ready' })
  for (;;) await serve(handler, take())
}

/** What has been handed over and is not begun, in order. */
const received: Invocation[] = []

/** The next invocation; sleeps, frozen with all that the handler left running, until there is one. */
function take(): Invocation {
  for (;;) {
    const next = received.shift()
    if (next && handOver.begin(next.number)) return next
    if (next) continue
    // A worker's parent port takes no other messages than these.
    const more = port && (receiveMessageOnPort(port) as { message: Invocation[] } | undefined)
    if (more) received.push(...more.message)
    else handOver.sleep()
  }
}

async function serve(handler: Handler, invocation: Invocation): Promise<void> {
  const { requestId, tenantId, traceId } = invocation
  current = { requestId, tenantId, begun: performance.now() }
  process.env['_X_AMZN_TRACE_ID'] = traceId
  troubleMaker.begin(invocation.trouble)
  try {
    const reply = callHandler(invocation, {
      handler,
      allowsCallbacks: data.allowsCallbacks,
      whenIdle: (listener) => (idle = listener),
    })
    const payload = await Promise.race([reply, neverSettled()])
    troubleMaker.end()
    post({ type: 'result', payload, memoryBytes: memoryBytes() })
  } catch (error) {
    troubleMaker.end()
    log.error('Invoke Error', error)
    fail(error, false)
  }
  current = undefined
  idle = undefined
}

/** Rejects when nothing is left that could settle the handler's promise. */
function neverSettled(): Promise<never> {
  return new Promise((_, reject) => {
    idle ??= () =>
      reject(
        new RuntimeError(
          'Runtime.NodeJsExit',
          'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes',
        ),
      )
  })
}

function fail(error: unknown, fatal: boolean): void {
  const payload = JSON.stringify(describeError(error))
  post({ type: 'error', payload, stack: stackOf(error), fatal, memoryBytes: memoryBytes() })
}

/** Of this thread alone: its heap and what hangs on it. */
function memoryBytes(): number {
  const { total_heap_size: heap, external_memory: external } = getHeapStatistics()
  return heap + external
}

/** Each environment has a folder of its own in the place of `/tmp`. */
function temporaryFolder(): string {
  mkdirSync(data.temporaryFolder, { recursive: true })
  return data.temporaryFolder
}

void run()
