import { createHash } from 'node:crypto'
import { type Clock, systemClock } from '../clock.ts'
import { pauseUntil } from '../pause.ts'
import { Wakeup } from '../wakeup.ts'
import { Lane, type LaneOptions } from './lane.ts'
import { Progress } from './progress.ts'
import { MAX_PAGE_RECORDS, type Position, type ShardReader, type StreamRecord } from './stream.ts'

export interface ShardConsumerOptions extends Omit<LaneOptions, 'shardId' | 'onDone' | 'onFree'> {
  readonly clock: Clock
  /** Name of the table's partition key: records of one key value stay in order. */
  readonly partitionKey: string
  readonly pollIntervalMs: number
  /** Where a reader that starts anew must go on. */
  readonly onCheckpoint: (position: Position) => void
  /** A read has found nothing new, with its number, and everything read before it is handled. */
  readonly onDrained: (read: number) => void
}

/** Reads one shard and spreads its records over the lanes; reads no further than they can take. */
export class ShardConsumer {
  readonly #shard: ShardReader
  readonly #options: ShardConsumerOptions
  readonly #written = new Wakeup()
  readonly #freed = new Wakeup()
  readonly #lanes: readonly Lane[]
  readonly #progress: Progress
  #reads = 0
  /** The latest read that found nothing. */
  #caughtUp = 0

  constructor(shard: ShardReader, options: ShardConsumerOptions) {
    this.#shard = shard
    this.#options = options
    this.#progress = new Progress(shard.position)
    options.onCheckpoint(shard.position)
    this.#lanes = Array.from(
      { length: options.definition.parallelizationFactor },
      () =>
        new Lane({
          ...options,
          shardId: shard.shardId,
          onDone: (records) => this.#done(records),
          onFree: () => this.#freed.wake(),
        }),
    )
  }

  /** Reads begun so far. */
  get reads(): number {
    return this.#reads
  }

  /** Something was written: look now. */
  wake(): void {
    this.#written.wake()
  }

  /**
   * Runs until all ends, or until the stream that is being read is no more: what was read of it is still handled then.
   * Never rejects.
   */
  async run(reading: AbortSignal): Promise<void> {
    const { definition, clock, signal, log } = this.#options
    const limit = Math.min(MAX_PAGE_RECORDS, definition.batchSize * this.#lanes.length)
    const isOver = () => reading.aborted || signal.aborted
    let failures = 0
    while (!isOver()) {
      const freed = this.#freed.next()
      this.#settle()
      if (!this.#lanes.every((lane) => lane.hasRoom)) {
        await pauseUntil(freed, clock, Infinity, reading)
        continue
      }
      const written = this.#written.next()
      try {
        const read = ++this.#reads
        const at = clock.now()
        const { records, positions, position, caughtUp } = await this.#shard.read(limit)
        // An iterator outlives its stream and goes on in the next one, which is read from its start later.
        if (isOver()) break
        failures = 0
        for (const [index, record] of records.entries()) this.#take(record, positions[index] ?? position)
        this.#progress.passed(position)
        if (!caughtUp) {
          this.#options.onCheckpoint(this.#progress.checkpoint)
          continue
        }
        this.#caughtUp = read
        for (const lane of this.#lanes) lane.readUntil(at)
      } catch (error) {
        if (isOver()) break
        // Once is what an engine takes to start again, and what comes after the second says nothing new.
        if (++failures === 2)
          log.warn(
            'dynamodb',
            `the stream of ${definition.resource.path} could not be read: ${String(error)}`,
          )
      }
      await this.#rest(written, reading)
    }
    await Promise.all(this.#lanes.map((lane) => lane.finish()))
  }

  /** Until something is written, a lane has nothing left to do, or it is time to look anyway. */
  async #rest(written: Promise<void>, reading: AbortSignal): Promise<void> {
    // Real time: how soon the engine is asked changes nothing that a function sees.
    const { pollIntervalMs } = this.#options
    const over = pauseUntil(written, systemClock, pollIntervalMs, reading).then(() => true)
    for (;;) {
      const freed = this.#freed.next().then(() => false)
      this.#settle()
      if (await Promise.race([over, freed])) return
    }
  }

  #take(record: StreamRecord, after: Position): void {
    if (!this.#options.definition.accepts(record)) return
    this.#progress.taken(record.dynamodb.SequenceNumber, after)
    this.#laneOf(record)?.push(record)
  }

  #laneOf({ dynamodb: { Keys } }: StreamRecord): Lane | undefined {
    if (this.#lanes.length === 1) return this.#lanes[0]
    const value = JSON.stringify(Keys[this.#options.partitionKey])
    return this.#lanes[createHash('md5').update(value).digest().readUInt32BE() % this.#lanes.length]
  }

  #done(records: readonly StreamRecord[]): void {
    for (const { dynamodb } of records) this.#progress.done(dynamodb.SequenceNumber)
    this.#options.onCheckpoint(this.#progress.checkpoint)
    this.#freed.wake()
  }

  #settle(): void {
    if (this.#lanes.every((lane) => lane.isIdle)) this.#options.onDrained(this.#caughtUp)
  }
}
