import type { Clock } from '../clock.ts'
import type { Environment, Resource } from '../cloudformation/resource.ts'
import type { Destinations } from '../destination.ts'
import type { Iam } from '../iam/iam.ts'
import type { FunctionInvoker } from '../lambda/invoker.ts'
import type { Log } from '../log.ts'
import { noCheckpoints } from './checkpoints.ts'
import { ControlPlane } from './control-plane.ts'
import { DataFolder } from './data-folder.ts'
import { type Engine, type EngineOptions, startEngine } from './engine.ts'
import { EventSourceMapping } from './event-source-mapping.ts'
import { DynamoDbFront } from './front.ts'
import { type StreamMappingDefinition, streamMappings } from './mapping-definition.ts'
import { StreamsApi } from './streams-api.ts'
import { TableDirectory } from './table-directory.ts'
import { type Table, createTables } from './tables.ts'
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
  readonly #folder: DataFolder | undefined
  #tables: readonly Table[]
  #mappings: EventSourceMapping[] = []
  /** Counts the lives of an engine that loses its tables, as the mappings do. */
  #incarnation = 0

  private constructor(
    options: DynamoDbOptions,
    engine: Engine,
    tables: readonly Table[],
    folder: DataFolder | undefined,
  ) {
    this.#options = options
    this.engine = engine
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
    })
    this.front = new DynamoDbFront({
      upstream: new Upstream({
        engine,
        streams,
        controlPlane: new ControlPlane(now, environment),
        onWrite: () => this.wake(),
      }),
      iam,
      tables: new TableDirectory(resources, environment),
    })
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
      service.ttl.start()
      return service
    } catch (error) {
      await engine?.stop()
      folder?.close()
      throw error
    }
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
    const { resources, log } = this.#options
    this.#incarnation++
    for (const mapping of this.#mappings) mapping.detach()
    this.#tables = await createTables(resources, this.engine.client, log)
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
  async consume({ functions, destinations }: ConsumerOptions): Promise<void> {
    const { resources, environment, clock, log, pollIntervalMs } = this.#options
    for (const definition of streamMappings(resources)) {
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
        },
        partitionKey: table.partitionKey,
        checkpoints: this.#folder?.checkpoints ?? noCheckpoints,
        functions,
        destinations,
        clock,
        log,
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
    this.#folder?.close()
  }
}
