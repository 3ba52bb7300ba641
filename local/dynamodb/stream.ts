import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import type { Environment } from '../cloudformation/resource.ts'
import type { EngineClient } from './client.ts'

type Attribute = Readonly<Record<string, unknown>>
export type Image = Readonly<Record<string, Attribute>>

/** One change, in the very shape in which Lambda gets it. */
export interface StreamRecord {
  /** 32 hex digits, the same on every delivery of the record and on no other one. */
  readonly eventID: string
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE'
  readonly eventVersion: '1.1'
  readonly eventSource: 'aws:dynamodb'
  readonly awsRegion: string
  readonly dynamodb: {
    /** Whole seconds since the epoch. */
    readonly ApproximateCreationDateTime: number
    readonly Keys: Image
    readonly NewImage?: Image
    readonly OldImage?: Image
    /** Decimal digits, growing within a shard. */
    readonly SequenceNumber: string
    readonly SizeBytes: number
    readonly StreamViewType: string
  }
  readonly eventSourceARN: string
  /** On deletes by TTL only. */
  readonly userIdentity?: { readonly type: 'Service'; readonly principalId: 'dynamodb.amazonaws.com' }
}

interface EngineRecord {
  readonly eventName: StreamRecord['eventName']
  readonly dynamodb: Omit<StreamRecord['dynamodb'], 'SizeBytes'> & { readonly SizeBytes?: number }
  readonly userIdentity?: unknown
}

export interface StreamOptions {
  readonly client: EngineClient
  /** ARN by which the template knows the stream. */
  readonly arn: string
  /** ARN by which the engine knows it. */
  readonly engineArn: string
  /** Counts the lives of the engine: a stream that was made again numbers its records from the start again. */
  readonly incarnation: number
  readonly environment: Environment
  readonly clock: Clock
  readonly position: 'TRIM_HORIZON' | 'LATEST'
}

/** AWS's numbers are long; a width of their own keeps them apart from counts and in order as text too. */
const SEQUENCE_DIGITS = 24
const TTL_IDENTITY = { type: 'Service', principalId: 'dynamodb.amazonaws.com' } as const

/** Reads one shard of a stream from where it stands. */
export class ShardReader {
  readonly shardId: string
  readonly #options: StreamOptions
  #iterator: string | undefined

  private constructor(shardId: string, iterator: string | undefined, options: StreamOptions) {
    this.shardId = shardId
    this.#iterator = iterator
    this.#options = options
  }

  /** A reader for each shard of the stream. */
  static async open(options: StreamOptions): Promise<ShardReader[]> {
    const { client, engineArn, position } = options
    const { StreamDescription } = await client.call('DescribeStream', { StreamArn: engineArn })
    const { Shards = [] } = StreamDescription as { Shards?: { ShardId: string }[] }
    return Promise.all(
      Shards.map(async ({ ShardId }) => {
        const { ShardIterator } = await client.call('GetShardIterator', {
          StreamArn: engineArn,
          ShardId,
          ShardIteratorType: position,
        })
        return new ShardReader(ShardId, ShardIterator as string, options)
      }),
    )
  }

  /** The next records, oldest first, without writes that changed nothing; caught up when the engine had none at all. */
  async read(limit: number): Promise<{ readonly records: StreamRecord[]; readonly caughtUp: boolean }> {
    if (this.#iterator === undefined) return { records: [], caughtUp: true }
    const answer = await this.#options.client.call('GetRecords', {
      ShardIterator: this.#iterator,
      Limit: limit,
    })
    this.#iterator = answer['NextShardIterator'] as string | undefined
    const records = (answer['Records'] ?? []) as EngineRecord[]
    const changes = records.filter((record) => !isNoOp(record)).map((record) => this.#toLambda(record))
    return { records: changes, caughtUp: records.length === 0 }
  }

  #toLambda({ eventName, dynamodb, userIdentity }: EngineRecord): StreamRecord {
    const { arn, engineArn, incarnation, environment } = this.#options
    const { NewImage, OldImage, Keys } = dynamodb
    const identity = [arn, engineArn, incarnation, this.shardId, dynamodb.SequenceNumber].join('/')
    return {
      eventID: createHash('md5').update(identity).digest('hex'),
      eventName,
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: environment.region,
      dynamodb: {
        ApproximateCreationDateTime: dynamodb.ApproximateCreationDateTime,
        Keys,
        ...(NewImage ? { NewImage } : {}),
        ...(OldImage ? { OldImage } : {}),
        SequenceNumber: dynamodb.SequenceNumber.padStart(SEQUENCE_DIGITS, '1' + '0'.repeat(SEQUENCE_DIGITS)),
        SizeBytes: sizeOf(Keys) + sizeOf(NewImage) + sizeOf(OldImage),
        StreamViewType: dynamodb.StreamViewType,
      },
      eventSourceARN: arn,
      ...(userIdentity ? { userIdentity: TTL_IDENTITY } : {}),
    }
  }
}

/** A put or an update that changes nothing: AWS makes no record of it, the engine does. */
const isNoOp = ({ eventName, dynamodb: { OldImage, NewImage } }: EngineRecord) =>
  eventName === 'MODIFY' && OldImage !== undefined && isDeepStrictEqual(OldImage, NewImage)

/** DynamoDB's size of an item: names and values in UTF-8, numbers by their digits. */
function sizeOf(image: Image | undefined): number {
  return Object.entries(image ?? {}).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + valueSize(value),
    0,
  )
}

function valueSize(attribute: Attribute): number {
  const [[type, value] = ['NULL', true]] = Object.entries(attribute)
  switch (type) {
    case 'S':
      return Buffer.byteLength(String(value))
    case 'N':
      return numberSize(String(value))
    case 'B':
      return Buffer.from(String(value), 'base64').length
    case 'SS':
      return (value as string[]).reduce((sum, item) => sum + Buffer.byteLength(item), 0)
    case 'NS':
      return (value as string[]).reduce((sum, item) => sum + numberSize(item), 0)
    case 'BS':
      return (value as string[]).reduce((sum, item) => sum + Buffer.from(item, 'base64').length, 0)
    case 'L':
      return (value as Attribute[]).reduce((sum, item) => sum + 1 + valueSize(item), 3)
    case 'M':
      return Object.entries(value as Image).reduce(
        (sum, [key, item]) => sum + 1 + Buffer.byteLength(key) + valueSize(item),
        3,
      )
    default:
      return 1
  }
}

/** About one byte for two significant digits, and one more. */
const numberSize = (text: string) =>
  Math.ceil(text.replace(/^-|\./g, '').replace(/^0+|0+$/g, '').length / 2) + 1
