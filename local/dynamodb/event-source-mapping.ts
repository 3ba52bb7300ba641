import { type Clock, systemClock } from '../clock.ts'
import { type BatchDeps, measureBatch, processBatch } from './batch.ts'
import type { MappingDefinition } from './mapping-definition.ts'
import { pause } from './pause.ts'
import { ShardReader, type StreamOptions, type StreamRecord } from './stream.ts'

export interface MappingOptions
  extends Omit<BatchDeps, 'signal'>, Omit<StreamOptions, 'position' | 'arn' | 'incarnation'> {
  /** How long a writer that goes past the front may wait to be noticed, in milliseconds. */
  readonly pollIntervalMs?: number
}

/** Lambda looks four times a second on AWS as well. */
const DEFAULT_POLL_INTERVAL_MS = 250
const NOTHING = { records: [], caughtUp: true } as const

/** Reads a table's stream and hands batches to a function, one batch of a shard at a time. */
export class EventSourceMapping {
  readonly definition: MappingDefinition
  readonly #options: MappingOptions
  readonly #abort = new AbortController()
  /** Aborted when the stream that is being read is no more. */
  #reading = new AbortController()
  #incarnation = 0
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
    const { signal } = this.#reading
    const shards = await this.#open(this.definition.startingPosition, this.#options.engineArn)
    this.#loops = Promise.all(shards.map((shard) => this.#consume(shard, signal)))
  }

  /** The engine ended and its stream with it. What was read is still handled; nothing is read until `reopen`. */
  detach(): void {
    this.#reading.abort()
  }

  /** Reads a stream that was made again, all of it, once what was read of the one before has been handled. */
  reopen(engineArn: string): void {
    this.detach()
    if (this.#isStopped()) return
    this.#reading = new AbortController()
    this.#incarnation++
    this.#loops = this.#continue(this.#loops, engineArn, this.#reading.signal)
  }

  async #continue(before: Promise<unknown>, engineArn: string, reading: AbortSignal): Promise<void> {
    await before
    const isOver = () => reading.aborted
    if (isOver()) return
    try {
      const shards = await this.#open('TRIM_HORIZON', engineArn)
      await Promise.all(shards.map((shard) => this.#consume(shard, reading)))
    } catch (error) {
      if (isOver()) return
      const { log } = this.#options
      log.error('dynamodb', `${this.definition.resource.path} reads no stream any more: ${String(error)}`)
    }
  }

  #open(position: StreamOptions['position'], engineArn: string): Promise<ShardReader[]> {
    const { streamArn: arn } = this.definition
    return ShardReader.open({ ...this.#options, position, arn, engineArn, incarnation: this.#incarnation })
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
    this.detach()
    await this.#loops
    for (const { resolve } of this.#waiters.splice(0)) resolve()
  }

  async #consume(shard: ShardReader, reading: AbortSignal): Promise<void> {
    const { signal } = this.#abort
    const { log } = this.#options
    let pending: StreamRecord[] = []
    let windowEnd: number | undefined
    const isOver = () => reading.aborted
    while (!signal.aborted && !(isOver() && pending.length === 0)) {
      try {
        const read = ++this.#reads
        const woken = this.#woken
        const isEnough = pending.length >= this.definition.batchSize
        const { records, caughtUp } =
          isOver() || isEnough ? NOTHING : await shard.read(this.definition.batchSize)
        // An iterator outlives its stream and goes on in the next one, which is read from its start later.
        if (!isOver()) pending.push(...records)
        if (pending.length === 0 && (isOver() || !caughtUp)) continue
        if (pending.length === 0) {
          this.#settle(read)
          await this.#rest(woken, reading)
          continue
        }
        windowEnd ??= this.#options.clock.now() + this.definition.batchingWindowMs
        const remaining = windowEnd - this.#options.clock.now()
        const { count, isFull } = measureBatch(pending, this.definition.batchSize)
        if (!isFull && remaining > 0 && !isOver()) {
          await this.#wait(woken, this.#options.clock, remaining, reading)
          continue
        }
        windowEnd = undefined
        const batch = pending.slice(0, count)
        pending = pending.slice(batch.length)
        await processBatch(batch, shard.shardId, this.definition, { ...this.#options, signal })
      } catch (error) {
        if (this.#isStopped()) return
        if (isOver()) continue
        log.warn(
          'dynamodb',
          `the stream of ${this.definition.resource.path} could not be read: ${String(error)}`,
        )
        await this.#rest(new Promise(() => undefined), reading)
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
  async #rest(woken: Promise<void>, reading: AbortSignal): Promise<void> {
    await this.#wait(woken, systemClock, this.#options.pollIntervalMs ?? DEFAULT_POLL_INTERVAL_MS, reading)
  }

  async #wait(woken: Promise<void>, clock: Clock, ms: number, reading: AbortSignal): Promise<void> {
    const over = new AbortController()
    const finish = () => over.abort()
    reading.addEventListener('abort', finish)
    if (reading.aborted) finish()
    await Promise.race([woken, pause(clock, ms, over.signal)])
    reading.removeEventListener('abort', finish)
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
