import { randomBytes, randomUUID } from 'node:crypto'
import inspector from 'node:inspector'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { landed } from '../clock.ts'
import { FAULTS, KINDS } from '../fault-kinds.ts'
import { pause } from '../pause.ts'
import { EnvironmentPool } from './environment-pool.ts'
import { environmentVariables } from './environment-variables.ts'
import type { EnvironmentWatcher } from './environment-watcher.ts'
import { ExecutionEnvironment } from './execution-environment.ts'
import { failure } from './failures.ts'
import type { FunctionDefinition } from './function-definition.ts'
import { FunctionThrottledError, type InvokeOptions, type InvokeResult } from './invoker.ts'
import { DEFAULT_MAX_ENVIRONMENTS, INIT_TIMEOUT_MS, MAX_TAIL_BYTES } from './limits.ts'
import { PlatformLog } from './platform-log.ts'
import { LATEST } from './qualifiers.ts'
import type { LogLine, WorkerData } from './runtime/protocol.ts'
import type { Trouble } from './runtime/trouble.ts'
import { placeOf, readableStack } from './output.ts'
import type { LambdaOptions } from './service.ts'
import { traceId } from './trace-id.ts'
import { type WorkerCode, workerCode } from './worker-code.ts'

const DEFAULT_PATIENCE_MS = 5

const MOMENTS = ['before', 'midway', 'after']
const TROUBLE_KINDS = KINDS.filter((kind) => FAULTS[kind].per === 'invocation')

/** Where the modules are that come with the local stack. */
const OWN_FOLDER = dirname(fileURLToPath(import.meta.url))

/** What an execution environment is made of. */
interface Source {
  readonly definition: FunctionDefinition
  readonly code: Code
  readonly temporaryFolder?: string | undefined
  readonly onInitError?: (stack: string) => void
}

interface Code {
  readonly folder: string
  readonly layerRoot: string | undefined
}

/** One function: its execution environments by version, and its share of the account's concurrency. */
export class LocalFunction {
  #definition: FunctionDefinition
  readonly #options: LambdaOptions
  readonly #pools = new Map<string, EnvironmentPool>()
  /** What invocations have logged whose callers asked for it. */
  readonly #tails = new Map<string, string[]>()
  readonly #closing = new AbortController()
  #running = 0
  #hasImportHooks = false
  #code: Code | undefined
  #workerCode: WorkerCode | undefined

  constructor(definition: FunctionDefinition, options: LambdaOptions) {
    this.#definition = definition
    this.#options = options
    for (const problem of definition.problems) options.log.warn(definition.name, problem)
  }

  get definition(): FunctionDefinition {
    return this.#definition
  }

  /**
   * @param version `$LATEST` or a number
   * @throws FunctionThrottledError
   */
  async invoke(event: unknown, version: string = LATEST, options: InvokeOptions = {}): Promise<InvokeResult> {
    await landed()
    // Not of AWS: there a function without code, or with another runtime's, is refused or started when it is deployed.
    const { runtime, name, reservedConcurrency } = this.#definition
    try {
      if (!runtime.startsWith('nodejs') && runtime !== '') return unsupported(runtime)
      this.#code ??= codeOf(this.#definition)
    } catch (error) {
      const errorMessage = error instanceof Error ? error.message : String(error)
      this.#options.log.error(name, errorMessage)
      return failure('Runtime.CodeNotFound', errorMessage)
    }
    if (reservedConcurrency !== undefined && this.#running >= reservedConcurrency)
      throw new FunctionThrottledError('Rate Exceeded.')
    this.#running++
    try {
      this.#workerCode ??= await workerCode()
      return await this.#run(event, version, options)
    } finally {
      this.#running--
    }
  }

  async #run(event: unknown, version: string, options: InvokeOptions): Promise<InvokeResult> {
    const { arn } = this.#definition
    const { clock, latency } = this.#options
    const { requestId = randomUUID(), qualifier, wantsLogTail } = options
    if (latency) await pause(clock, latency.invokeMs, this.#closing.signal)
    if (wantsLogTail) this.#tails.set(requestId, [])
    const result = await new Promise<InvokeResult>((settle) => {
      this.#poolOf(version).add({
        requestId,
        functionArn: qualifier === undefined ? arn : `${arn}:${qualifier}`,
        clientContext: options.clientContext,
        tenantId: options.tenantId,
        traceId: options.traceId ?? traceId(clock.now()),
        event: JSON.stringify(event ?? null),
        trouble: this.#trouble(),
        settle,
      })
    })
    if (!wantsLogTail) return { ...result, executedVersion: version }
    const lines = this.#tails.get(requestId) ?? []
    this.#tails.delete(requestId)
    const logTail = Buffer.from(lines.join('\n')).subarray(-MAX_TAIL_BYTES).toString('base64')
    return { ...result, executedVersion: version, logTail }
  }

  /**
   * Runs another version of the function from the next invocation on, once that has loaded its handler; invocations that
   * have begun end with the version they have.
   * @throws when the handler can't be loaded, with what it threw; the function goes on as it was
   */
  async replace(definition: FunctionDefinition): Promise<void> {
    const isRunnable = definition.runtime.startsWith('nodejs')
    const code = isRunnable ? codeOf(definition) : undefined
    const latest = this.#poolOf(LATEST)
    const loaded = code && (await this.#load(latest, definition, code))
    this.#definition = definition
    this.#code = code
    for (const pool of this.#pools.values()) pool.retire(pool === latest ? loaded : undefined)
  }

  async #load(
    pool: EnvironmentPool,
    definition: FunctionDefinition,
    code: Code,
  ): Promise<ExecutionEnvironment> {
    this.#workerCode ??= await workerCode()
    const problems: string[] = []
    const onInitError = (problem: string) => problems.push(problem)
    const start = async () => {
      const environment = this.#environment(LATEST, pool, { definition, code, onInitError })
      return { environment, outcome: await pool.load(environment) }
    }
    let { environment, outcome } = await start()
    if (outcome === 'needs-import-hooks') {
      this.#hasImportHooks = true
      await environment.stop()
      ;({ environment, outcome } = await start())
    }
    if (environment.isAlive) return environment
    await environment.stop()
    throw new Error(problems[0] ?? 'its handler could not be loaded')
  }

  /** Drawn when it is invoked, so that it does not depend on which environment takes it. */
  #trouble(): Trouble | undefined {
    const strike = this.#options.faults?.strike(TROUBLE_KINDS, this.#definition.name)
    if (!strike) return undefined
    const [, kind, moment] = strike.kind.split('.')
    return {
      kind: kind as Trouble['kind'],
      moment: (moment ?? MOMENTS[Math.floor(strike.chance * MOMENTS.length)]) as Trouble['moment'],
      calls: strike.calls,
    }
  }

  /** The time of an environment that starts: the clock's, as far as threads can have that, or one that is off from it. */
  #time(): WorkerData['time'] {
    const { clock, faults } = this.#options
    const strike = faults?.strike('function.skew', this.#definition.name)
    const skewMs = strike ? Math.round((strike.chance * 2 - 1) * strike.durationMs) : 0
    return clock.shared || strike ? { shared: clock.shared, skewMs } : undefined
  }

  /** Ends every execution environment, whatever it is doing; its invocation fails. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()))
  }

  #poolOf(version: string): EnvironmentPool {
    const known = this.#pools.get(version)
    if (known) return known
    const { clock, latency, maxEnvironments, patienceMs } = this.#options
    const pool: EnvironmentPool = new EnvironmentPool({
      clock,
      limit: this.#definition.reservedConcurrency ?? maxEnvironments ?? DEFAULT_MAX_ENVIRONMENTS,
      patienceMs: patienceMs ?? DEFAULT_PATIENCE_MS,
      make: (temporaryFolder) => {
        const definition = this.#definition
        const code = this.#code ?? codeOf(definition)
        return this.#environment(version, pool, { definition, code, temporaryFolder })
      },
      coldStart: () => latency && pause(clock, latency.coldStartMs, this.#closing.signal),
      addImportHooks: () => (this.#hasImportHooks = true),
    })
    this.#pools.set(version, pool)
    if (this.#closing.signal.aborted) void pool.close()
    return pool
  }

  #environment(version: string, pool: EnvironmentPool, source: Source): ExecutionEnvironment {
    const { definition, code, temporaryFolder, onInitError } = source
    const { folder: taskRoot, layerRoot } = code
    const { environment, clock, hosts } = this.#options
    const { runtime, memoryMb, timeoutMs, handler } = definition
    const { main = '', importHooks = '' } = this.#workerCode ?? {}
    const day = new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/')
    const logStream = `${day}/[${version}]${randomBytes(16).toString('hex')}`
    const watcher: EnvironmentWatcher = {
      ...this.#watcher(definition, version, () => pool.freed(made)),
      ...(onInitError && { onInitError }),
    }
    const made: ExecutionEnvironment = new ExecutionEnvironment({
      code: main,
      data: {
        taskRoot,
        handler,
        hosts: hosts(),
        allowsCallbacks: Number(/^nodejs(\d+)/.exec(runtime)?.[1]) < 24,
        temporaryFolder: temporaryFolder ?? join(tmpdir(), `lambda-${randomBytes(8).toString('hex')}`),
        modules: {
          taskRoot,
          layerRoot,
          runtime,
          providers: [dirname(taskRoot), OWN_FOLDER],
          hasImportHooks: this.#hasImportHooks,
        },
        importHooks,
        time: this.#time(),
        isInspected: isDebugged(),
      },
      env: environmentVariables(definition, { environment, taskRoot, logStream, version }),
      memoryMb,
      timeoutMs,
      clock,
      isDebugged,
      watcher,
    })
    return made
  }

  #watcher(definition: FunctionDefinition, version: string, freed: () => void): EnvironmentWatcher {
    const { name, logging, memoryMb, runtime, timeoutMs } = definition
    const { clock, log, output } = this.#options
    const write = (line: string, requestId: string | undefined) => {
      log.info(name, line)
      if (requestId !== undefined) this.#tails.get(requestId)?.push(line)
    }
    const platform = new PlatformLog({
      isJson: logging.isJson,
      level: logging.systemLevel,
      memoryMb,
      runtime,
      version,
      clock,
      write,
    })
    platform.initStart()
    return {
      onLog: ({ framed, said, elapsedMs }: LogLine, requestId) => {
        write(framed, requestId)
        if (said) output?.({ functionName: name, requestId, elapsedMs, ...said })
      },
      onError: (stack, requestId, elapsedMs) =>
        log.error(name, `${placeOf(requestId, elapsedMs)}${readableStack(stack)}`),
      onInitError: (stack) => log.error(name, readableStack(stack)),
      onInitTimeout: () => platform.initTimeout(INIT_TIMEOUT_MS),
      onStart: (requestId) => platform.start(requestId),
      onEnd: (report) => {
        if (report.status === 'timeout') platform.timedOut(report.requestId, timeoutMs)
        platform.end(report)
        freed()
      },
    }
  }
}

const codeOf = ({ codeFolder, layerRoot }: FunctionDefinition): Code => ({
  folder: codeFolder(),
  layerRoot: layerRoot(),
})

/** A thread that a debugger has stopped must not time out; whether one has attached yet, Node does not tell. */
const isDebugged = () => inspector.url() !== undefined

const unsupported = (runtime: string) =>
  failure('Runtime.NotEmulated', `runtime "${runtime}" is not emulated; nodejs runtimes are`)
