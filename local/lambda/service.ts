import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import type { Environment, Resource } from '../cloudformation/resource.ts'
import type { Destinations } from '../destination.ts'
import type { Faults } from '../faults.ts'
import type { HostTable } from '../hosts.ts'
import type { Latency } from '../latency.ts'
import type { Log } from '../log.ts'
import { type FunctionDefinition, functionDefinitions } from './function-definition.ts'
import { type FunctionInvoker, FunctionNotFoundError, type InvokeResult } from './invoker.ts'
import { LocalFunction } from './local-function.ts'

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
  /**
   * How long an invocation lies ready behind another one before it gets an execution environment of its own, in
   * milliseconds. AWS starts one at once; here most handlers are done sooner than a thread starts. @default 5
   */
  readonly patienceMs?: number
  /** @default none */
  readonly faults?: Faults
  /** @default as quick as this machine */
  readonly latency?: Latency
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

  /**
   * Runs these functions in the place of those so far: the ones that are new are there at once, and so are the ones that
   * changed, once they have loaded their handlers.
   * @param isChanged whether a function changed in a way that its definition does not show
   * @returns why a function could not be changed and goes on as it was, by name
   */
  async update(
    definitions: readonly FunctionDefinition[],
    isChanged: boolean,
  ): Promise<ReadonlyMap<string, string>> {
    const failures = new Map<string, string>()
    const names = new Set(definitions.map(({ name }) => name))
    const removed = [...this.#functions].filter(([name]) => !names.has(name))
    for (const [name] of removed) this.#functions.delete(name)
    await Promise.all([
      ...removed.map(([, fn]) => fn.close()),
      ...definitions.map(async (definition) => {
        const { name } = definition
        const fn = this.#functions.get(name)
        if (!fn) this.#functions.set(name, new LocalFunction(definition, this.#options))
        else if (isChanged || !isSame(fn.definition, definition))
          await fn.replace(definition).catch((error: unknown) => {
            failures.set(name, error instanceof Error ? error.message : String(error))
          })
      }),
    ])
    return failures
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

function isSame(one: FunctionDefinition, other: FunctionDefinition): boolean {
  return isDeepStrictEqual({ ...one, codeFolder: undefined }, { ...other, codeFolder: undefined })
}
