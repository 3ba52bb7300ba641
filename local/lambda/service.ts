import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import type { Environment, Resource } from '../cloudformation/resource.ts'
import type { InvocationDestinations } from '../destination.ts'
import type { Faults } from '../faults.ts'
import type { HostTable } from '../hosts.ts'
import type { Latency } from '../latency.ts'
import type { Log } from '../log.ts'
import { AsyncInvocation } from './async-invocation.ts'
import type { AssetPath } from './code-store.ts'
import { EventInvokeConfigs } from './event-invoke-config.ts'
import { type FunctionDefinition, functionDefinitions } from './function-definition.ts'
import {
  type FunctionInvoker,
  FunctionNotFoundError,
  type InvokeOptions,
  type InvokeResult,
} from './invoker.ts'
import { LocalFunction } from './local-function.ts'
import type { FunctionOutput } from './output.ts'
import { LATEST, Qualifiers } from './qualifiers.ts'

export interface LambdaOptions {
  readonly resources: readonly Resource[]
  readonly environment: Environment
  readonly clock: Clock
  readonly log: Log
  /** Gets what functions say, which is in the log too, there in the form that it has on AWS. */
  readonly output?: (output: FunctionOutput) => void
  readonly assetPath: AssetPath
  /** Asked when an execution environment starts, by when every host must be known. */
  readonly hosts: () => HostTable
  readonly destinations: InvocationDestinations
  /** Execution environments of one function at a time; what comes on top waits. @default DEFAULT_MAX_ENVIRONMENTS */
  readonly maxEnvironments?: number
  /**
   * How long an invocation lies ready behind another one before it gets an execution environment of its own, in
   * milliseconds. AWS starts one at once; here most handlers are done sooner than a thread starts. @default 5
   */
  readonly patienceMs?: number
  /** @default none */
  readonly faults?: Faults | undefined
  /** @default as quick as this machine */
  readonly latency?: Latency | undefined
}

/** What an invocation is for, once its target is understood. */
interface Target {
  readonly fn: LocalFunction
  readonly qualifier: string | undefined
}

/** The functions of a stack, and the execution environments that they run in. */
export class LambdaService implements FunctionInvoker {
  readonly #functions: Map<string, LocalFunction>
  readonly #options: LambdaOptions
  /** Each removes what was unpacked of some functions. */
  readonly #removals = new Set<() => void>()
  #qualifiers: Qualifiers
  #configs: EventInvokeConfigs
  readonly #pending = new Set<AsyncInvocation>()

  constructor(options: LambdaOptions) {
    const { resources, assetPath } = options
    this.#options = options
    this.#qualifiers = new Qualifiers(resources)
    this.#configs = new EventInvokeConfigs(resources)
    this.#functions = new Map()
    for (const definition of functionDefinitions(resources, assetPath)) this.#add(definition)
  }

  async invoke(target: string, event: unknown, options: InvokeOptions = {}): Promise<InvokeResult> {
    return this.#run(this.#find(target, options.qualifier), target, event, options)
  }

  invokeAsync(target: string, event: unknown, options: InvokeOptions = {}): void {
    const found = this.#find(target, options.qualifier)
    const { clock, log, destinations } = this.#options
    const { name, arn, deadLetterArn, reservedConcurrency } = found.fn.definition
    const requestId = options.requestId ?? randomUUID()
    const invocation = new AsyncInvocation({
      functionName: name,
      functionArn: `${arn}:${found.qualifier ?? LATEST}`,
      requestId,
      event,
      config: this.#configs.of(name, found.qualifier),
      deadLetterArn,
      isSwitchedOff: reservedConcurrency === 0,
      clock,
      log,
      destinations,
      invoke: () => this.#run(found, target, event, { ...options, requestId }),
      invokeDestination: (functionArn, record) => this.#invokeDestination(name, functionArn, record),
      onEnd: () => this.#pending.delete(invocation),
    })
    this.#pending.add(invocation)
    invocation.start()
  }

  /** @throws FunctionNotFoundError */
  check(target: string, qualifier?: string): void {
    this.#version(this.#find(target, qualifier), target)
  }

  /**
   * Runs these functions in the place of those so far: the ones that are new are there at once, and so are the ones that
   * changed, once they have loaded their handlers. Versions, aliases and what becomes of asynchronous invocations are those
   * of the resources from now on.
   * @param isChanged whether a function changed in a way that its definition does not show
   * @returns why a function could not be changed and goes on as it was, by name
   */
  async update(
    resources: readonly Resource[],
    definitions: readonly FunctionDefinition[],
    isChanged: boolean,
  ): Promise<ReadonlyMap<string, string>> {
    this.#qualifiers = new Qualifiers(resources)
    this.#configs = new EventInvokeConfigs(resources)
    const failures = new Map<string, string>()
    const names = new Set(definitions.map(({ name }) => name))
    const removed = [...this.#functions].filter(([name]) => !names.has(name))
    for (const [name] of removed) this.#functions.delete(name)
    await Promise.all([
      ...removed.map(([, fn]) => fn.close()),
      ...definitions.map(async (definition) => {
        const { name, removeCode } = definition
        const fn = this.#functions.get(name)
        if (!fn) this.#add(definition)
        else if (isChanged || !isSame(fn.definition, definition)) {
          this.#removals.add(removeCode)
          await fn.replace(definition).catch((error: unknown) => {
            failures.set(name, error instanceof Error ? error.message : String(error))
          })
        }
      }),
    ])
    return failures
  }

  /** Ends every execution environment, whatever it is doing. Idempotent. */
  async close(): Promise<void> {
    for (const invocation of this.#pending) invocation.cancel()
    this.#pending.clear()
    await Promise.all([...this.#functions.values()].map((fn) => fn.close()))
    for (const remove of this.#removals) remove()
  }

  #add(definition: FunctionDefinition): void {
    this.#removals.add(definition.removeCode)
    this.#functions.set(definition.name, new LocalFunction(definition, this.#options))
  }

  async #run(found: Target, target: string, event: unknown, options: InvokeOptions): Promise<InvokeResult> {
    const version = this.#version(found, target)
    return found.fn.invoke(event, version, { ...options, qualifier: found.qualifier })
  }

  #version({ fn, qualifier }: Target, target: string): string {
    const version = this.#qualifiers.versionOf(fn.definition.arn, qualifier)
    if (version !== undefined) return version
    throw notFound(target.includes(':') ? target : `${fn.definition.arn}:${qualifier ?? ''}`)
  }

  /** By name, ARN or part of an ARN, with or without a qualifier. */
  #find(target: string, qualifier?: string): Target {
    // arn:aws:lambda:eu-west-1:123456789012:function:Fn:live | 123456789012:function:Fn | Fn:live
    const [name = '', own] = (/(?:^|:)function:(.+)$/.exec(target)?.[1] ?? target).split(':')
    const fn = this.#functions.get(name)
    if (!fn) throw notFound(target)
    return { fn, qualifier: own ?? qualifier }
  }

  #invokeDestination(source: string, functionArn: string, record: unknown): void {
    try {
      this.invokeAsync(functionArn, record)
    } catch (error) {
      this.#options.log.error(source, `the destination "${functionArn}" can not be invoked: ${String(error)}`)
    }
  }
}

const notFound = (target: string) => new FunctionNotFoundError(`Function not found: ${target}`)

function isSame(one: FunctionDefinition, other: FunctionDefinition): boolean {
  const values = (definition: FunctionDefinition): unknown[] =>
    Object.values<unknown>({ ...definition }).filter((value) => typeof value !== 'function')
  return isDeepStrictEqual(values(one), values(other))
}
