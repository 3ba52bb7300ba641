import { rmSync } from 'node:fs'
import type { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../clock.ts'
import { type EnvironmentThread, type ThreadOptions, startThread } from './environment-thread.ts'
import type { EnvironmentWatcher, InvocationReport } from './environment-watcher.ts'
import { exitReason, failure, tooLarge } from './failures.ts'
import type { InvokeResult } from './invoker.ts'
import { INIT_TIMEOUT_MS, MAX_RESPONSE_BYTES } from './limits.ts'
import { type Sender } from './runtime/hand-over.ts'
import type { FromWorker, Invocation, InvocationContext } from './runtime/protocol.ts'
import type { Trouble } from './runtime/trouble.ts'

export interface EnvironmentOptions extends ThreadOptions {
  readonly timeoutMs: number
  readonly clock: Clock
  /** Whether a debugger may have stopped the thread, so that its time does not count. */
  readonly isDebugged: () => boolean
  readonly watcher: EnvironmentWatcher
}

/** An invocation, and what becomes of it. */
export interface Work extends InvocationContext {
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

/** One execution environment: a thread that handles one invocation at a time and stands still in between. */
export class ExecutionEnvironment {
  readonly #options: EnvironmentOptions
  #worker: Worker
  #handOver: Sender
  /** In the order in which the thread takes them; it has begun with the first, or is about to. */
  readonly #assigned: Assigned[] = []
  /** About to be handed over. */
  readonly #passing: Invocation[] = []
  /** Moment of the clock and of the machine at which the first of them began. */
  #begun = { at: 0, on: 0 }
  #deadline: Timer | undefined
  #initialized: ((outcome: FromWorker | Exit | 'timed-out') => void) | undefined
  #initMs: number | undefined
  #memoryBytes = 0
  #ended: string | undefined
  #isStopping = false
  #isSuspended = false
  #initError: InvokeResult | undefined

  constructor(options: EnvironmentOptions) {
    this.#options = options
    const { worker, handOver } = this.#startThread()
    this.#worker = worker
    this.#handOver = handOver
  }

  /**
   * Resolves once the handler is loaded. One that can't be loaded fails the first invocation; one that takes too long
   * is loaded again by the first invocation, within that one's time.
   * @returns whether it can't be loaded for want of hooks for `import`
   */
  async init(): Promise<'ready' | 'needs-import-hooks'> {
    const start = performance.now()
    const outcome = await this.#initialization()
    this.#initMs = performance.now() - start
    if (outcome === 'timed-out') {
      this.#options.watcher.onInitTimeout()
      this.#isSuspended = true
      this.#initMs = undefined
      await this.#worker.terminate()
    } else if (outcome.type === 'exit') {
      this.#initError = failure('Runtime.ExitError', outcome.reason)
      if (!this.#isStopping) this.#options.watcher.onInitError(outcome.reason)
    } else if (outcome.type === 'error') {
      this.#initError = { payload: outcome.payload, functionError: 'Unhandled' }
      this.#options.watcher.onInitError(outcome.stack)
    }
    return outcome !== 'timed-out' && outcome.type === 'needs-import-hooks' ? outcome.type : 'ready'
  }

  /** Whether it can take another invocation. */
  get isAlive(): boolean {
    return this.#ended === undefined && this.#initError === undefined
  }

  /** Whether it ended by a crash or a timeout: what it left in its temporary folder stays for the next. */
  get hasCrashed(): boolean {
    return this.#ended !== undefined && !this.#isStopping
  }

  get temporaryFolder(): string {
    return this.#options.data.temporaryFolder
  }

  /** Invocations assigned to it that are not over. */
  get load(): number {
    return this.#assigned.length
  }

  /** Whether another invocation may lie ready for it. */
  get hasRoom(): boolean {
    const oldest = this.#assigned[0]
    return this.isAlive && (!oldest || this.#handOver.hasSlotBeside(oldest.number))
  }

  /** Hands an invocation over; there must be room. */
  assign(work: Work): void {
    if (this.#initError) {
      work.settle(this.#initError)
      return
    }
    if (this.#isSuspended) {
      this.#isSuspended = false
      const { worker, handOver } = this.#startThread()
      this.#worker = worker
      this.#handOver = handOver
    }
    const number = this.#handOver.next()
    this.#assigned.push({ work, number, since: performance.now() })
    const { settle: _settle, handBack: _handBack, ...passed } = work
    const { timeoutMs } = this.#options
    this.#pass({ ...passed, number, timeoutMs })
    if (this.#assigned.length === 1) this.#begin()
  }

  /** Invocations of one turn of the event loop go together: waking the thread costs more than a short handler. */
  #pass(invocation: Invocation): void {
    if (this.#passing.push(invocation) > 1) return
    const worker = this.#worker
    setImmediate(() => {
      worker.postMessage(this.#passing.splice(0))
      this.#handOver.wake()
    })
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
    this.#isStopping ||= this.#ended === undefined
    await this.#worker.terminate()
  }

  /** Removes what functions left in the temporary folder. */
  clear(): void {
    rmSync(this.temporaryFolder, { recursive: true, force: true })
  }

  #startThread(): EnvironmentThread {
    const thread = startThread(this.#options)
    const { worker } = thread
    const unlessReplaced = (act: () => void) => {
      if (worker === this.#worker) act()
    }
    worker.on('message', (message: FromWorker) => unlessReplaced(() => this.#receive(message)))
    worker.on('error', (error) => unlessReplaced(() => this.#end(exitReason(error))))
    worker.on('exit', (status) => unlessReplaced(() => this.#end(exitReason(status))))
    return thread
  }

  #begin(): void {
    const first = this.#assigned[0]
    if (!first) return
    const { clock, watcher, timeoutMs } = this.#options
    this.#begun = { at: clock.now(), on: performance.now() }
    watcher.onStart(first.work.requestId)
    // One timer for all invocations: it looks at the one that is running when it goes off.
    if (!this.#deadline) this.#watch(timeoutMs)
  }

  #watch(delayMs: number): void {
    const { clock, timeoutMs, isDebugged } = this.#options
    this.#deadline = clock.after(delayMs, () => {
      this.#deadline = undefined
      if (this.#assigned.length === 0) return
      const left = this.#begun.at + timeoutMs - clock.now()
      if (left > 0) this.#watch(left)
      else if (isDebugged()) this.#watch(timeoutMs)
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
      this.#options.watcher.onLog(message, this.#assigned[0]?.work.requestId)
      return
    }
    if (this.#initialized) {
      this.#initialized(message)
      return
    }
    if (message.type === 'ready' || message.type === 'needs-import-hooks') return
    if (message.type === 'killed') {
      this.#end('Error: Runtime exited with error: signal: killed')
      void this.stop()
      return
    }
    this.#memoryBytes = Math.max(this.#memoryBytes, message.memoryBytes)
    if (message.type === 'result') {
      const isTooLarge = Buffer.byteLength(message.payload) > MAX_RESPONSE_BYTES
      if (isTooLarge) this.#finish(tooLarge(), 'error')
      else this.#finish({ payload: message.payload }, 'success')
      return
    }
    this.#report(message.stack)
    if (message.fatal) this.#ended ??= 'Error: Runtime exited without providing a reason'
    this.#finish({ payload: message.payload, functionError: 'Unhandled' }, 'error')
    if (!message.fatal) return
    void this.stop()
    this.#handBack()
  }

  /** The thread has come to its end by itself. */
  #end(reason: string): void {
    const isFirst = this.#ended === undefined
    if (this.#isSuspended) return
    this.#ended ??= reason
    this.#initialized?.({ type: 'exit', reason })
    if (!isFirst) return
    this.#fail('Runtime.ExitError', reason)
    this.#handBack()
  }

  #fail(errorType: string, reason: string): void {
    const first = this.#assigned[0]
    if (!first) return
    const { requestId } = first.work
    const errorMessage = `RequestId: ${requestId} ${reason}`
    if (!this.#isStopping) this.#report(reason)
    this.#finish(failure(errorType, errorMessage), errorType === 'Sandbox.Timedout' ? 'timeout' : 'error')
  }

  #report(stack: string): void {
    const elapsedMs = performance.now() - this.#begun.on
    this.#options.watcher.onError(stack, this.#assigned[0]?.work.requestId, elapsedMs)
  }

  #finish(result: InvokeResult, status: InvocationReport['status']): void {
    const assigned = this.#assigned.shift()
    if (!assigned) return
    const { requestId, settle } = assigned.work
    const durationMs = performance.now() - this.#begun.on
    const report = { requestId, durationMs, initMs: this.#initMs, memoryBytes: this.#memoryBytes, status }
    this.#initMs = undefined
    if (this.isAlive) this.#begin()
    this.#options.watcher.onEnd(report)
    settle(result)
  }

  /** The thread is gone, and with it what lay ready for it: none of that has begun. */
  #handBack(): void {
    for (const { work } of this.#assigned.splice(0)) work.handBack(work)
  }

  #initialization(): Promise<FromWorker | Exit | 'timed-out'> {
    const { clock, isDebugged } = this.#options
    return new Promise((resolve) => {
      const done = (outcome: FromWorker | Exit | 'timed-out') => {
        timer.cancel()
        this.#initialized = undefined
        resolve(outcome)
      }
      const limit = (): Timer =>
        clock.after(INIT_TIMEOUT_MS, () => {
          if (isDebugged()) timer = limit()
          else done('timed-out')
        })
      let timer = limit()
      this.#initialized = done
      if (this.#ended !== undefined) done({ type: 'exit', reason: this.#ended })
    })
  }
}

interface Exit {
  readonly type: 'exit'
  readonly reason: string
}
