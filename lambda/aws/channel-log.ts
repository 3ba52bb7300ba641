import { type DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import {
  type Channel,
  type EpochMillis,
  type Offset,
  epochSeconds,
  later,
  offset,
} from '../../protocol/ids.ts'
import type { ChannelEvent } from '../../protocol/messages.ts'
import type { ChannelLog } from '../core/ports.ts'
import { conditionally } from './conditional.ts'

/** `{channel:"tasks", offset:42, events:[…], expiresAt:1795429006}` */
export interface ChannelLogOptions {
  readonly table: string
  /** How long an entry is kept, in milliseconds. */
  readonly retentionMs: number
}

/** Attempts at a place that others keep taking. */
const MAX_ATTEMPTS = 50

/**
 * The log in DynamoDB. An instance remembers the newest offset it has seen of each channel, for half the retention: a
 * log can only have expired and begun anew after the entry remembered has expired.
 */
export function channelLog(
  client: DynamoDBDocumentClient,
  { table, retentionMs }: ChannelLogOptions,
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

  async function readNewest(channel: Channel): Promise<Offset | undefined> {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: '#channel = :channel',
        ProjectionExpression: '#offset',
        ExpressionAttributeNames: { '#channel': 'channel', '#offset': 'offset' },
        ExpressionAttributeValues: { ':channel': channel },
        ScanIndexForward: false,
        Limit: 1,
        ConsistentRead: true,
      }),
    )
    return Items[0] && offset(Number(Items[0]['offset']))
  }

  const put = (channel: Channel, at: Offset, events: readonly ChannelEvent[], now: EpochMillis) =>
    conditionally(
      client.send(
        new PutCommand({
          TableName: table,
          Item: { channel, offset: at, events, expiresAt: epochSeconds(later(now, retentionMs)) },
          ConditionExpression: 'attribute_not_exists(#offset)',
          ExpressionAttributeNames: { '#offset': 'offset' },
        }),
      ),
    )

  return {
    async append(channel, events, now) {
      let newest = remembered(channel, now)
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        newest ??= await readNewest(channel)
        const at = newest === undefined ? offset(now) : offset(newest + 1)
        if ((await put(channel, at, events, now)) !== 'conflict') return remember(channel, at, now)
        newest = undefined
      }
      throw new Error(`no place in the log of "${channel}" after ${MAX_ATTEMPTS} attempts`)
    },

    async newest(channel, now) {
      for (;;) {
        const newest = await readNewest(channel)
        if (newest !== undefined) return remember(channel, newest, now)
        if ((await put(channel, offset(now), [], now)) !== 'conflict')
          return remember(channel, offset(now), now)
      }
    },
  }
}
