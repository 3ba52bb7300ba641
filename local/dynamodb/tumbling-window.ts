import type { StreamRecord } from './stream.ts'

/** What a function may carry from batch to batch, as JSON; a window that outgrows it ends early. */
const MAX_STATE_BYTES = 1024 * 1024

/**
 * One window of an aggregation: the records of a span of time, and the state that the function hands from batch to batch.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html
 */
export class TumblingWindow {
  readonly startMs: number
  readonly endMs: number
  readonly #shardId: string
  readonly #streamArn: string
  #state: unknown = {}
  #isTooLarge = false
  #isFinal = false

  /** The window of length `lengthMs` that a moment falls into. */
  constructor(atMs: number, lengthMs: number, shardId: string, streamArn: string) {
    this.startMs = atMs - (atMs % lengthMs)
    this.endMs = this.startMs + lengthMs
    this.#shardId = shardId
    this.#streamArn = streamArn
  }

  contains(record: StreamRecord): boolean {
    const at = record.dynamodb.ApproximateCreationDateTime * 1000
    return at >= this.startMs && at < this.endMs
  }

  /** The state has outgrown what may be carried. */
  get isTooLarge(): boolean {
    return this.#isTooLarge
  }

  /** Nothing more comes: the next event is the last of the window. */
  finish(): void {
    this.#isFinal = true
  }

  /**
   * ```json
   * {"Records":[],"window":{"start":"2026-11-23T09:00:00Z","end":"2026-11-23T09:02:00Z"},"state":{"count":3},
   *  "shardId":"shardId-00000001","eventSourceARN":"arn:aws:dynamodb:…","isFinalInvokeForWindow":true,"isWindowTerminatedEarly":false}
   * ```
   */
  event(records: readonly StreamRecord[]): object {
    const isoSeconds = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z')
    return {
      Records: records,
      window: { start: isoSeconds(this.startMs), end: isoSeconds(this.endMs) },
      state: this.#state,
      shardId: this.#shardId,
      eventSourceARN: this.#streamArn,
      isFinalInvokeForWindow: this.#isFinal,
      isWindowTerminatedEarly: this.#isFinal && this.#isTooLarge,
    }
  }

  /** Takes over the state of a reply, JSON text. @returns false when there is none, which fails the batch */
  accept(payload: string): boolean {
    if (this.#isFinal) return true
    const reply = payload === '' ? null : (JSON.parse(payload) as { readonly state?: unknown } | null)
    const state = reply?.state
    if (typeof state !== 'object' || state === null) return false
    this.#state = state
    this.#isTooLarge = Buffer.byteLength(JSON.stringify(state)) > MAX_STATE_BYTES
    return true
  }
}
