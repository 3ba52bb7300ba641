import { type Clock, systemClock } from '../clock.ts'
import { type BatchDeps, processBatch } from './batch.ts'
import type { MappingDefinition } from './mapping-definition.ts'
import { pause } from './pause.ts'
import { ShardReader, type StreamOptions, type StreamRecord } from './stream.ts'

export interface MappingOptions extends Omit<BatchDeps, 'signal'>, Omit<StreamOptions, 'position' | 'arn'> {
  /** How long a writer that goes past the front may wait to be noticed, in milliseconds. */
  readonly pollIntervalMs?: number
}

/** Lambda looks four times a second on AWS as well. */
const DEFAULT_POLL_INTERVAL_MS = 250

/** Reads a table's stream and hands batches to a function, one batch of a shard at a time. */
export class EventSourceMapping {
  readonly definition: MappingDefinition
  readonly #options: MappingOptions
  readonly #abort = new AbortController()
  #wake: () => void = () => undefined
  #woken: Promise<void> = Promise.resolve()
  #loops: Promise<unknown> = Promise.resolve()
  #waiters: { readonly since: number; readonly resolve: () => void }[] = []
  #reads = 0

  constructor(definition: MappingDefinition, options: MappingOptions) {
    this.definition = definition
    this.#options = options
    this.#sleepUntilWoken()
  }

  /** Takes its position in the stream, then reads on in the background. */
  async start(): Promise<void> {
    const { startingPosition: position, streamArn: arn } = this.definition
    const shards = await ShardReader.open({ ...this.#options, position, arn })
    this.#loops = Promise.all(shards.map((shard) => this.#consume(shard)))
  }

  /** Something was written: look now. */
  wake(): void {
    this.#wake()
  }

  /** Resolves once everything written before has been handled or given up. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ since: this.#reads, resolve })
      this.wake()
    })
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    this.wake()
    await this.#loops
    for (const { resolve } of this.#waiters.splice(0)) resolve()
  }

  async #consume(shard: ShardReader): Promise<void> {
    const { signal } = this.#abort
    const { log } = this.#options
    let pending: StreamRecord[] = []
    let windowEnd: number | undefined
    while (!signal.aborted) {
      try {
        const read = ++this.#reads
        const woken = this.#woken
        const { records, caughtUp } = await shard.read(this.definition.batchSize)
        pending.push(...records)
        if (pending.length === 0 && !caughtUp) continue
        if (pending.length === 0) {
          this.#settle(read)
          await this.#rest(woken)
          continue
        }
        windowEnd ??= this.#options.clock.now() + this.definition.batchingWindowMs
        if (pending.length < this.definition.batchSize && this.#options.clock.now() < windowEnd) {
          await this.#wait(woken, this.#options.clock, windowEnd - this.#options.clock.now())
          continue
        }
        windowEnd = undefined
        const batch = pending.slice(0, this.definition.batchSize)
        pending = pending.slice(batch.length)
        await processBatch(batch, shard.shardId, this.definition, { ...this.#options, signal })
      } catch (error) {
        if (this.#isStopped()) return
        log.warn(
          'dynamodb',
          `the stream of ${this.definition.resource.path} could not be read: ${String(error)}`,
        )
        await this.#rest(new Promise(() => undefined))
      }
    }
  }

  #isStopped(): boolean {
    return this.#abort.signal.aborted
  }

  #settle(read: number): void {
    const done = this.#waiters.filter((waiter) => waiter.since < read)
    this.#waiters = this.#waiters.filter((waiter) => waiter.since >= read)
    for (const { resolve } of done) resolve()
  }

  /** Waits until woken, or for the poll. Real time: how soon the engine is asked changes nothing that a function sees. */
  async #rest(woken: Promise<void>): Promise<void> {
    await this.#wait(woken, systemClock, this.#options.pollIntervalMs ?? DEFAULT_POLL_INTERVAL_MS)
  }

  async #wait(woken: Promise<void>, clock: Clock, ms: number): Promise<void> {
    const over = new AbortController()
    const finish = () => over.abort()
    this.#abort.signal.addEventListener('abort', finish)
    await Promise.race([woken, pause(clock, ms, over.signal)])
    this.#abort.signal.removeEventListener('abort', finish)
    finish()
  }

  #sleepUntilWoken(): void {
    this.#woken = new Promise((resolve) => {
      this.#wake = () => {
        resolve()
        this.#sleepUntilWoken()
      }
    })
  }
}
