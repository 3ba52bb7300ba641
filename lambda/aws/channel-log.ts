import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb'
import {
  type Channel,
  type EpochMillis,
  type Offset,
  epochSeconds,
  later,
  offset,
} from '../../protocol/ids.ts'
import type { ChannelEvent } from '../../protocol/messages.ts'
import type { ChannelLog, Clock, LogEntry, LogRange, Random } from '../core/ports.ts'
import { conditionally, inTransaction } from './conditional.ts'

/**
 * An entry: `{channel:"tasks", offset:42, events:[…], expiresAt:1795429006}`; a gap: `{…, events:[], isGap:true}`.
 * A key, which is where an entry made once is found again: `{channel:"chat/lobby#m-1", offset:0, at:42, expiresAt:1795429006}`;
 * no channel's name has a `#`. The key without a name is that of the log's beginning.
 */
export interface ChannelLogOptions {
  readonly table: string
  /** How long an entry is kept, in milliseconds. */
  readonly retentionMs: number
  readonly clock: Pick<Clock, 'sleep'>
  readonly random: Random
}

/** Entries of one answer, which end at 1 MB too, a page of the table; a client that missed more starts afresh. */
export const MAX_ENTRIES_SINCE = 1000

/** Attempts at a place that others keep taking. */
const MAX_ATTEMPTS = 50
/** By how much the longest wait before an attempt grows with each: those who publish at once spread out, and are through in seconds. */
const CONTENTION_STEP_MS = 10

/**
 * The log in DynamoDB. An instance remembers the newest offset it has seen of each channel, for half the retention: a
 * log can only have expired and begun anew after the entry remembered has expired.
 */
export function channelLog(
  client: DynamoDBDocumentClient,
  { table, retentionMs, clock, random }: ChannelLogOptions,
): ChannelLog {
  const known = new Map<Channel, { offset: Offset; until: EpochMillis }>()
  const remember = (channel: Channel, at: Offset, now: EpochMillis) => {
    known.set(channel, { offset: at, until: later(now, retentionMs / 2) })
    return at
  }
  const remembered = (channel: Channel, now: EpochMillis) => {
    const entry = known.get(channel)
    return entry && entry.until > now ? entry.offset : undefined
  }

  /** The newest entry, and whether it is about to expire or has: TTL may take it at any moment, and the log with it. */
  async function readNewest(channel: Channel, now: EpochMillis) {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: '#channel = :channel',
        ProjectionExpression: '#offset, expiresAt',
        ExpressionAttributeNames: { '#channel': 'channel', '#offset': 'offset' },
        ExpressionAttributeValues: { ':channel': channel },
        ScanIndexForward: false,
        Limit: 1,
        ConsistentRead: true,
      }),
    )
    const [item] = Items as Pick<LogItem, 'offset' | 'expiresAt'>[]
    if (!item) return undefined
    return {
      offset: offset(item.offset),
      isOver: item.expiresAt <= epochSeconds(later(now, retentionMs / 8)),
    }
  }

  const entry = (channel: Channel, at: Offset, content: Content, now: EpochMillis) => ({
    TableName: table,
    Item: { channel, offset: at, ...content, expiresAt: epochSeconds(later(now, retentionMs)) },
    ConditionExpression: IS_FREE,
    ExpressionAttributeNames: { '#offset': 'offset' },
  })

  const keyItem = (key: Key, at: Offset, now: EpochMillis, keptMs = retentionMs) => ({
    TableName: table,
    Item: { ...key, at, expiresAt: epochSeconds(later(now, keptMs)) },
    // A key that TTL has not taken yet but that is over is free again.
    ConditionExpression: `${IS_FREE} OR expiresAt <= :now`,
    ExpressionAttributeNames: { '#offset': 'offset' },
    ExpressionAttributeValues: { ':now': epochSeconds(now) },
  })

  const put = (channel: Channel, at: Offset, content: Content, now: EpochMillis) =>
    conditionally(client.send(new PutCommand(entry(channel, at, content, now))))

  /**
   * Begins a log with an entry of no events, where it is empty or over. The key lets one do so at a time: two that begin
   * it at two moments would take no place from one another, and the log would have two ends. The key is over long before
   * that entry is, so that it is in nobody's way when the log has expired.
   * @returns undefined when somebody else has
   */
  async function begin(channel: Channel, before: Offset, now: EpochMillis): Promise<Offset | undefined> {
    const at = offset(Math.max(now, before + 1))
    const key = { channel: `${channel}#`, offset: 0 }
    const TransactItems = [
      { Put: keyItem(key, at, now, retentionMs / 2) },
      { Put: entry(channel, at, { events: [] }, now) },
    ]
    const outcome = await inTransaction(client.send(new TransactWriteCommand({ TransactItems })))
    return outcome === 'written' ? at : undefined
  }

  /** @throws when the log can be neither read nor begun after many conflicts */
  async function newestOf(channel: Channel, now: EpochMillis): Promise<Offset> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (attempt > 0) await clock.sleep(random() * attempt * CONTENTION_STEP_MS)
      const newest = await readNewest(channel, now)
      // Whoever appended to a log that is over might do so after somebody else has begun it anew.
      const isOpen = newest && !newest.isOver
      const at = isOpen ? newest.offset : await begin(channel, newest?.offset ?? offset(0), now)
      if (at !== undefined) return remember(channel, at, now)
    }
    throw new Error(`the log of "${channel}" can't be begun after ${MAX_ATTEMPTS} attempts`)
  }

  /**
   * Places an entry after the newest, trying again where somebody else takes the place.
   * @param write gives the entry that it wrote there, or the one that was there before and makes it needless
   */
  async function place(
    channel: Channel,
    now: EpochMillis,
    write: (at: Offset) => Promise<LogEntry | 'taken'>,
  ): Promise<LogEntry> {
    let newest: Offset | undefined = remembered(channel, now)
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (attempt > 0) await clock.sleep(random() * attempt * CONTENTION_STEP_MS)
      newest ??= await newestOf(channel, now)
      const at = offset(newest + 1)
      const entry = await write(at)
      if (entry !== 'taken') {
        if (entry.offset === at) remember(channel, at, now)
        return entry
      }
      newest = undefined
    }
    throw new Error(`no place in the log of "${channel}" after ${MAX_ATTEMPTS} attempts`)
  }

  async function append(channel: Channel, content: Content, now: EpochMillis): Promise<Offset> {
    const placed = await place(channel, now, async (at) =>
      (await put(channel, at, content, now)) === 'conflict'
        ? 'taken'
        : { offset: at, events: content.events },
    )
    return placed.offset
  }

  async function readEntry(channel: Channel, at: Offset): Promise<LogEntry | undefined> {
    const { Item } = await client.send(
      new GetCommand({ TableName: table, Key: { channel, offset: at }, ConsistentRead: true }),
    )
    return Item && { offset: at, events: Item['events'] as ChannelEvent[] }
  }

  /**
   * Entries from an offset on: where its own is the last, nothing came after it, and no second look can say otherwise.
   * @returns whether that is all; what a page leaves out is more than one answer should hold
   */
  async function readFrom(channel: Channel, from: Offset) {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: '#channel = :channel AND #offset >= :from',
        ExpressionAttributeNames: { '#channel': 'channel', '#offset': 'offset' },
        ExpressionAttributeValues: { ':channel': channel, ':from': from },
        ConsistentRead: true,
        Limit: MAX_ENTRIES_SINCE + 2,
      }),
    )
    const found = (Items as LogItem[]).map((item) => ({ ...item, offset: offset(item.offset) }))
    return { found, isWholePage: LastEvaluatedKey === undefined }
  }

  /** Where the entry of a key is; undefined when the key is free. */
  async function findKey(key: Key): Promise<Offset | undefined> {
    const { Item } = await client.send(new GetCommand({ TableName: table, Key: key, ConsistentRead: true }))
    return Item && offset(Number(Item['at']))
  }

  return {
    append: (channel, events, now) => append(channel, { events }, now),

    appendGap: (channel, now) => append(channel, { events: [], isGap: true }, now),

    async appendOnce(channel, name, events, now) {
      const key = { channel: `${channel}#${name}`, offset: 0 }
      return place(channel, now, async (at) => {
        const TransactItems = [{ Put: keyItem(key, at, now) }, { Put: entry(channel, at, { events }, now) }]
        const outcome = await inTransaction(client.send(new TransactWriteCommand({ TransactItems })))
        if (outcome === 'written') return { offset: at, events }
        const first = outcome.failed.has(0) ? await findKey(key) : undefined
        if (first === undefined) return 'taken'
        // TTL may have taken the entry before its key; its events are those that came again.
        return (await readEntry(channel, first)) ?? { offset: first, events }
      })
    },

    newest: newestOf,

    async since(channel, after, now): Promise<LogRange> {
      let { found, isWholePage } = await readFrom(channel, after)
      if (found.length === 0) {
        await newestOf(channel, now) // which begins a log that is empty; a look from then on finds its end
        ;({ found, isWholePage } = await readFrom(channel, after))
      }
      const missed = found.filter((item) => item.offset !== after)
      const isDense = missed.every(
        (item, i) => item.offset === after + i + 1 && !item.isGap && item.expiresAt > epochSeconds(now),
      )
      const last = found.at(-1)
      if (last && isDense && isWholePage && missed.length <= MAX_ENTRIES_SINCE)
        return { newest: remember(channel, last.offset, now), entries: missed.map(toEntry) }
      return { newest: await newestOf(channel, now) }
    },
  }
}

const toEntry = ({ offset: at, events }: LogEntry): LogEntry => ({ offset: at, events })

interface Key {
  readonly channel: string
  readonly offset: number
}

/** What an entry holds beside its place. */
interface Content {
  readonly events: readonly ChannelEvent[]
  /** Events that were to stand here are lost. */
  readonly isGap?: true
}

interface LogItem extends Content {
  readonly offset: number
  readonly expiresAt: number
}

const IS_FREE = 'attribute_not_exists(#offset)'
