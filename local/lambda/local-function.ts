import { randomBytes, randomUUID } from 'node:crypto'
import { pause } from '../pause.ts'
import { KINDS } from '../fault-kinds.ts'
import { ExecutionEnvironment, type Work } from './execution-environment.ts'
import { type FunctionDefinition, environmentVariables } from './function-definition.ts'
import { FunctionThrottledError, type InvokeResult } from './invoker.ts'
import type { LambdaOptions } from './service.ts'
import type { Trouble } from './trouble.ts'
import { workerCode } from './worker-code.ts'

const DEFAULT_PATIENCE_MS = 5

const MOMENTS = ['before', 'midway', 'after']
const TROUBLE_KINDS = KINDS.filter((kind) => kind.startsWith('function.'))

/** One function: its execution environments, and the invocations that wait for one. */
export class LocalFunction {
  #definition: FunctionDefinition
  readonly #options: LambdaOptions
  /** Those that run the newest code and have loaded it. */
  readonly #environments = new Set<ExecutionEnvironment>()
  /** Busy with code that was replaced, or loading their handler. */
  readonly #others = new Set<ExecutionEnvironment>()
  /** Not assigned to an environment yet, in order. */
  readonly #waiting: Work[] = []
  #starting: ExecutionEnvironment | undefined
  #patience: NodeJS.Timeout | undefined
  #running = 0
  #codeFolder: string | undefined
  #workerCode = ''
  readonly #closing = new AbortController()

  constructor(definition: FunctionDefinition, options: LambdaOptions) {
    this.#definition = definition
    this.#options = options
  }

  get definition(): FunctionDefinition {
    return this.#definition
  }

  async invoke(event: unknown, requestId: string = randomUUID()): Promise<InvokeResult> {
    const { runtime, name, reservedConcurrency, codeFolder } = this.definition
    const { clock, latency } = this.#options
    if (!runtime.startsWith('nodejs')) return unsupported(runtime)
    try {
      this.#codeFolder ??= codeFolder()
    } catch (error) {
      const errorMessage = error instanceof Error ? error.message : String(error)
      this.#options.log.error(name, errorMessage)
      return failure('Runtime.CodeNotFound', errorMessage)
    }
    if (reservedConcurrency !== undefined && this.#running >= reservedConcurrency)
      throw new FunctionThrottledError('Rate Exceeded.')
    this.#workerCode ||= await workerCode()
    this.#running++
    if (latency) await pause(clock, latency.invokeMs, this.#closing.signal)
    const text = JSON.stringify(event ?? null)
    const result = await new Promise<InvokeResult>((settle) => {
      if (this.#closing.signal.aborted) return settle(CLOSED)
      const handBack = (work: Work) => this.#handBack(work)
      this.#waiting.push({ requestId, event: text, trouble: this.#trouble(), settle, handBack })
      this.#distribute()
    })
    this.#running--
    return result
  }

  /**
   * Runs another version of the function from the next invocation on, once that has loaded its handler; invocations that
   * have begun end with the version they have.
   * @throws when the handler can't be loaded, with what it threw; the function goes on as it was
   */
  async replace(definition: FunctionDefinition): Promise<void> {
    const { runtime, codeFolder } = definition
    const isRunnable = runtime.startsWith('nodejs')
    const folder = isRunnable ? codeFolder() : undefined
    const loaded = folder === undefined ? undefined : await this.#load(definition, folder)
    this.#definition = definition
    this.#codeFolder = folder
    this.#starting = undefined
    for (const environment of this.#environments) {
      this.#waiting.push(...environment.takeBack(0))
      if (environment.load === 0) void environment.stop()
      else this.#others.add(environment)
    }
    this.#environments.clear()
    if (loaded) this.#environments.add(loaded)
    this.#distribute()
  }

  /** Drawn when it is invoked, so that it does not depend on which environment takes it. */
  #trouble(): Trouble | undefined {
    const strike = this.#options.faults?.strike(TROUBLE_KINDS, this.definition.name)
    if (!strike) return undefined
    const [, kind, moment] = strike.kind.split('.')
    return {
      kind: kind as Trouble['kind'],
      moment: (moment ?? MOMENTS[Math.floor(strike.chance * MOMENTS.length)]) as Trouble['moment'],
      calls: strike.calls,
    }
  }

  /** Ends every execution environment, whatever it is doing; its invocation fails. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort()
    clearTimeout(this.#patience)
    for (const { settle } of this.#waiting.splice(0)) settle(CLOSED)
    await Promise.all([...this.#environments, ...this.#others].map((environment) => environment.stop()))
  }

  get #patienceMs(): number {
    return this.#options.patienceMs ?? DEFAULT_PATIENCE_MS
  }

  get #maxEnvironments(): number {
    return this.definition.reservedConcurrency ?? this.#options.maxEnvironments ?? 10
  }

  /** Assigns what waits: to an environment that rests, else to lie ready for the one with the least to do. */
  #distribute(): void {
    while (this.#waiting.length > 0) {
      const environment = this.#leastLoaded()
      if (!environment) break
      const work = this.#waiting.shift()
      if (work) environment.assign(work)
    }
    if (this.#environments.size === 0) this.#startAnother()
    this.#bePatient()
  }

  #leastLoaded(): ExecutionEnvironment | undefined {
    let least: ExecutionEnvironment | undefined
    for (const environment of this.#environments)
      if (environment.hasRoom && (!least || environment.load < least.load)) {
        least = environment
        if (least.load === 0) break
      }
    return least
  }

  /** Looks again soon, for as long as anything waits behind something else. */
  #bePatient(): void {
    if (this.#patience || this.#closing.signal.aborted || !this.#isAnythingBehind()) return
    this.#patience = setTimeout(() => {
      this.#patience = undefined
      const late = [...this.#environments].flatMap((environment) => environment.takeBack(this.#patienceMs))
      this.#waiting.unshift(...late)
      const resting = [...this.#environments].filter(({ isAlive, load }) => isAlive && load === 0)
      for (const environment of resting) {
        const work = this.#waiting.shift()
        if (work) environment.assign(work)
      }
      if (this.#waiting.length > 0) this.#startAnother()
      this.#bePatient()
    }, this.#patienceMs).unref()
  }

  #isAnythingBehind(): boolean {
    return this.#waiting.length > 0 || [...this.#environments].some(({ load }) => load > 1)
  }

  /** The environment ended before it began with this: another gets it, before everything that came later. */
  #handBack(work: Work): void {
    this.#waiting.unshift(work)
    queueMicrotask(() => this.#distribute())
  }

  /** One at a time: what waits meanwhile may find a rest by then. */
  #startAnother(): void {
    if (this.#starting || this.#closing.signal.aborted || this.#waiting.length === 0) return
    if (this.#environments.size >= this.#maxEnvironments) return
    const { definition } = this
    const environment = this.#newEnvironment(definition, this.#codeFolder ?? definition.codeFolder())
    this.#starting = environment
    this.#others.add(environment)
    const { clock, latency } = this.#options
    const cold = latency && pause(clock, latency.coldStartMs, this.#closing.signal)
    void Promise.all([environment.init(), cold]).then(() => {
      this.#others.delete(environment)
      if (this.#starting !== environment) return environment.stop() // its code was replaced meanwhile
      this.#starting = undefined
      const work = this.#waiting.shift()
      if (work) environment.assign(work)
      if (environment.isAlive) this.#environments.add(environment)
      else void environment.stop()
      this.#distribute()
      return undefined
    })
  }

  async #load(definition: FunctionDefinition, folder: string): Promise<ExecutionEnvironment> {
    this.#workerCode ||= await workerCode()
    const problems: string[] = []
    const environment = this.#newEnvironment(definition, folder, (problem) => problems.push(problem))
    this.#others.add(environment)
    await environment.init()
    this.#others.delete(environment)
    if (environment.isAlive && !this.#closing.signal.aborted) return environment
    await environment.stop()
    throw new Error(problems[0] ?? 'its handler could not be loaded in time')
  }

  #newEnvironment(
    definition: FunctionDefinition,
    taskRoot: string,
    onInitError?: (stack: string) => void,
  ): ExecutionEnvironment {
    const { environment, clock, log, hosts } = this.#options
    const { name } = definition
    const day = new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/')
    const logStream = `${day}/[$LATEST]${randomBytes(16).toString('hex')}`
    const made: ExecutionEnvironment = new ExecutionEnvironment({
      code: this.#workerCode,
      data: {
        taskRoot,
        handler: definition.handler,
        hosts: hosts(),
        allowsCallbacks: Number(/^nodejs(\d+)/.exec(definition.runtime)?.[1]) < 24,
        context: {
          functionName: name,
          functionVersion: '$LATEST',
          memoryLimitInMB: String(definition.memoryMb),
          logGroupName: definition.logGroup,
          logStreamName: logStream,
        },
      },
      env: environmentVariables(definition, environment, taskRoot, logStream),
      memoryMb: definition.memoryMb,
      timeoutMs: definition.timeoutMs,
      functionArn: definition.arn,
      clock,
      onLog: (text) => log.info(name, text),
      onError: (stack) => log.error(name, stack),
      onInitError: onInitError ?? ((stack) => log.error(name, stack)),
      onStart: (requestId) => log.info(name, `START RequestId: ${requestId} Version: $LATEST`),
      onEnd: (requestId, durationMs) => {
        log.info(name, `END RequestId: ${requestId}`)
        log.info(name, `REPORT RequestId: ${requestId}\tDuration: ${durationMs.toFixed(2)} ms`)
        // Whoever invoked hears of it first, then the room that it leaves is given away.
        queueMicrotask(() => {
          if (!made.isAlive || this.#others.has(made)) this.#drop(made)
          this.#distribute()
        })
      },
    })
    return made
  }

  #drop(environment: ExecutionEnvironment): void {
    this.#environments.delete(environment)
    this.#others.delete(environment)
    void environment.stop()
  }
}

const CLOSED: InvokeResult = {
  payload: JSON.stringify({ errorType: 'Runtime.ExitError', errorMessage: 'the local stack has ended' }),
  functionError: 'Unhandled',
}

const unsupported = (runtime: string) =>
  failure('Runtime.NotEmulated', `runtime "${runtime}" is not emulated; nodejs runtimes are`)

// Not of AWS: there a function without code, or with another runtime's, is refused or started when it is deployed.
const failure = (errorType: string, errorMessage: string): InvokeResult => ({
  payload: JSON.stringify({ errorType, errorMessage }),
  functionError: 'Unhandled',
})
