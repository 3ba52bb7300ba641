import { pauseUntil } from '../pause.ts'
import { Wakeup } from '../wakeup.ts'
import { type BatchDeps, measureBatch, processBatch } from './batch.ts'
import type { StreamMappingDefinition } from './mapping-definition.ts'
import type { StreamRecord } from './stream.ts'
import { TumblingWindow } from './tumbling-window.ts'

export interface LaneOptions extends Omit<BatchDeps, 'window'> {
  readonly definition: StreamMappingDefinition
  readonly shardId: string
  /** These have been handled, or given up. */
  readonly onDone: (records: readonly StreamRecord[]) => void
  /** There is nothing left to do, or room again for more. */
  readonly onFree: () => void
}

/** Hands records to the function in order, one batch at a time; a shard has as many lanes as batches at once. */
export class Lane {
  readonly #options: LaneOptions
  readonly #wakeup = new Wakeup()
  readonly #ended: Promise<void>
  #pending: StreamRecord[] = []
  #isBusy = false
  #isFinishing = false
  /** When the batch that is being gathered goes, full or not, in the clock's milliseconds. */
  #goesAt: number | undefined
  #window: TumblingWindow | undefined
  /** Everything written before this moment has been read. */
  #readUntil = -Infinity

  constructor(options: LaneOptions) {
    this.#options = options
    this.#ended = this.#run()
  }

  get isIdle(): boolean {
    return !this.#isBusy && this.#pending.length === 0
  }

  get hasRoom(): boolean {
    return this.#pending.length < this.#options.definition.batchSize
  }

  push(record: StreamRecord): void {
    this.#pending.push(record)
    this.#wakeup.wake()
  }

  /** A window that ended by then is over: nothing of it can come any more. */
  readUntil(moment: number): void {
    this.#readUntil = moment
    if (this.#window) this.#wakeup.wake()
  }

  /** Hands over what it has, waiting for no more. Resolves when all is handled or the signal has aborted. */
  finish(): Promise<void> {
    this.#isFinishing = true
    this.#wakeup.wake()
    return this.#ended
  }

  async #run(): Promise<void> {
    const { signal, clock, onFree } = this.#options
    while (!signal.aborted) {
      const woken = this.#wakeup.next()
      if (this.#isWindowOver()) {
        await this.#closeWindow()
        continue
      }
      if (this.#pending.length === 0) {
        if (this.#isFinishing) return
        onFree()
        await pauseUntil(woken, clock, Infinity, signal)
        continue
      }
      const { count, isFull } = this.#measure()
      this.#goesAt ??= clock.now() + this.#options.definition.batchingWindowMs
      const remaining = this.#goesAt - clock.now()
      if (!isFull && remaining > 0 && !this.#isFinishing) {
        await pauseUntil(woken, clock, remaining, signal)
        continue
      }
      this.#goesAt = undefined
      await this.#handOver(this.#pending.splice(0, count))
    }
  }

  async #handOver(batch: readonly StreamRecord[]): Promise<void> {
    const { definition, shardId, onDone, onFree, signal } = this.#options
    this.#isBusy = true
    onFree()
    const [first] = batch
    if (definition.tumblingWindowMs > 0 && first)
      this.#window ??= new TumblingWindow(
        first.dynamodb.ApproximateCreationDateTime * 1000,
        definition.tumblingWindowMs,
        shardId,
        definition.sourceArn,
      )
    await processBatch(batch, shardId, definition, { ...this.#options, window: this.#window })
    this.#isBusy = false
    if (!signal.aborted) onDone(batch)
  }

  /** How many records make the next batch: of one window only, where there are windows. */
  #measure(): { readonly count: number; readonly isFull: boolean } {
    const { batchSize, tumblingWindowMs } = this.#options.definition
    const [first] = this.#pending
    if (tumblingWindowMs === 0 || !first) return measureBatch(this.#pending, batchSize)
    const startOf = ({ dynamodb: { ApproximateCreationDateTime } }: StreamRecord) =>
      Math.floor((ApproximateCreationDateTime * 1000) / tumblingWindowMs)
    const later = this.#pending.findIndex((record) => startOf(record) !== startOf(first))
    if (later < 0) return measureBatch(this.#pending, batchSize)
    return { count: measureBatch(this.#pending.slice(0, later), batchSize).count, isFull: true }
  }

  #isWindowOver(): boolean {
    const window = this.#window
    if (!window) return false
    if (window.isTooLarge) return true
    const [next] = this.#pending
    return next === undefined ? window.endMs <= this.#readUntil : !window.contains(next)
  }

  async #closeWindow(): Promise<void> {
    this.#window?.finish()
    await this.#handOver([])
    this.#window = undefined
  }
}
