import { isDeepStrictEqual } from 'node:util'
import type { Clock, Timer } from '../clock.ts'
import type { Environment, Resource } from '../cloudformation/resource.ts'
import type { Destinations } from '../destination.ts'
import type { Faults } from '../faults.ts'
import type { Iam } from '../iam/iam.ts'
import type { FunctionInvoker } from '../lambda/invoker.ts'
import { mayRead } from '../lambda/mapping-permissions.ts'
import type { Log } from '../log.ts'
import { noCheckpoints } from './checkpoints.ts'
import { ControlPlane } from './control-plane.ts'
import { DataFolder } from './data-folder.ts'
import { type Engine, type EngineOptions, startEngine } from './engine.ts'
import { ExpiredItems } from './expired-items.ts'
import { EventSourceMapping } from './event-source-mapping.ts'
import { DynamoDbFront } from './front.ts'
import { type StreamMappingDefinition, streamMappings } from './mapping-definition.ts'
import { StreamsApi } from './streams-api.ts'
import { TableDirectory } from './table-directory.ts'
import { type Table, createTables, keptTables } from './tables.ts'
import { withBatchFaults } from './troubled-batches.ts'
import { Ttl } from './ttl.ts'
import { Upstream } from './upstream.ts'

export interface DynamoDbOptions {
  readonly resources: readonly Resource[]
  readonly environment: Environment
  readonly clock: Clock
  readonly log: Log
  readonly env: EngineOptions['env']
  /** Folder that keeps the tables from one start to the next; without it they begin empty. */
  readonly data?: string
  /** Who may do what; without it anybody may do anything. */
  readonly iam?: Iam | undefined
  readonly pollIntervalMs?: number
  /** @default none */
  readonly faults?: Faults | undefined
  /** Time between looks at the streams by the clock; a write waits for the next. @default none: a write is seen at once */
  readonly streamPollMs?: number | undefined
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
  readonly #options: DynamoDbOptions
  readonly #folder: DataFolder | undefined
  readonly #directory: TableDirectory
  #resources: readonly Resource[]
  #tables: readonly Table[]
  #ttl: Ttl
  #mappings: EventSourceMapping[] = []
  readonly #expired = new ExpiredItems()
  /** Counts the lives of an engine that loses its tables, as the mappings do. */
  #incarnation = 0
  #nextPoll: Timer | undefined

  private constructor(
    options: DynamoDbOptions,
    engine: Engine,
    tables: readonly Table[],
    folder: DataFolder | undefined,
  ) {
    this.#options = options
    this.engine = engine
    this.#resources = options.resources
    this.#tables = tables
    this.#folder = folder
    const { iam, resources, environment, clock } = options
    const now = () => this.#tables
    const streams = new StreamsApi({
      client: engine.client,
      tables: now,
      environment,
      clock,
      incarnation: () => this.#incarnation,
      expired: this.#expired,
    })
    this.#directory = new TableDirectory(resources, environment)
    this.front = new DynamoDbFront({
      upstream: new Upstream({
        engine,
        streams,
        controlPlane: new ControlPlane(now, environment),
        onWrite: () => this.#written(),
      }),
      iam,
      tables: this.#directory,
    })
    this.#ttl = this.#expire(tables)
  }

  /** @throws when there is no engine, or a table can't be made; nothing is left running then */
  static async start(options: DynamoDbOptions): Promise<DynamoDbService> {
    const { log, clock, env, resources, data } = options
    let restarted: (() => Promise<void>) | undefined
    const folder = data === undefined ? undefined : new DataFolder(data)
    let engine: Engine | undefined
    try {
      engine = await startEngine({
        log,
        clock,
        env,
        onRestart: async () => restarted?.(),
        ...(folder ? { file: folder.file } : {}),
      })
      const tables = await createTables(resources, engine.client, log)
      const service = new DynamoDbService(options, engine, tables, folder)
      restarted = () => service.#restore()
      folder?.watch(() => service.wake())
      return service
    } catch (error) {
      await engine?.stop()
      folder?.close()
      throw error
    }
  }

  /** What reads the streams now. */
  get mappings(): readonly EventSourceMapping[] {
    return this.#mappings
  }

  /** Deletes expired items. */
  get ttl(): Ttl {
    return this.#ttl
  }

  /** As the engine has them now. */
  get tables(): readonly Table[] {
    return this.#tables
  }

  /** Makes the tables again in an engine that lost them, and reads their streams from the start. */
  async #restore(): Promise<void> {
    if (this.#folder) {
      // Nothing is lost, and iterators hold: whoever reads a stream goes on where it stands.
      this.wake()
      return
    }
    const { log } = this.#options
    this.#incarnation++
    for (const mapping of this.#mappings) mapping.detach()
    this.#tables = await createTables(this.#resources, this.engine.client, log)
    for (const mapping of this.#mappings) {
      const arn = this.#tableOf(mapping.definition)?.engineStreamArn
      if (arn !== undefined) mapping.reopen(arn)
    }
    log.warn('dynamodb', 'the tables are there again, empty; restart the stack for a clean slate')
  }

  #tableOf({ sourceArn }: StreamMappingDefinition): Table | undefined {
    return this.#tables.find(({ resource }) => sourceArn.startsWith(`${resource.arn}/stream/`))
  }

  /**
   * Starts the event source mappings.
   * @throws for a mapping that asks for what is not emulated or names a stream that is not there
   */
  async consume(consumers: ConsumerOptions): Promise<void> {
    const { streamPollMs } = this.#options
    if (streamPollMs !== undefined) this.#poll(streamPollMs)
    for (const definition of streamMappings(this.#resources)) await this.#start(definition, consumers)
  }

  /**
   * Makes the tables that are new, and runs the event source mappings of another deployment. Tables that changed or are
   * gone stay as they are.
   * @throws for a table that can't be made, or a mapping that can't be run
   */
  async update(resources: readonly Resource[], consumers: ConsumerOptions): Promise<void> {
    const { log } = this.#options
    const known = new Set(this.#tables.map(({ name }) => name))
    const added = resources.filter(({ physicalId }) => !known.has(physicalId))
    for (const problem of keptTables(this.#resources, resources)) log.warn('dynamodb', problem)
    const created = await createTables(added, this.engine.client, log)
    if (created.length > 0) {
      this.#tables = [...this.#tables, ...created]
      this.#ttl.stop()
      this.#ttl = this.#expire(this.#tables)
    }
    this.#resources = resources
    this.#directory.update(resources)
    const wanted = streamMappings(resources)
    const isIn = (definitions: readonly StreamMappingDefinition[], { resource }: StreamMappingDefinition) =>
      definitions.some((other) => isDeepStrictEqual(other.resource, resource))
    const before = this.#mappings.map(({ definition }) => definition)
    const over = this.#mappings.filter(({ definition }) => !isIn(wanted, definition))
    this.#mappings = this.#mappings.filter((mapping) => !over.includes(mapping))
    await Promise.all(over.map((mapping) => mapping.stop()))
    for (const definition of wanted) if (!isIn(before, definition)) await this.#start(definition, consumers)
  }

  async #start(
    definition: StreamMappingDefinition,
    { functions, destinations }: ConsumerOptions,
  ): Promise<void> {
    const { environment, clock, log, iam, faults, streamPollMs } = this.#options
    const pollIntervalMs = streamPollMs === undefined ? this.#options.pollIntervalMs : Infinity
    if (!mayRead(definition, { iam, log })) return
    const { resource, sourceArn, onFailure } = definition
    const table = this.#tableOf(definition)
    if (table?.engineStreamArn === undefined)
      throw new Error(`${resource.path}: no table of the template has the stream "${sourceArn}"`)
    if (onFailure !== undefined && !onFailure.includes(':sqs:'))
      log.warn(
        'dynamodb',
        `${resource.path} has the failure destination "${onFailure}", which is not emulated; what it would get is only logged`,
      )
    const mapping = new EventSourceMapping(definition, {
      client: this.engine.client,
      stream: {
        arn: sourceArn,
        engineArn: table.engineStreamArn,
        region: environment.region,
        viewType: table.viewType,
        expired: this.#expired,
      },
      partitionKey: table.partitionKey,
      checkpoints: this.#folder?.checkpoints ?? noCheckpoints,
      functions: faults ? withBatchFaults(functions, faults) : functions,
      destinations,
      clock,
      log,
      ...(pollIntervalMs === undefined ? {} : { pollIntervalMs }),
    })
    await mapping.start()
    this.#mappings.push(mapping)
  }

  #expire(tables: readonly Table[]): Ttl {
    const { clock, log, ttlIntervalMs } = this.#options
    const ttl = new Ttl({
      engine: this.engine,
      tables,
      clock,
      log,
      expired: this.#expired,
      ...(ttlIntervalMs === undefined ? {} : { intervalMs: ttlIntervalMs }),
    })
    ttl.start()
    return ttl
  }

  #written(): void {
    if (this.#options.streamPollMs === undefined) this.wake()
  }

  #poll(everyMs: number): void {
    this.#nextPoll = this.#options.clock.after(everyMs, () => {
      this.wake()
      this.#poll(everyMs)
    })
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
    this.#nextPoll?.cancel()
    await Promise.all(this.#mappings.splice(0).map((mapping) => mapping.stop()))
  }

  async stop(): Promise<void> {
    this.#ttl.stop()
    await this.stopConsuming()
    this.front.close()
    await this.engine.stop()
    this.#folder?.close()
  }
}
