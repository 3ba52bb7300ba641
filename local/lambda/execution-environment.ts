import { randomUUID } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import type { Clock } from '../clock.ts'
import type { InvokeResult } from './invoker.ts'
import type { ErrorPayload, FromWorker, Invocation, WorkerData } from './protocol.ts'

export interface EnvironmentOptions {
  readonly code: string
  readonly data: Omit<WorkerData, 'signal' | 'nodeOptions'>
  readonly env: Readonly<Record<string, string>>
  readonly memoryMb: number
  readonly timeoutMs: number
  readonly functionArn: string
  readonly clock: Clock
  readonly onLog: (text: string) => void
  readonly onError: (stack: string) => void
}

/** How long loading the handler may take: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html */
const INIT_TIMEOUT_MS = 10_000
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100

/** One execution environment: a thread that handles one invocation at a time and stands still in between. */
export class ExecutionEnvironment {
  readonly #options: EnvironmentOptions
  readonly #worker: Worker
  readonly #signal = new Int32Array(new SharedArrayBuffer(4))
  #settle: ((outcome: FromWorker | { readonly type: 'exit'; readonly reason: string }) => void) | undefined
  #ended: string | undefined
  #initError: InvokeResult | undefined

  private constructor(options: EnvironmentOptions) {
    this.#options = options
    const { NODE_OPTIONS: nodeOptions, ...env } = options.env
    const workerData: WorkerData = { ...options.data, nodeOptions, signal: this.#signal.buffer }
    this.#worker = new Worker(options.code, {
      eval: true,
      workerData,
      env,
      resourceLimits: { maxOldGenerationSizeMb: options.memoryMb },
      stdout: true,
      stderr: true,
      execArgv: [],
    })
    this.#worker.on('message', (message: FromWorker) => this.#receive(message))
    this.#worker.on('error', (error) => this.#end(`Error: Runtime exited with error: ${error.message}`))
    this.#worker.on('exit', (status) =>
      this.#end(
        status === 0
          ? 'Error: Runtime exited without providing a reason'
          : `Error: Runtime exited with error: exit status ${status}`,
      ),
    )
  }

  /** Starts a thread and has it load the handler. A handler that can't be loaded fails the first invocation. */
  static async start(options: EnvironmentOptions): Promise<ExecutionEnvironment> {
    const environment = new ExecutionEnvironment(options)
    const outcome = await environment.#outcome(INIT_TIMEOUT_MS)
    if (outcome.type === 'error') {
      environment.#initError = { payload: outcome.payload, functionError: 'Unhandled' }
      options.onError(outcome.stack)
    } else if (outcome.type !== 'ready') {
      const message = outcome.type === 'exit' ? outcome.reason : 'Error: Runtime initialization timed out'
      environment.#initError = failure({ errorType: 'Runtime.ExitError', errorMessage: message })
    }
    return environment
  }

  /** Whether it can take another invocation. */
  get isAlive(): boolean {
    return this.#ended === undefined && this.#initError === undefined
  }

  async invoke(event: string, requestId: string = randomUUID()): Promise<InvokeResult> {
    if (this.#initError) return this.#initError
    const { timeoutMs, functionArn, onError } = this.#options
    const invocation: Invocation = { requestId, functionArn, deadline: Date.now() + timeoutMs, event }
    const waiting = this.#outcome(timeoutMs)
    this.#worker.postMessage(invocation)
    Atomics.store(this.#signal, 0, 1)
    Atomics.notify(this.#signal, 0)
    const outcome = await waiting
    switch (outcome.type) {
      case 'result':
        return Buffer.byteLength(outcome.payload) > MAX_RESPONSE_BYTES
          ? tooLarge()
          : { payload: outcome.payload }
      case 'error':
        onError(outcome.stack)
        if (outcome.fatal) await this.stop()
        return { payload: outcome.payload, functionError: 'Unhandled' }
      case 'timeout': {
        await this.stop()
        const errorMessage = `RequestId: ${requestId} Error: Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`
        onError(errorMessage)
        return failure({ errorType: 'Sandbox.Timedout', errorMessage })
      }
      case 'exit':
      case 'ready':
      case 'log': {
        const reason =
          outcome.type === 'exit' ? outcome.reason : 'Error: Runtime exited without providing a reason'
        const errorMessage = `RequestId: ${requestId} ${reason}`
        onError(errorMessage)
        return failure({ errorType: 'Runtime.ExitError', errorMessage })
      }
    }
  }

  /** Ends the thread, whatever it is doing. Idempotent. */
  async stop(): Promise<void> {
    await this.#worker.terminate()
  }

  #receive(message: FromWorker): void {
    if (message.type === 'log') this.#options.onLog(message.text)
    else this.#settle?.(message)
  }

  #end(reason: string): void {
    this.#ended ??= reason
    this.#settle?.({ type: 'exit', reason: this.#ended })
  }

  /** What the thread says next, or `timeout` when it says nothing in time. */
  #outcome(
    limitMs: number,
  ): Promise<FromWorker | { readonly type: 'exit'; readonly reason: string } | { readonly type: 'timeout' }> {
    return new Promise((resolve) => {
      if (this.#ended !== undefined) {
        resolve({ type: 'exit', reason: this.#ended })
        return
      }
      const timer = this.#options.clock.after(limitMs, () => {
        this.#settle = undefined
        resolve({ type: 'timeout' })
      })
      this.#settle = (outcome) => {
        timer.cancel()
        this.#settle = undefined
        resolve(outcome)
      }
    })
  }
}

const failure = (payload: ErrorPayload): InvokeResult => ({
  payload: JSON.stringify(payload),
  functionError: 'Unhandled',
})

const tooLarge = () =>
  failure({
    errorType: 'Function.ResponseSizeTooLarge',
    errorMessage: `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`,
  })
