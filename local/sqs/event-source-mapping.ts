import type { Clock } from '../clock.ts'
import type { Environment } from '../cloudformation/resource.ts'
import { parseJsonKeepingNumbers } from '../events/json-number.ts'
import { failedIdentifiers } from '../lambda/batch-response.ts'
import { type FunctionInvoker, FunctionThrottledError } from '../lambda/invoker.ts'
import type { Log } from '../log.ts'
import { Wakeup } from '../wakeup.ts'
import { SqsError } from './errors.ts'
import { MAX_BATCH_ENTRIES, MAX_WAIT_SECONDS } from './limits.ts'
import type { QueueMappingDefinition } from './mapping-definition.ts'
import { type StoredMessage, md5, md5OfAttributes, systemAttributes } from './message.ts'

export interface QueueMappingOptions {
  readonly functions: FunctionInvoker
  readonly environment: Environment
  readonly clock: Clock
  readonly log: Log
}

/** What a function takes at most, as JSON. */
const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024

interface Received {
  readonly message: StoredMessage
  readonly record: SqsRecord
  /** As JSON in a batch. */
  readonly bytes: number
}

/**
 * Takes messages from a queue and hands batches of them to a function. What the function handled is deleted; the rest comes
 * back when its visibility timeout is over, as often as the queue allows before its dead-letter queue.
 */
export class QueueEventSourceMapping {
  readonly #definition: QueueMappingDefinition
  readonly #options: QueueMappingOptions
  readonly #abort = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #freed = new Wakeup()
  /** Received, and for the next batch: the one before was full. */
  #held: Received[] = []
  #loop: Promise<void> = Promise.resolve()

  constructor(definition: QueueMappingDefinition, options: QueueMappingOptions) {
    this.#definition = definition
    this.#options = options
  }

  start(): void {
    this.#loop = this.#poll()
  }

  /** Takes nothing more, and resolves when what is being handled is done with. */
  async stop(): Promise<void> {
    this.#abort.abort()
    this.#freed.wake()
    await this.#loop
    await Promise.all(this.#running)
  }

  async #poll(): Promise<void> {
    const { signal } = this.#abort
    while (!signal.aborted) {
      const freed = this.#freed.next()
      if (this.#running.size >= this.#definition.maximumConcurrency) {
        await freed
        continue
      }
      const batch = await this.#gather()
      if (batch.length === 0) continue
      const run: Promise<void> = this.#handOver(batch).finally(() => {
        this.#running.delete(run)
        this.#freed.wake()
      })
      this.#running.add(run)
    }
  }

  /** Waits for a first message, and then as long as the window says for a full batch. */
  async #gather(): Promise<readonly Received[]> {
    const { batchSize, batchingWindowMs } = this.#definition
    const { clock } = this.#options
    let goesAt: number | undefined
    while (!this.#abort.signal.aborted) {
      const count = fitting(this.#held, batchSize)
      if (this.#held.length > 0) goesAt ??= clock.now() + batchingWindowMs
      const remaining = goesAt === undefined ? Infinity : goesAt - clock.now()
      const isFull = count === batchSize || count < this.#held.length
      if (isFull || (this.#held.length > 0 && remaining <= 0)) return this.#held.splice(0, count)
      await this.#receive(Math.min(MAX_BATCH_ENTRIES, batchSize - count), remaining / 1000)
    }
    return []
  }

  async #receive(max: number, waitSeconds: number): Promise<void> {
    const { queue, accepts } = this.#definition
    const { signal } = this.#abort
    const messages = await queue.receive({
      max,
      waitSeconds: Math.min(waitSeconds, MAX_WAIT_SECONDS),
      signal,
    })
    for (const message of messages) {
      const record = toRecord(message, this.#definition, this.#options.environment)
      if (accepts(filterable(record)))
        this.#held.push({ message, record, bytes: Buffer.byteLength(JSON.stringify(record)) + 1 })
      else this.#delete(message)
    }
  }

  async #handOver(batch: readonly Received[]): Promise<void> {
    const { functions, log } = this.#options
    const { functionName, reportBatchItemFailures } = this.#definition
    try {
      const result = await functions.invoke(functionName, { Records: batch.map(({ record }) => record) })
      if (result.functionError) return
      const failed = reportBatchItemFailures ? failedIdentifiers(result.payload) : []
      const ids = new Set(batch.map(({ message }) => message.id))
      // An identifier that is none of the batch fails the whole of it.
      if (!failed.every((id) => typeof id === 'string' && ids.has(id))) return
      for (const { message } of batch) if (!failed.includes(message.id)) this.#delete(message)
    } catch (error) {
      if (error instanceof FunctionThrottledError) return
      log.error(functionName, `a batch of messages could not be handed over: ${String(error)}`)
    }
  }

  #delete({ receiptHandle = '', id }: StoredMessage): void {
    const { queue, functionName } = this.#definition
    try {
      queue.delete(receiptHandle)
    } catch (error) {
      if (!(error instanceof SqsError)) throw error
      // A FIFO queue takes it back from whoever took longer than the visibility timeout.
      this.#options.log.warn(functionName, `message ${id} was handled and comes again: ${error.message}`)
    }
  }
}

/** How many of the first messages make a batch. */
function fitting(held: readonly Received[], batchSize: number): number {
  let bytes = 0
  const tooMany = held.findIndex(
    (each, index) => index === batchSize || ((bytes += each.bytes) > MAX_PAYLOAD_BYTES && index > 0),
  )
  return tooMany < 0 ? held.length : tooMany
}

/**
 * ```json
 * {"messageId":"059f36b4-87a3-44ab-83d2-661975830a7d","receiptHandle":"AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a…","body":"{\"id\":1}",
 *  "attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1795425126000","SenderId":"123456789012",
 *   "ApproximateFirstReceiveTimestamp":"1795425126001"},
 *  "messageAttributes":{"kind":{"stringValue":"x","stringListValues":[],"binaryListValues":[],"dataType":"String"}},
 *  "md5OfBody":"e4e68fb7bd0e697a0ae8f1bb342846b3","eventSource":"aws:sqs",
 *  "eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:jobs","awsRegion":"eu-west-1"}
 * ```
 * https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
 */
interface SqsRecord {
  readonly messageId: string
  readonly receiptHandle: string | undefined
  readonly body: string
  readonly attributes: Readonly<Record<string, string>>
  readonly messageAttributes: object
  readonly md5OfBody: string
  readonly md5OfMessageAttributes?: string
  readonly eventSource: 'aws:sqs'
  readonly eventSourceARN: string
  readonly awsRegion: string
}

function toRecord(
  message: StoredMessage,
  { sourceArn }: QueueMappingDefinition,
  { accountId, region }: Environment,
): SqsRecord {
  const attributesMd5 = md5OfAttributes(message.attributes)
  return {
    messageId: message.id,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: systemAttributes(message, accountId),
    messageAttributes: Object.fromEntries(
      Object.entries(message.attributes ?? {}).map(([name, { DataType, StringValue, BinaryValue }]) => [
        name,
        {
          ...(StringValue === undefined ? {} : { stringValue: StringValue }),
          ...(BinaryValue === undefined ? {} : { binaryValue: BinaryValue }),
          stringListValues: [],
          binaryListValues: [],
          dataType: DataType,
        },
      ]),
    ),
    md5OfBody: md5(message.body),
    ...(attributesMd5 === undefined ? {} : { md5OfMessageAttributes: attributesMd5 }),
    eventSource: 'aws:sqs',
    eventSourceARN: sourceArn,
    awsRegion: region,
  }
}

/** Filters see into a body that is JSON. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html */
function filterable(record: SqsRecord): object {
  try {
    return { ...record, body: parseJsonKeepingNumbers(record.body) }
  } catch {
    return record
  }
}
