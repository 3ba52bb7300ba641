import { EngineError } from '../../local/dynamodb/client.ts'
import type { Engine } from '../../local/dynamodb/engine.ts'
import { type EngineRecord, isNoOp } from '../../local/dynamodb/stream.ts'
import type { ChannelEvent, Task } from '../../protocol/messages.ts'
import { type TaskState, inOrder } from './task-state.ts'

/** Tables by the names that they have in the engine. */
export interface TableNames {
  readonly tasks: string
  readonly channelLog: string
  readonly connections: string
}

/** One entry of a channel's log, as it was when it was seen last. */
export interface Entry {
  readonly events: readonly ChannelEvent[]
  /** Events that were to stand here are lost; whoever has not got past it is to start afresh. */
  readonly isGap?: boolean
  /** Epoch seconds. */
  readonly expiresAt: number
}

export interface Commit {
  readonly id: string
  readonly version: number
  readonly isDelete: boolean
}

/** An item of the Connections table. */
export interface ConnectionItem {
  readonly pk: string
  readonly sk: string
  readonly expiresAt: number
}

type Item = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/**
 * What is true, whoever was told of it: read from the engine itself, past the gateway, the functions and the faults.
 */
export class Ledger {
  readonly #engine: Engine
  readonly #names: TableNames
  #iterator: string | undefined
  /** Every change of a task that was ever written, in the order of the table's stream. */
  readonly commits: Commit[] = []
  /** Every entry that was ever seen, by channel and offset; those that have expired stay. */
  readonly log = new Map<string, Map<number, Entry>>()

  constructor(engine: Engine, names: TableNames) {
    this.#engine = engine
    this.#names = names
  }

  /** Takes in what has been written since the last time. */
  async read(): Promise<void> {
    await Promise.all([this.#readCommits(), this.#readLog()])
  }

  async tasks(): Promise<TaskState[]> {
    const items = await this.#scan(this.#names.tasks)
    return inOrder(items.map((item) => plain(item) as unknown as Task))
  }

  async connections(): Promise<ConnectionItem[]> {
    const items = await this.#scan(this.#names.connections)
    return items.map((item) => plain(item) as unknown as ConnectionItem)
  }

  /** Differs once anything has been written. */
  get mark(): string {
    return [this.commits.length, ...[...this.log].map(([channel, { size }]) => `${channel} ${size}`)].join()
  }

  /** Where a follower of each channel has to stand: at the last thing that is to be told, or after it. */
  get lastNews(): Record<string, number> {
    const ofTasks = this.commits.map(({ id, version, isDelete }) => [`tasks/${id}`, isDelete ? 0 : version])
    const ofLogs = [...this.log].map(([channel, entries]) => [channel, lastNews(entries)])
    return Object.fromEntries([...ofTasks, ...ofLogs]) as Record<string, number>
  }

  /**
   * Leaves subscriptions to a channel that are over and not gone yet, more than fit the page of a query and all of them
   * before the others: what leases leave behind while TTL takes its time.
   */
  async crowd(channel: string, nowMs: number): Promise<void> {
    const items = Array.from({ length: CROWD }, (_, i) => ({
      pk: { S: `S#${channel}#0` },
      sk: { S: `${CROWD_PREFIX}${String(i).padStart(4, '0')}` },
      expiresAt: { N: String(Math.floor(nowMs / 1000) - 1) },
    }))
    for (let i = 0; i < items.length; i += BATCH_SIZE) {
      const requests = items.slice(i, i + BATCH_SIZE).map((Item) => ({ PutRequest: { Item } }))
      await this.#call('BatchWriteItem', { RequestItems: { [this.#names.connections]: requests } })
    }
  }

  async #readCommits(): Promise<void> {
    this.#iterator ??= await this.#firstIterator()
    for (;;) {
      const answer = await this.#call('GetRecords', { ShardIterator: this.#iterator, Limit: 1000 })
      const records = (answer['Records'] ?? []) as EngineRecord[]
      for (const record of records) if (!isNoOp(record)) this.commits.push(commitOf(record))
      const next = answer['NextShardIterator']
      if (typeof next === 'string') this.#iterator = next
      if (records.length === 0) return
    }
  }

  async #firstIterator(): Promise<string> {
    const { Table } = await this.#call('DescribeTable', { TableName: this.#names.tasks })
    const StreamArn = (Table as { LatestStreamArn: string }).LatestStreamArn
    const { StreamDescription } = await this.#call('DescribeStream', { StreamArn })
    const { Shards } = StreamDescription as { Shards: readonly { ShardId: string }[] }
    const [shard] = Shards
    if (!shard || Shards.length > 1) throw new Error(`the stream has ${Shards.length} shards; expected one`)
    const { ShardId } = shard
    const from = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }
    return (await this.#call('GetShardIterator', from))['ShardIterator'] as string
  }

  async #readLog(): Promise<void> {
    for (const item of await this.#scan(this.#names.channelLog)) {
      const { channel, offset, ...entry } = plain(item) as unknown as Entry & {
        channel: string
        offset: number
      }
      if (channel.includes('#')) continue // a key, not an entry
      const entries = this.log.get(channel) ?? new Map<number, Entry>()
      this.log.set(channel, entries.set(offset, entry))
    }
  }

  /** The engine may be killed meanwhile: asked again once it is back. */
  async #call(operation: string, input: object): Promise<Record<string, unknown>> {
    try {
      return await this.#engine.client.call(operation, input)
    } catch (error) {
      if (error instanceof EngineError) throw error
      await this.#engine.ready()
      return this.#call(operation, input)
    }
  }

  async #scan(TableName: string): Promise<Item[]> {
    const items: Item[] = []
    let ExclusiveStartKey: unknown
    do {
      const page = await this.#call('Scan', {
        TableName,
        ConsistentRead: true,
        ...(ExclusiveStartKey === undefined ? {} : { ExclusiveStartKey }),
      })
      items.push(...(page['Items'] as Item[]))
      ExclusiveStartKey = page['LastEvaluatedKey']
    } while (ExclusiveStartKey !== undefined)
    return items
  }
}

/** A query of subscribers asks for a thousand; TTL may be at some of these already. */
const CROWD = 1_500
/** Sorts before every connection id. */
export const CROWD_PREFIX = '!'
const BATCH_SIZE = 25

/** By which a repetition is known. */
export const identityOf = (event: ChannelEvent) =>
  'version' in event ? `${event.id} ${event.version}` : event.id

/** The last offset with an event that was not there before, or with a gap. */
function lastNews(entries: ReadonlyMap<number, Entry>): number {
  const seen = new Set<string>()
  let last = 0
  for (const [offset, { events, isGap }] of [...entries].sort(([a], [b]) => a - b)) {
    if (isGap) last = offset
    for (const identity of events.map(identityOf)) {
      if (seen.has(identity)) continue
      seen.add(identity)
      last = offset
    }
  }
  return last
}

function commitOf({ eventName, dynamodb: { NewImage, OldImage } }: EngineRecord): Commit {
  const isDelete = eventName === 'REMOVE'
  const { id, version } = plain((isDelete ? OldImage : NewImage) as Item) as { id: string; version: number }
  return { id, version: isDelete ? version + 1 : version, isDelete }
}

/** An item of the wire as plain values. */
function plain(item: Item): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plainValue(value)]))
}

function plainValue(value: Readonly<Record<string, unknown>>): unknown {
  const [[type, given] = ['NULL', true]] = Object.entries(value)
  switch (type) {
    case 'N':
      return Number(given)
    case 'L':
      return (given as Readonly<Record<string, unknown>>[]).map(plainValue)
    case 'M':
      return plain(given as Item)
    case 'NULL':
      return null
    default:
      return given
  }
}
