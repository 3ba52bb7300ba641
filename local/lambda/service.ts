import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Environment, Resource } from '../cloudformation/resource.ts'
import type { Destinations } from '../destination.ts'
import type { HostTable } from '../hosts.ts'
import type { Log } from '../log.ts'
import { functionDefinitions } from './function-definition.ts'
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
   * Runs a function's code from another folder (or the same with other content): new execution environments start with
   * it, warm ones end at once, busy ones after the invocation that they are at.
   * @throws FunctionNotFoundError
   */
  replaceCode(target: string, folder: string): void {
    this.#find(target).replaceCode(folder)
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
