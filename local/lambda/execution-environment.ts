import { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../clock.ts'
import { Sender, newHandOver, SLOTS } from './hand-over.ts'
import type { InvokeResult } from './invoker.ts'
import type { ErrorPayload, FromWorker, Invocation, WorkerData } from './protocol.ts'
import type { Trouble } from './trouble.ts'

export interface EnvironmentOptions {
  readonly code: string
  readonly data: Omit<WorkerData, 'handOver' | 'nodeOptions'>
  readonly env: Readonly<Record<string, string>>
  readonly memoryMb: number
  readonly timeoutMs: number
  readonly functionArn: string
  readonly clock: Clock
  readonly onLog: (text: string) => void
  readonly onError: (stack: string) => void
  /** The handler could not be loaded. */
  readonly onInitError: (stack: string) => void
  /** One invocation has begun. */
  readonly onStart: (requestId: string) => void
  /** One invocation is over, and how long it took; the next, if there is one, has begun. */
  readonly onEnd: (requestId: string, durationMs: number) => void
}

/** An invocation, and what becomes of it. */
export interface Work {
  readonly requestId: string
  /** JSON text. */
  readonly event: string
  readonly trouble: Trouble | undefined
  readonly settle: (result: InvokeResult) => void
  /** The environment ended before it began: it is to be handed to another. */
  readonly handBack: (work: Work) => void
}

interface Assigned {
  readonly work: Work
  /** By which both sides know it. */
  readonly number: number
  /** `performance.now()` when it was handed over. */
  readonly since: number
}

/** How long loading the handler may take: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html */
const INIT_TIMEOUT_MS = 10_000
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100

/** One execution environment: a thread that handles one invocation at a time and stands still in between. */
export class ExecutionEnvironment {
  readonly #options: EnvironmentOptions
  readonly #worker: Worker
  readonly #handOver: Sender
  /** In the order in which the thread takes them; it has begun with the first, or is about to. */
  readonly #assigned: Assigned[] = []
  /** Moment of the clock and of the machine at which the first of them began. */
  #begun = { at: 0, on: 0 }
  #deadline: Timer | undefined
  #initialized: ((outcome: FromWorker | Exit | 'timed-out') => void) | undefined
  #ended: string | undefined
  #isStopping = false
  #initError: InvokeResult | undefined

  constructor(options: EnvironmentOptions) {
    this.#options = options
    const { NODE_OPTIONS: nodeOptions, ...env } = options.env
    const handOver = newHandOver()
    this.#handOver = new Sender(handOver)
    const workerData: WorkerData = { ...options.data, nodeOptions, handOver }
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

  /** Resolves once the handler is loaded; one that can't be loaded fails the first invocation. */
  async init(): Promise<void> {
    const outcome = await this.#initialization()
    if (outcome === 'timed-out' || outcome.type === 'exit') {
      const message = outcome === 'timed-out' ? 'Error: Runtime initialization timed out' : outcome.reason
      this.#initError = failure({ errorType: 'Runtime.ExitError', errorMessage: message })
    } else if (outcome.type === 'error') {
      this.#initError = { payload: outcome.payload, functionError: 'Unhandled' }
      this.#options.onInitError(outcome.stack)
    }
  }

  /** Whether it can take another invocation. */
  get isAlive(): boolean {
    return this.#ended === undefined && this.#initError === undefined
  }

  /** Invocations assigned to it that are not over. */
  get load(): number {
    return this.#assigned.length
  }

  /** Whether another invocation may lie ready for it. */
  get hasRoom(): boolean {
    return this.isAlive && this.#assigned.length < SLOTS
  }

  /** Hands an invocation over; there must be room. */
  assign(work: Work): void {
    if (this.#initError) {
      work.settle(this.#initError)
      return
    }
    const number = this.#handOver.next()
    this.#assigned.push({ work, number, since: performance.now() })
    const { requestId, event, trouble } = work
    const { functionArn, timeoutMs } = this.#options
    const invocation: Invocation = {
      number,
      requestId,
      functionArn,
      timeoutMs,
      event,
      ...(trouble && { trouble }),
    }
    this.#worker.postMessage(invocation)
    this.#handOver.wake()
    if (this.#assigned.length === 1) this.#begin()
  }

  /** Takes back what has lain ready for longer than `patienceMs` behind another that is not over. */
  takeBack(patienceMs: number): Work[] {
    const latest = performance.now() - patienceMs
    const back: Work[] = []
    // From the end: the thread begins with them from the front.
    for (let i = this.#assigned.length - 1; i > 0; i--) {
      const assigned = this.#assigned[i]
      if (!assigned || assigned.since > latest || !this.#handOver.takeBack(assigned.number)) continue
      this.#assigned.splice(i, 1)
      back.unshift(assigned.work)
    }
    return back
  }

  /** Ends the thread, whatever it is doing; an invocation that runs fails. Idempotent. */
  async stop(): Promise<void> {
    this.#deadline?.cancel()
    this.#isStopping = true
    await this.#worker.terminate()
  }

  #begin(): void {
    const first = this.#assigned[0]
    if (!first) return
    const { clock, onStart, timeoutMs } = this.#options
    this.#begun = { at: clock.now(), on: performance.now() }
    onStart(first.work.requestId)
    // One timer for all invocations: it looks at the one that is running when it goes off.
    if (!this.#deadline) this.#watch(timeoutMs)
  }

  #watch(delayMs: number): void {
    const { clock, timeoutMs } = this.#options
    this.#deadline = clock.after(delayMs, () => {
      this.#deadline = undefined
      if (this.#assigned.length === 0) return
      const left = this.#begun.at + timeoutMs - clock.now()
      if (left > 0) this.#watch(left)
      else this.#timeOut()
    })
  }

  #timeOut(): void {
    const { timeoutMs } = this.#options
    this.#ended = `Error: Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`
    this.#fail('Sandbox.Timedout', this.#ended)
    void this.stop()
    this.#handBack()
  }

  #receive(message: FromWorker): void {
    if (message.type === 'log') {
      this.#options.onLog(message.text)
      return
    }
    if (this.#initialized) {
      this.#initialized(message)
      return
    }
    if (message.type === 'ready') return
    if (message.type === 'killed') {
      this.#end('Error: Runtime exited with error: signal: killed')
      void this.stop()
      return
    }
    if (message.type === 'result') {
      const isTooLarge = Buffer.byteLength(message.payload) > MAX_RESPONSE_BYTES
      this.#finish(isTooLarge ? tooLarge() : { payload: message.payload })
      return
    }
    this.#options.onError(message.stack)
    if (message.fatal) this.#ended ??= 'Error: Runtime exited without providing a reason'
    this.#finish({ payload: message.payload, functionError: 'Unhandled' })
    if (!message.fatal) return
    void this.stop()
    this.#handBack()
  }

  /** The thread has come to its end by itself. */
  #end(reason: string): void {
    const isFirst = this.#ended === undefined
    this.#ended ??= reason
    this.#initialized?.({ type: 'exit', reason })
    if (!isFirst) return
    this.#fail('Runtime.ExitError', reason)
    this.#handBack()
  }

  #fail(errorType: string, reason: string): void {
    const first = this.#assigned[0]
    if (!first) return
    const errorMessage = `RequestId: ${first.work.requestId} ${reason}`
    if (!this.#isStopping) this.#options.onError(errorMessage)
    this.#finish(failure({ errorType, errorMessage }))
  }

  #finish(result: InvokeResult): void {
    const assigned = this.#assigned.shift()
    if (!assigned) return
    const duration = performance.now() - this.#begun.on
    if (this.isAlive) this.#begin()
    this.#options.onEnd(assigned.work.requestId, duration)
    assigned.work.settle(result)
  }

  /** The thread is gone, and with it what lay ready for it: none of that has begun. */
  #handBack(): void {
    for (const { work } of this.#assigned.splice(0)) work.handBack(work)
  }

  #initialization(): Promise<FromWorker | Exit | 'timed-out'> {
    return new Promise((resolve) => {
      const done = (outcome: FromWorker | Exit | 'timed-out') => {
        timer.cancel()
        this.#initialized = undefined
        resolve(outcome)
      }
      const timer = this.#options.clock.after(INIT_TIMEOUT_MS, () => done('timed-out'))
      this.#initialized = done
      if (this.#ended !== undefined) done({ type: 'exit', reason: this.#ended })
    })
  }
}

interface Exit {
  readonly type: 'exit'
  readonly reason: string
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
