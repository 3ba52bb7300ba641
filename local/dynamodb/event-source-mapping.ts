import type { BatchDeps } from './batch.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { EngineClient } from './client.ts'
import type { StreamMappingDefinition } from './mapping-definition.ts'
import { ShardConsumer } from './shard-consumer.ts'
import { type Position, ShardReader, type StreamIdentity } from './stream.ts'

export interface MappingOptions extends Omit<BatchDeps, 'signal' | 'window'> {
  readonly client: EngineClient
  readonly stream: Omit<StreamIdentity, 'incarnation' | 'clock'>
  readonly partitionKey: string
  readonly checkpoints: Checkpoints
  /** How long a writer that goes past the front may wait to be noticed, in milliseconds. */
  readonly pollIntervalMs?: number
}

/** Lambda looks four times a second on AWS as well. */
const DEFAULT_POLL_INTERVAL_MS = 250

interface Waiter {
  /** The shards that have still to be read to their end, with the reads that were begun before. */
  readonly open: Map<ShardConsumer, number>
  readonly resolve: () => void
}

/** Reads a table's stream and hands batches to a function: the reading end of the mapping, shard by shard. */
export class EventSourceMapping {
  readonly definition: StreamMappingDefinition
  readonly #options: MappingOptions
  readonly #abort = new AbortController()
  /** Aborted when the stream that is being read is no more. */
  #reading = new AbortController()
  #incarnation = 0
  #consumers: readonly ShardConsumer[] = []
  #runs: Promise<unknown> = Promise.resolve()
  #waiters: Waiter[] = []

  constructor(definition: StreamMappingDefinition, options: MappingOptions) {
    this.definition = definition
    this.#options = options
  }

  /** Takes its position in the stream, then reads on in the background. */
  async start(): Promise<void> {
    const { stream, checkpoints } = this.#options
    const { startingPosition } = this.definition
    this.#consumers = await this.#open(
      stream.engineArn,
      (shardId) => checkpoints.get(this.#key(shardId)) ?? startingPosition,
    )
    this.#runs = this.#run(this.#consumers, this.#reading.signal)
  }

  /** The engine ended and its stream with it. What was read is still handled; nothing is read until `reopen`. */
  detach(): void {
    this.#reading.abort()
  }

  /** Reads a stream that was made again, all of it, once what was read of the one before has been handled. */
  reopen(engineArn: string): void {
    this.detach()
    if (this.#abort.signal.aborted) return
    this.#reading = new AbortController()
    this.#incarnation++
    this.#runs = this.#continue(this.#runs, engineArn, this.#reading.signal)
  }

  async #continue(before: Promise<unknown>, engineArn: string, reading: AbortSignal): Promise<void> {
    await before
    const isOver = () => reading.aborted
    if (isOver()) return
    try {
      const over = this.#consumers
      this.#consumers = await this.#open(engineArn, () => 'TRIM_HORIZON')
      for (const { open } of this.#waiters) {
        for (const consumer of over) open.delete(consumer)
        for (const consumer of this.#consumers) open.set(consumer, 0)
      }
      await this.#run(this.#consumers, reading)
    } catch (error) {
      if (isOver()) return
      const { log } = this.#options
      log.error('dynamodb', `${this.definition.resource.path} reads no stream any more: ${String(error)}`)
    }
  }

  async #open(engineArn: string, positionOf: (shardId: string) => Position): Promise<ShardConsumer[]> {
    const { client, checkpoints, clock, pollIntervalMs = DEFAULT_POLL_INTERVAL_MS } = this.#options
    const stream = { ...this.#options.stream, engineArn, incarnation: this.#incarnation, clock }
    const shards = await ShardReader.open(client, stream, positionOf)
    return shards.map((shard) => {
      const consumer: ShardConsumer = new ShardConsumer(shard, {
        ...this.#options,
        definition: this.definition,
        signal: this.#abort.signal,
        pollIntervalMs,
        onCheckpoint: (position) => checkpoints.set(this.#key(shard.shardId), position),
        onDrained: (read) => this.#settle(consumer, read),
      })
      return consumer
    })
  }

  #run(consumers: readonly ShardConsumer[], reading: AbortSignal): Promise<unknown> {
    return Promise.all(consumers.map((consumer) => consumer.run(reading)))
  }

  /** A table that was made anew has a stream of its own, in which no earlier place means anything. */
  #key(shardId: string): string {
    const { resource } = this.definition
    return `${resource.stack}/${resource.logicalId} ${this.#options.stream.engineArn} ${shardId}`
  }

  /** Something was written: look now. */
  wake(): void {
    for (const consumer of this.#consumers) consumer.wake()
  }

  /** Resolves once everything written before has been handled or given up. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#abort.signal.aborted) return resolve()
      this.#waiters.push({
        open: new Map(this.#consumers.map((consumer) => [consumer, consumer.reads])),
        resolve,
      })
      this.wake()
    })
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    this.detach()
    await this.#runs
    for (const { resolve } of this.#waiters.splice(0)) resolve()
  }

  #settle(consumer: ShardConsumer, read: number): void {
    this.#waiters = this.#waiters.filter(({ open, resolve }) => {
      const since = open.get(consumer)
      if (since !== undefined && read > since) open.delete(consumer)
      if (open.size > 0) return true
      resolve()
      return false
    })
  }
}
