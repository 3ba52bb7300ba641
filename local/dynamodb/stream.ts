import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import type { EngineClient } from './client.ts'
import type { ExpiredItems } from './expired-items.ts'

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
    readonly StreamViewType: ViewType
  }
  readonly eventSourceARN: string
  /** On deletes by TTL only. */
  readonly userIdentity?: { readonly type: 'Service'; readonly principalId: 'dynamodb.amazonaws.com' }
}

export interface EngineRecord {
  readonly eventName: StreamRecord['eventName']
  readonly dynamodb: Omit<StreamRecord['dynamodb'], 'SizeBytes'> & { readonly SizeBytes?: number }
  readonly userIdentity?: unknown
}

/** Where a reader of a shard stands: before the first record, after the last, after one, or where an iterator points. */
export type Position =
  | 'TRIM_HORIZON'
  | 'LATEST'
  | { readonly after: string }
  /** The engine's own; it never expires and outlives the engine. */
  | { readonly iterator: string }

/** A stream, as the template and as the engine know it. */
export interface StreamIdentity {
  /** ARN by which the template knows the stream. */
  readonly arn: string
  /** ARN by which the engine knows it. */
  readonly engineArn: string
  /** Counts the lives of the engine: a stream that was made again numbers its records from the start again. */
  readonly incarnation: number
  readonly region: string
  /** What the records show. The engine keeps both images whatever this is: without them no write that changes nothing can be told. */
  readonly viewType: ViewType
  /** Deletes that the engine does not know as TTL's own. */
  readonly expired?: ExpiredItems
  /** In whose time the records were made; the engine writes down the machine's. */
  readonly clock: Clock
}

export type ViewType = 'KEYS_ONLY' | 'NEW_IMAGE' | 'OLD_IMAGE' | 'NEW_AND_OLD_IMAGES'

export interface ShardRead {
  /** Oldest first, without writes that changed nothing. */
  readonly records: readonly StreamRecord[]
  /** Where to go on after each of them. */
  readonly positions: readonly Position[]
  /** Where to go on after all that was looked at. */
  readonly position: Position
  /** The engine had nothing at all. */
  readonly caughtUp: boolean
}

/** AWS's numbers are long; a width of their own keeps them apart from counts and in order as text too. */
const SEQUENCE_DIGITS = 24
const SEQUENCE_PREFIX = '1' + '0'.repeat(SEQUENCE_DIGITS)
/** The engine gives no more at once. */
export const MAX_PAGE_RECORDS = 1000
export const BOTH_IMAGES = 'NEW_AND_OLD_IMAGES'
const TTL_IDENTITY = { type: 'Service', principalId: 'dynamodb.amazonaws.com' } as const

/** A sequence number as functions see it, and back. */
export const toSequenceNumber = (engineNumber: string) =>
  engineNumber.padStart(SEQUENCE_DIGITS, SEQUENCE_PREFIX)
export const toEngineNumber = (sequenceNumber: string) =>
  sequenceNumber.length === SEQUENCE_DIGITS ? sequenceNumber.replace(/^10*(?=\d)/, '') : sequenceNumber

/** Reads one shard of a stream from where it stands. */
export class ShardReader {
  readonly shardId: string
  readonly #client: EngineClient
  readonly #stream: StreamIdentity
  #iterator: string | undefined

  private constructor(
    client: EngineClient,
    stream: StreamIdentity,
    shardId: string,
    iterator: string | undefined,
  ) {
    this.#client = client
    this.#stream = stream
    this.shardId = shardId
    this.#iterator = iterator
  }

  /** A reader for each shard of the stream. @param positionOf where each starts */
  static async open(
    client: EngineClient,
    stream: StreamIdentity,
    positionOf: (shardId: string) => Position,
  ): Promise<ShardReader[]> {
    const { engineArn } = stream
    const { StreamDescription } = await client.call('DescribeStream', { StreamArn: engineArn })
    const { Shards = [] } = StreamDescription as { Shards?: { ShardId: string }[] }
    return Promise.all(
      Shards.map(async ({ ShardId }) => {
        const iterator = await iteratorAt(client, engineArn, ShardId, positionOf(ShardId))
        return new ShardReader(client, stream, ShardId, iterator)
      }),
    )
  }

  /** Where it stands. */
  get position(): Position {
    return this.#iterator === undefined ? 'LATEST' : { iterator: this.#iterator }
  }

  async read(limit: number): Promise<ShardRead> {
    if (this.#iterator === undefined)
      return { records: [], positions: [], position: this.position, caughtUp: true }
    const answer = await this.#client.call('GetRecords', {
      ShardIterator: this.#iterator,
      Limit: Math.min(limit, MAX_PAGE_RECORDS),
    })
    this.#iterator = answer['NextShardIterator'] as string | undefined
    const records = (answer['Records'] ?? []) as EngineRecord[]
    const changes = records.filter((record) => !isNoOp(record))
    return {
      records: changes.map((record) => toStreamRecord(record, this.#stream, this.shardId)),
      positions: changes.map(({ dynamodb }) => ({ after: dynamodb.SequenceNumber })),
      position: this.position,
      caughtUp: records.length === 0,
    }
  }
}

async function iteratorAt(
  client: EngineClient,
  StreamArn: string,
  ShardId: string,
  position: Position,
): Promise<string> {
  if (typeof position === 'object' && 'iterator' in position) return position.iterator
  const { ShardIterator } = await client.call('GetShardIterator', {
    StreamArn,
    ShardId,
    ...(typeof position === 'string'
      ? { ShardIteratorType: position }
      : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: position.after }),
  })
  return ShardIterator as string
}

/** A record of the engine in the shape that AWS gives it. */
export function toStreamRecord(
  { eventName, dynamodb, userIdentity }: EngineRecord,
  { arn, engineArn, incarnation, region, viewType, expired, clock }: StreamIdentity,
  shardId: string,
): StreamRecord {
  const { Keys } = dynamodb
  const isByTtl = userIdentity ?? (eventName === 'REMOVE' && expired?.has(engineArn, Keys))
  const NewImage = viewType === 'NEW_IMAGE' || viewType === BOTH_IMAGES ? dynamodb.NewImage : undefined
  const OldImage = viewType === 'OLD_IMAGE' || viewType === BOTH_IMAGES ? dynamodb.OldImage : undefined
  const identity = [arn, engineArn, incarnation, shardId, dynamodb.SequenceNumber].join('/')
  return {
    eventID: createHash('md5').update(identity).digest('hex'),
    eventName,
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: region,
    dynamodb: {
      ApproximateCreationDateTime: createdAt(dynamodb.ApproximateCreationDateTime, clock),
      Keys,
      ...(NewImage ? { NewImage } : {}),
      ...(OldImage ? { OldImage } : {}),
      SequenceNumber: toSequenceNumber(dynamodb.SequenceNumber),
      SizeBytes: sizeOf(Keys) + sizeOf(NewImage) + sizeOf(OldImage),
      StreamViewType: viewType,
    },
    eventSourceARN: arn,
    ...(isByTtl ? { userIdentity: TTL_IDENTITY } : {}),
  }
}

/** By the clock, from a second of the machine's: no earlier than it was, as if made at the end of that second, or now. */
function createdAt(second: number, clock: Clock): number {
  if (!clock.momentOf) return second
  return Math.floor(Math.min(clock.momentOf(second * 1000 + 999), clock.now()) / 1000)
}

/** A put or an update that changes nothing: AWS makes no record of it, the engine does. */
export const isNoOp = ({ eventName, dynamodb: { OldImage, NewImage } }: EngineRecord) =>
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
