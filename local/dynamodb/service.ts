import type { Clock } from '../clock.ts'
import type { Environment, Resource } from '../cloudformation/resource.ts'
import type { Destinations } from '../destination.ts'
import type { FunctionInvoker } from '../lambda/invoker.ts'
import type { Log } from '../log.ts'
import { type Engine, type EngineOptions, startEngine } from './engine.ts'
import { EventSourceMapping } from './event-source-mapping.ts'
import { DynamoDbFront } from './front.ts'
import { type MappingDefinition, streamMappings } from './mapping-definition.ts'
import { type Table, createTables } from './tables.ts'
import { Ttl } from './ttl.ts'

export interface DynamoDbOptions {
  readonly resources: readonly Resource[]
  readonly environment: Environment
  readonly clock: Clock
  readonly log: Log
  readonly env: EngineOptions['env']
  readonly pollIntervalMs?: number
  readonly ttlIntervalMs?: number
}

export interface ConsumerOptions {
  readonly functions: FunctionInvoker
  readonly destinations: Destinations
}

/** The tables of a stack: their engine, their expiry, and what reads their streams. */
export class DynamoDbService {
  readonly engine: Engine
  readonly front: DynamoDbFront
  readonly ttl: Ttl
  readonly #options: DynamoDbOptions
  #tables: readonly Table[]
  #mappings: EventSourceMapping[] = []

  private constructor(options: DynamoDbOptions, engine: Engine, tables: readonly Table[]) {
    this.#options = options
    this.engine = engine
    this.#tables = tables
    this.front = new DynamoDbFront({ endpoint: engine.endpoint, onWrite: () => this.wake() })
    this.ttl = new Ttl({
      engine,
      tables,
      clock: options.clock,
      log: options.log,
      ...(options.ttlIntervalMs === undefined ? {} : { intervalMs: options.ttlIntervalMs }),
    })
  }

  /** @throws when there is no engine, or a table can't be made; nothing is left running then */
  static async start(options: DynamoDbOptions): Promise<DynamoDbService> {
    const { log, clock, env, resources } = options
    let restarted: (() => Promise<void>) | undefined
    const engine = await startEngine({ log, clock, env, onRestart: async () => restarted?.() })
    try {
      const tables = await createTables(resources, engine.client)
      const service = new DynamoDbService(options, engine, tables)
      restarted = async () => {
        await service.#restore()
        log.warn('dynamodb', 'the tables are there again, empty; restart the stack for a clean slate')
      }
      service.ttl.start()
      return service
    } catch (error) {
      await engine.stop()
      throw error
    }
  }

  /** As the engine has them now. */
  get tables(): readonly Table[] {
    return this.#tables
  }

  /** Makes the tables again in an engine that lost them, and reads their streams from the start. */
  async #restore(): Promise<void> {
    for (const mapping of this.#mappings) mapping.detach()
    this.#tables = await createTables(this.#options.resources, this.engine.client)
    for (const mapping of this.#mappings) {
      const arn = this.#tableOf(mapping.definition)?.engineStreamArn
      if (arn !== undefined) mapping.reopen(arn)
    }
  }

  #tableOf({ streamArn }: MappingDefinition): Table | undefined {
    return this.#tables.find(({ resource }) => streamArn.startsWith(`${resource.arn}/stream/`))
  }

  /**
   * Starts the event source mappings.
   * @throws for a mapping that asks for what is not emulated or names a stream that is not there
   */
  async consume({ functions, destinations }: ConsumerOptions): Promise<void> {
    const { resources, environment, clock, log, pollIntervalMs } = this.#options
    for (const definition of streamMappings(resources)) {
      const table = this.#tableOf(definition)
      if (table?.engineStreamArn === undefined)
        throw new Error(
          `${definition.resource.path}: no table of the template has the stream "${definition.streamArn}"`,
        )
      const target = resources.find(
        ({ type, physicalId, arn }) =>
          type === 'AWS::Lambda::Function' &&
          (physicalId === definition.functionName ||
            definition.functionName === arn ||
            definition.functionName.startsWith(`${arn}:`)),
      )
      const mapping = new EventSourceMapping(definition, {
        client: this.engine.client,
        engineArn: table.engineStreamArn,
        environment,
        functions,
        destinations,
        clock,
        log,
        functionArn: target?.arn ?? definition.functionName,
        ...(pollIntervalMs === undefined ? {} : { pollIntervalMs }),
      })
      await mapping.start()
      this.#mappings.push(mapping)
    }
  }

  /** Something was written: every reader of a stream looks now. */
  wake(): void {
    for (const mapping of this.#mappings) mapping.wake()
  }

  /** Resolves once everything written so far has been handled by the functions, or given up. */
  async drained(): Promise<void> {
    await Promise.all(this.#mappings.map((mapping) => mapping.drained()))
  }

  /** Stops reading streams; functions may still be reached. */
  async stopConsuming(): Promise<void> {
    await Promise.all(this.#mappings.splice(0).map((mapping) => mapping.stop()))
  }

  async stop(): Promise<void> {
    this.ttl.stop()
    await this.stopConsuming()
    this.front.close()
    await this.engine.stop()
  }
}
