import type { Clock } from '../clock.ts'
import type { Environment } from '../cloudformation/resource.ts'
import { type EngineClient, EngineError } from './client.ts'
import type { ExpiredItems } from './expired-items.ts'
import {
  type EngineRecord,
  MAX_PAGE_RECORDS,
  type StreamIdentity,
  isNoOp,
  toEngineNumber,
  toSequenceNumber,
  toStreamRecord,
} from './stream.ts'
import { tableNameOf } from './table-arns.ts'
import { type Table, streamArnOf } from './tables.ts'

export interface StreamsApiOptions {
  readonly client: EngineClient
  readonly tables: () => readonly Table[]
  readonly environment: Environment
  readonly clock: Clock
  /** Counts the lives of an engine that loses its tables. */
  readonly incarnation: () => number
  readonly expired: ExpiredItems
}

type Input = Readonly<Record<string, unknown>>

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html */
const MAX_PAGE_BYTES = 1024 * 1024
/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html */
const ITERATOR_LIFE_MS = 15 * 60 * 1000
const MAX_STREAMS = 100

/**
 * The API of DynamoDB Streams for functions that read a stream themselves: by the template's ARNs, with the records, numbers and
 * errors that AWS has.
 */
export class StreamsApi {
  readonly #options: StreamsApiOptions
  readonly #operations: Readonly<Record<string, (input: Input) => object | Promise<object>>> = {
    ListStreams: (input) => this.#listStreams(input),
    DescribeStream: (input) => this.#describeStream(input),
    GetShardIterator: (input) => this.#getShardIterator(input),
    GetRecords: (input) => this.#getRecords(input),
  }

  constructor(options: StreamsApiOptions) {
    this.#options = options
  }

  /** @throws EngineError for a refusal */
  async call(operation: string, input: Input): Promise<object> {
    const run = Object.hasOwn(this.#operations, operation) ? this.#operations[operation] : undefined
    if (!run) throw new EngineError('UnknownOperationException', '')
    return run(input)
  }

  #listStreams({ TableName, Limit, ExclusiveStartStreamArn }: Input): object {
    const name = typeof TableName === 'string' ? tableNameOf(TableName) : undefined
    const streams = this.#options
      .tables()
      .filter((table) => table.engineStreamArn !== undefined && (name ?? table.name) === table.name)
      .map((table) => ({
        StreamArn: streamArnOf(table),
        TableName: table.name,
        StreamLabel: labelOf(streamArnOf(table)),
      }))
    const start = streams.findIndex(({ StreamArn }) => StreamArn === ExclusiveStartStreamArn) + 1
    const end = start + Math.min(Number(Limit ?? MAX_STREAMS), MAX_STREAMS)
    const last = end < streams.length ? streams[end - 1]?.StreamArn : undefined
    return {
      Streams: streams.slice(start, end),
      ...(last === undefined ? {} : { LastEvaluatedStreamArn: last }),
    }
  }

  async #describeStream({ StreamArn }: Input): Promise<object> {
    const { table, arn, engineArn } = this.#find(StreamArn)
    const { StreamDescription } = await this.#options.client.call('DescribeStream', { StreamArn: engineArn })
    const { Shards = [], CreationRequestDateTime } = StreamDescription as {
      readonly Shards?: readonly {
        ShardId: string
        SequenceNumberRange?: { StartingSequenceNumber?: string }
      }[]
      readonly CreationRequestDateTime?: number
    }
    return {
      StreamDescription: {
        StreamArn: arn,
        StreamLabel: labelOf(arn),
        StreamStatus: 'ENABLED',
        StreamViewType: table.viewType,
        CreationRequestDateTime,
        TableName: table.name,
        KeySchema: table.resource.properties['KeySchema'],
        // The engine gives an end to shards that are open, and AWS none.
        Shards: Shards.map(({ ShardId, SequenceNumberRange }) => ({
          ShardId,
          SequenceNumberRange: {
            StartingSequenceNumber: toSequenceNumber(SequenceNumberRange?.StartingSequenceNumber ?? '0'),
          },
        })),
      },
    }
  }

  async #getShardIterator({
    StreamArn,
    ShardId,
    ShardIteratorType: type,
    SequenceNumber,
  }: Input): Promise<object> {
    const { arn, engineArn } = this.#find(StreamArn)
    const isNumbered = type === 'AT_SEQUENCE_NUMBER' || type === 'AFTER_SEQUENCE_NUMBER'
    if (!isNumbered && type !== 'TRIM_HORIZON' && type !== 'LATEST')
      throw invalid('shardIteratorType', type, 'Member must satisfy enum value set')
    if (isNumbered !== (typeof SequenceNumber === 'string'))
      throw new EngineError(
        'ValidationException',
        isNumbered
          ? `SequenceNumber must be specified when ShardIteratorType is ${type}`
          : `SequenceNumber must not be specified when ShardIteratorType is ${type}`,
      )
    await this.#checkShard(engineArn, ShardId)
    const { ShardIterator } = await this.#options.client.call('GetShardIterator', {
      StreamArn: engineArn,
      ShardId,
      ShardIteratorType: type,
      ...(typeof SequenceNumber === 'string' ? { SequenceNumber: toEngineNumber(SequenceNumber) } : {}),
    })
    return { ShardIterator: this.#seal(arn, String(ShardId), ShardIterator) }
  }

  async #getRecords({ ShardIterator, Limit = MAX_PAGE_RECORDS }: Input): Promise<object> {
    if (!(Number.isInteger(Limit) && Number(Limit) >= 1 && Number(Limit) <= MAX_PAGE_RECORDS))
      throw invalid('limit', Limit, `Member must have value from 1 to ${MAX_PAGE_RECORDS}`)
    const { arn, shardId, iterator } = this.#open(ShardIterator)
    const { engineArn, table } = this.#find(arn)
    const { client, environment, incarnation, expired, clock } = this.#options
    const answer = await client.call('GetRecords', { ShardIterator: iterator, Limit })
    const stream: StreamIdentity = {
      arn,
      engineArn,
      incarnation: incarnation(),
      region: environment.region,
      viewType: table.viewType,
      expired,
      clock,
    }
    const all = (answer['Records'] ?? []) as EngineRecord[]
    const count = fitting(all)
    const next =
      count < all.length
        ? await this.#iteratorAfter(engineArn, shardId, all[count - 1])
        : answer['NextShardIterator']
    return {
      Records: all
        .slice(0, count)
        .filter((record) => !isNoOp(record))
        .map((record) => toApiRecord(record, stream, shardId)),
      NextShardIterator: this.#seal(arn, shardId, next),
    }
  }

  async #iteratorAfter(
    StreamArn: string,
    ShardId: string,
    record: EngineRecord | undefined,
  ): Promise<unknown> {
    const { ShardIterator } = await this.#options.client.call('GetShardIterator', {
      StreamArn,
      ShardId,
      ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
      SequenceNumber: record?.dynamodb.SequenceNumber,
    })
    return ShardIterator
  }

  /** The engine takes any shard id. */
  async #checkShard(engineArn: string, shardId: unknown): Promise<void> {
    const { StreamDescription } = await this.#options.client.call('DescribeStream', { StreamArn: engineArn })
    const { Shards = [] } = StreamDescription as { Shards?: readonly { ShardId: string }[] }
    if (!Shards.some((shard) => shard.ShardId === shardId))
      throw new EngineError(
        'ResourceNotFoundException',
        `Requested resource not found: Shard does not exist: ${String(shardId)}`,
      )
  }

  #find(arn: unknown): { readonly table: Table; readonly arn: string; readonly engineArn: string } {
    const table = this.#options.tables().find((each) => streamArnOf(each) === arn)
    if (table?.engineStreamArn !== undefined && typeof arn === 'string')
      return { table, arn, engineArn: table.engineStreamArn }
    throw new EngineError(
      'ResourceNotFoundException',
      `Requested resource not found: Stream: ${String(arn)} not found`,
    )
  }

  /** AWS's iterators begin with the stream's ARN too; ours say when they were made, since they expire. */
  #seal(arn: string, shardId: string, iterator: unknown): string {
    return `${arn}|${this.#options.clock.now()}|${shardId}|${String(iterator)}`
  }

  #open(sealed: unknown): { readonly arn: string; readonly shardId: string; readonly iterator: string } {
    const [arn, made, shardId, iterator] = String(sealed).split('|')
    if (arn === undefined || shardId === undefined || iterator === undefined)
      throw new EngineError('ValidationException', 'Invalid ShardIterator')
    if (this.#options.clock.now() - Number(made) > ITERATOR_LIFE_MS)
      throw new EngineError(
        'ExpiredIteratorException',
        'Iterator expired. The iterator was created more than 15 minutes ago',
      )
    return { arn, shardId, iterator }
  }
}

const labelOf = (arn: string) => arn.split('/stream/').at(-1)

/** How many of the first records make a page; one goes in any case. */
function fitting(records: readonly EngineRecord[]): number {
  let bytes = 0
  const over = records.findIndex(
    (record, index) => (bytes += Buffer.byteLength(JSON.stringify(record))) > MAX_PAGE_BYTES && index > 0,
  )
  return over < 0 ? records.length : over
}

/** The API writes an identity in capitals, and leaves the ARN to the caller, who gave it. */
function toApiRecord(record: EngineRecord, stream: StreamIdentity, shardId: string): object {
  const { eventSourceARN: _arn, userIdentity, ...rest } = toStreamRecord(record, stream, shardId)
  return userIdentity
    ? { ...rest, userIdentity: { PrincipalId: userIdentity.principalId, Type: userIdentity.type } }
    : rest
}

const invalid = (name: string, value: unknown, constraint: string) =>
  new EngineError(
    'ValidationException',
    `1 validation error detected: Value '${String(value)}' at '${name}' failed to satisfy constraint: ${constraint}`,
  )
