import { randomBytes, randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Environment, Resource } from '../cloudformation/resource.ts'
import type { Destinations } from '../destination.ts'
import type { HostTable } from '../hosts.ts'
import type { Log } from '../log.ts'
import { ExecutionEnvironment } from './execution-environment.ts'
import { type FunctionDefinition, environmentVariables, functionDefinitions } from './function-definition.ts'
import {
  type FunctionInvoker,
  FunctionNotFoundError,
  FunctionThrottledError,
  type InvokeResult,
} from './invoker.ts'
import { workerCode } from './worker-code.ts'

export interface LambdaOptions {
  readonly resources: readonly Resource[]
  readonly environment: Environment
  readonly clock: Clock
  readonly log: Log
  readonly assetPath: (bucket: string, key: string) => string | undefined
  /** Asked when an execution environment starts, by when every host must be known. */
  readonly hosts: () => HostTable
  readonly destinations: Destinations
  /** Execution environments of one function at a time; what comes on top waits. AWS gives the account 1,000. @default 10 */
  readonly maxEnvironments?: number
}

/** Waits before the second and the third try of an asynchronous invocation. */
const ASYNC_RETRY_MS = [60_000, 120_000]

/** The functions of a stack, and the execution environments that they run in. */
export class LambdaService implements FunctionInvoker {
  readonly #functions: Map<string, LocalFunction>
  readonly #options: LambdaOptions
  #isClosed = false

  constructor(options: LambdaOptions) {
    this.#options = options
    const definitions = functionDefinitions(options.resources, options.assetPath)
    this.#functions = new Map(
      definitions.map((definition) => [definition.name, new LocalFunction(definition, options)]),
    )
  }

  async invoke(target: string, event: unknown): Promise<InvokeResult> {
    return this.#find(target).invoke(event)
  }

  invokeAsync(target: string, event: unknown): void {
    void this.#tryAsync(this.#find(target), event, randomUUID(), 1)
  }

  /** Ends every execution environment, whatever it is doing. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#functions.values()].map((fn) => fn.close()))
  }

  /** By name, ARN or part of an ARN, with or without a qualifier. */
  #find(target: string): LocalFunction {
    const name = target.includes(':')
      ? (/(?:^|:)function:([^:]+)/.exec(target)?.[1] ?? target.split(':')[0] ?? '')
      : target
    const found = this.#functions.get(name)
    if (found) return found
    throw new FunctionNotFoundError(`Function not found: ${target}`)
  }

  async #tryAsync(fn: LocalFunction, event: unknown, requestId: string, attempt: number): Promise<void> {
    const { clock, log, destinations } = this.#options
    let errorMessage: string
    try {
      const result = await fn.invoke(event, requestId)
      if (!result.functionError) return
      errorMessage = result.payload
    } catch (error) {
      errorMessage = String(error)
    }
    if (this.#isClosed) return
    const { name, deadLetterArn } = fn.definition
    const wait = ASYNC_RETRY_MS[attempt - 1]
    if (wait !== undefined) {
      log.warn(name, `asynchronous invocation ${requestId} failed; trying again in ${wait / 1000} s`)
      clock.after(wait, () => void this.#tryAsync(fn, event, requestId, attempt + 1))
      return
    }
    log.error(name, `asynchronous invocation ${requestId} failed ${attempt} times and is given up`)
    if (deadLetterArn !== undefined)
      destinations.send(deadLetterArn, JSON.stringify(event), {
        RequestID: requestId,
        ErrorCode: '200',
        ErrorMessage: errorMessage.slice(0, 1024),
      })
  }
}

/** One function: its warm execution environments, and those who wait for one. */
class LocalFunction {
  readonly definition: FunctionDefinition
  readonly #options: LambdaOptions
  readonly #environments = new Set<ExecutionEnvironment>()
  readonly #idle: ExecutionEnvironment[] = []
  readonly #waiting: (() => void)[] = []
  #busy = 0
  #isClosed = false

  constructor(definition: FunctionDefinition, options: LambdaOptions) {
    this.definition = definition
    this.#options = options
  }

  async invoke(event: unknown, requestId: string = randomUUID()): Promise<InvokeResult> {
    const { runtime, name, reservedConcurrency, codeFolder } = this.definition
    if (!runtime.startsWith('nodejs')) return unsupported(runtime)
    let taskRoot: string
    try {
      taskRoot = codeFolder()
    } catch (error) {
      const errorMessage = error instanceof Error ? error.message : String(error)
      this.#options.log.error(name, errorMessage)
      return failure('Runtime.CodeNotFound', errorMessage)
    }
    if (reservedConcurrency !== undefined && this.#busy >= reservedConcurrency)
      throw new FunctionThrottledError('Rate Exceeded.')
    const { log, maxEnvironments = 10 } = this.#options
    const limit = reservedConcurrency ?? maxEnvironments
    // Whoever is woken takes the place of the one that woke it: the count stays as it is.
    if (this.#busy >= limit) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#busy++
    try {
      log.info(name, `START RequestId: ${requestId} Version: $LATEST`)
      const environment = this.#idle.pop() ?? (await this.#start(taskRoot))
      const start = performance.now()
      const result = await environment.invoke(JSON.stringify(event ?? null), requestId)
      if (environment.isAlive && !this.#isClosed) this.#idle.push(environment)
      else await this.#drop(environment)
      const duration = performance.now() - start
      log.info(name, `END RequestId: ${requestId}`)
      log.info(name, `REPORT RequestId: ${requestId}\tDuration: ${duration.toFixed(2)} ms`)
      return result
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#busy--
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#environments].map((environment) => environment.stop()))
  }

  async #drop(environment: ExecutionEnvironment): Promise<void> {
    this.#environments.delete(environment)
    await environment.stop()
  }

  async #start(taskRoot: string): Promise<ExecutionEnvironment> {
    const { definition } = this
    const { environment, clock, log, hosts } = this.#options
    const day = new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/')
    const logStream = `${day}/[$LATEST]${randomBytes(16).toString('hex')}`
    const started = await ExecutionEnvironment.start({
      code: await workerCode(),
      data: {
        taskRoot,
        handler: definition.handler,
        hosts: hosts(),
        allowsCallbacks: Number(/^nodejs(\d+)/.exec(definition.runtime)?.[1]) < 24,
        context: {
          functionName: definition.name,
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
      onLog: (text) => log.info(definition.name, text),
      onError: (stack) => log.error(definition.name, stack),
    })
    this.#environments.add(started)
    return started
  }
}

const unsupported = (runtime: string) =>
  failure('Runtime.NotEmulated', `runtime "${runtime}" is not emulated; nodejs runtimes are`)

// Not of AWS: there a function without code, or with another runtime's, is refused or started when it is deployed.
const failure = (errorType: string, errorMessage: string): InvokeResult => ({
  payload: JSON.stringify({ errorType, errorMessage }),
  functionError: 'Unhandled',
})
