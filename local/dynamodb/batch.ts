import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Destinations } from '../destination.ts'
import { failedIdentifiers } from '../lambda/batch-response.ts'
import { type FunctionInvoker, FunctionThrottledError, type InvokeResult } from '../lambda/invoker.ts'
import type { Log } from '../log.ts'
import { pause } from '../pause.ts'
import type { StreamMappingDefinition } from './mapping-definition.ts'
import type { StreamRecord } from './stream.ts'
import type { TumblingWindow } from './tumbling-window.ts'

export interface BatchDeps {
  readonly functions: FunctionInvoker
  readonly destinations: Destinations
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
  /** The aggregation that the records belong to. */
  readonly window?: TumblingWindow | undefined
}

/** AWS does not say how long it waits between tries; this is quick enough to watch. */
const RETRY_BASE_MS = 100
const RETRY_CAP_MS = 60_000

/** What a function takes at most, as JSON. */
const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
const ENVELOPE_BYTES = Buffer.byteLength(JSON.stringify({ Records: [] }))

/** How many of the first records make a batch; full when one more would not go in. */
export function measureBatch(
  records: readonly StreamRecord[],
  batchSize: number,
): { readonly count: number; readonly isFull: boolean } {
  let bytes = ENVELOPE_BYTES
  for (const [index, record] of records.entries()) {
    if (index === batchSize) return { count: index, isFull: true }
    bytes += Buffer.byteLength(JSON.stringify(record)) + (index > 0 ? 1 : 0)
    // A record too large by itself goes alone: there is no way to make it smaller.
    if (bytes > MAX_PAYLOAD_BYTES && index > 0) return { count: index, isFull: true }
  }
  return { count: records.length, isFull: records.length >= batchSize }
}

type Outcome =
  | { readonly kind: 'done' }
  /** Records from `index` on are to be tried again. */
  | { readonly kind: 'partial'; readonly index: number }
  | { readonly kind: 'failed'; readonly functionError: string | null }
  /** No attempt was made. */
  | { readonly kind: 'throttled' }

/**
 * Has a function handle records in order, however often that takes: retried, halved on failure, given up to the
 * failure destination. Returns when the shard may move on.
 */
export async function processBatch(
  records: readonly StreamRecord[],
  shardId: string,
  definition: StreamMappingDefinition,
  deps: BatchDeps,
): Promise<void> {
  let batch = records
  for (let failures = 0; !deps.signal.aborted;) {
    const expired = expiredCount(batch, definition, deps.clock)
    if (expired > 0) {
      giveUp(batch.slice(0, expired), 'RecordAgeExceeded', failures, null)
      batch = batch.slice(expired)
      if (batch.length === 0) return
    }
    const outcome = await invoke(batch, definition, deps)
    if (outcome.kind === 'done') return
    if (outcome.kind === 'throttled') {
      await pause(deps.clock, RETRY_BASE_MS, deps.signal)
      continue
    }
    if (outcome.kind === 'partial' && outcome.index > 0) {
      // The checkpoint moves to the lowest failed record: what stands before it is done with.
      batch = batch.slice(outcome.index)
      failures = 0
      continue
    }
    if (definition.bisectBatchOnFunctionError && batch.length > 1) {
      // Halving uses up no retries, so that a poison record ends alone and takes nobody with it.
      const middle = Math.ceil(batch.length / 2)
      await processBatch(batch.slice(0, middle), shardId, definition, deps)
      await processBatch(batch.slice(middle), shardId, definition, deps)
      return
    }
    failures++
    const { maximumRetryAttempts } = definition
    if (maximumRetryAttempts !== undefined && failures > maximumRetryAttempts) {
      const error = outcome.kind === 'failed' ? outcome.functionError : null
      giveUp(batch, 'RetryAttemptsExhausted', failures, error)
      return
    }
    await pause(deps.clock, Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** (failures - 1)), deps.signal)
  }

  function giveUp(
    lost: readonly StreamRecord[],
    condition: string,
    invokeCount: number,
    functionError: string | null,
  ): void {
    deps.log.error(definition.functionName, `gave up ${lost.length} stream record(s): ${condition}`)
    if (definition.onFailure === undefined || lost.length === 0) return
    const report = failureReport(lost, shardId, { condition, invokeCount, functionError }, definition, deps)
    deps.destinations.send(definition.onFailure, JSON.stringify(report))
  }
}

async function invoke(
  batch: readonly StreamRecord[],
  definition: StreamMappingDefinition,
  { functions, log, window }: BatchDeps,
): Promise<Outcome> {
  try {
    const event = window?.event(batch) ?? { Records: batch }
    const result = await functions.invoke(definition.functionName, event)
    return outcomeOf(result, batch, definition.reportBatchItemFailures, window)
  } catch (error) {
    if (error instanceof FunctionThrottledError) return { kind: 'throttled' }
    log.error(definition.functionName, `a stream batch could not be handed over: ${String(error)}`)
    return { kind: 'failed', functionError: null }
  }
}

/** Reads a reply as Lambda does: an identifier that is empty or not of this batch fails the whole of it. */
function outcomeOf(
  result: InvokeResult,
  batch: readonly StreamRecord[],
  partial: boolean,
  window: TumblingWindow | undefined,
): Outcome {
  if (result.functionError) return { kind: 'failed', functionError: result.functionError }
  const outcome = partial ? partialOutcome(result.payload, batch) : ({ kind: 'done' } as const)
  const hasProgress = outcome.kind === 'done' || (outcome.kind === 'partial' && outcome.index > 0)
  if (window && hasProgress && !window.accept(result.payload)) return { kind: 'failed', functionError: null }
  return outcome
}

function partialOutcome(payload: string, batch: readonly StreamRecord[]): Outcome {
  const indexes = failedIdentifiers(payload).map((id) =>
    batch.findIndex((record) => record.dynamodb.SequenceNumber === id),
  )
  if (indexes.length === 0) return { kind: 'done' }
  if (indexes.includes(-1)) return { kind: 'failed', functionError: null }
  return { kind: 'partial', index: Math.min(...indexes) }
}

function expiredCount(
  batch: readonly StreamRecord[],
  { maximumRecordAgeMs }: StreamMappingDefinition,
  clock: Clock,
): number {
  if (maximumRecordAgeMs === undefined) return 0
  const oldest = clock.now() - maximumRecordAgeMs
  const firstFresh = batch.findIndex((record) => record.dynamodb.ApproximateCreationDateTime * 1000 >= oldest)
  return firstFresh < 0 ? batch.length : firstFresh
}

/** The message of a failure destination: it says where the records are, not what they hold. */
function failureReport(
  lost: readonly StreamRecord[],
  shardId: string,
  why: { condition: string; invokeCount: number; functionError: string | null },
  definition: StreamMappingDefinition,
  { clock }: BatchDeps,
): unknown {
  const first = lost[0]?.dynamodb
  const last = lost.at(-1)?.dynamodb
  const seconds = (at = 0) => new Date(at * 1000).toISOString().replace('.000Z', 'Z')
  return {
    requestContext: {
      requestId: randomUUID(),
      functionArn: definition.functionArn,
      condition: why.condition,
      approximateInvokeCount: why.invokeCount,
    },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: why.functionError },
    version: '1.0',
    timestamp: new Date(clock.now()).toISOString(),
    DDBStreamBatchInfo: {
      shardId,
      startSequenceNumber: first?.SequenceNumber,
      endSequenceNumber: last?.SequenceNumber,
      approximateArrivalOfFirstRecord: seconds(first?.ApproximateCreationDateTime),
      approximateArrivalOfLastRecord: seconds(last?.ApproximateCreationDateTime),
      batchSize: lost.length,
      streamArn: definition.sourceArn,
    },
  }
}
