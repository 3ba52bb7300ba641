import {
  BatchWriteCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import { MAX_CHANNELS_PER_CONNECTION } from '../../protocol/channel.ts'
import {
  type Channel,
  type ConnectionId,
  type EpochMillis,
  type EpochSeconds,
  connectionId,
  epochSeconds,
} from '../../protocol/ids.ts'
import type { Connection, ConnectionStore } from '../core/ports.ts'
import { conditionally } from './conditional.ts'

/**
 * A connection: `{pk:"C#TXzPWdnOjoECGjA=", sk:".", user, connectedAt, firstChannel?, subscriptions?: Set("tasks#0"), expiresAt}`.
 * A subscription: `{pk:"S#tasks#0", sk:"TXzPWdnOjoECGjA=", expiresAt}`: nothing more, so that a page of 1 MB carries many.
 */
interface ConnectionItem {
  readonly pk: string
  readonly sk: '.'
  readonly user: Connection['user']
  readonly connectedAt: EpochMillis
  readonly firstChannel?: Channel
  readonly subscriptions?: Set<string>
  readonly expiresAt: EpochSeconds
}

const CONNECTION_PREFIX = 'C#'
const CONNECTION_SORT_KEY = '.'
const connectionKey = (id: ConnectionId) => ({ pk: CONNECTION_PREFIX + id, sk: CONNECTION_SORT_KEY })
const subscriptionKey = (channelShard: string, id: ConnectionId) => ({ pk: `S#${channelShard}`, sk: id })

/** What BatchWriteItem takes. */
const BATCH_SIZE = 25
/** Ids of a page: a 1 MB page holds more, but the local engine stands still while it reads one. */
const PAGE_SIZE = 1000

export interface ConnectionStoreOptions {
  readonly table: string
  /** May grow at any time, must never shrink: a connection's own list says where its subscriptions are. */
  readonly shards: number
}

/** Connections in DynamoDB. Throttling and the like is retried by the SDK, then thrown. */
export function connectionStore(
  client: DynamoDBDocumentClient,
  { table, shards }: ConnectionStoreOptions,
): ConnectionStore {
  const TableName = table

  async function writeAll(requests: readonly Request[]): Promise<void> {
    for (let i = 0; i < requests.length; i += BATCH_SIZE) {
      let pending: readonly Request[] | undefined = requests.slice(i, i + BATCH_SIZE)
      for (let attempt = 0; pending && pending.length > 0; attempt++) {
        if (attempt === MAX_BATCH_ATTEMPTS)
          throw new Error(
            `${pending.length} subscription writes were left unprocessed after ${attempt} attempts`,
          )
        const answer = await client.send(
          new BatchWriteCommand({ RequestItems: { [TableName]: [...pending] } }),
        )
        pending = answer.UnprocessedItems?.[TableName] as Request[] | undefined
      }
    }
  }

  return {
    async add(connection, subscriptions, expiresAt) {
      const { id, ...rest } = connection
      const keyed = subscriptions.map(({ channel, expiresAt: until }) => ({
        key: channelShard(channel, id, shards),
        until,
      }))
      await client.send(
        new PutCommand({
          TableName,
          Item: {
            ...connectionKey(id),
            ...rest,
            expiresAt,
            ...(keyed.length > 0 ? { subscriptions: new Set(keyed.map(({ key }) => key)) } : {}),
          },
        }),
      )
      await writeAll(
        keyed.map(({ key, until }) => ({
          PutRequest: { Item: { ...subscriptionKey(key, id), expiresAt: until } },
        })),
      )
    },

    async find(id, now) {
      const { Item } = await client.send(
        new GetCommand({ TableName, Key: connectionKey(id), ConsistentRead: true }),
      )
      const item = Item as ConnectionItem | undefined
      return item && item.expiresAt > epochSeconds(now) ? toConnection(item) : undefined
    },

    async subscribe(id, channel, expiresAt) {
      const subscription = channelShard(channel, id, shards)
      const recorded = 'attribute_exists(pk)'
      const hasRoom = 'attribute_not_exists(subscriptions) OR size(subscriptions) < :most'
      const hasAlready = 'contains(subscriptions, :subscription)'
      const updated = await conditionally(
        client.send(
          new UpdateCommand({
            TableName,
            Key: connectionKey(id),
            UpdateExpression:
              'ADD subscriptions :added SET firstChannel = if_not_exists(firstChannel, :channel)',
            ConditionExpression: `${recorded} AND (${hasRoom} OR ${hasAlready})`,
            ExpressionAttributeValues: {
              ':added': new Set([subscription]),
              ':channel': channel,
              ':most': MAX_CHANNELS_PER_CONNECTION,
              ':subscription': subscription,
            },
          }),
        ),
      )
      if (updated === 'conflict') {
        const { Item } = await client.send(
          new GetCommand({ TableName, Key: connectionKey(id), ConsistentRead: true }),
        )
        return Item === undefined ? 'unknown-connection' : 'too-many-channels'
      }
      await client.send(
        new PutCommand({ TableName, Item: { ...subscriptionKey(subscription, id), expiresAt } }),
      )
      return 'subscribed'
    },

    async unsubscribe(id, channel) {
      const { Item } = await client.send(
        new GetCommand({ TableName, Key: connectionKey(id), ConsistentRead: true }),
      )
      const item = Item as ConnectionItem | undefined
      // More than one where the number of shards has grown since the first.
      const subscriptions = [...(item?.subscriptions ?? [])].filter((s) => channelOf(s) === channel)
      if (subscriptions.length === 0) return
      await writeAll(subscriptions.map((s) => ({ DeleteRequest: { Key: subscriptionKey(s, id) } })))
      await conditionally(
        client.send(
          new UpdateCommand({
            TableName,
            Key: connectionKey(id),
            UpdateExpression: 'DELETE subscriptions :removed',
            ConditionExpression: 'attribute_exists(pk)',
            ExpressionAttributeValues: { ':removed': new Set(subscriptions) },
          }),
        ),
      )
      if (item?.firstChannel !== channel) return
      await conditionally(
        client.send(
          new UpdateCommand({
            TableName,
            Key: connectionKey(id),
            UpdateExpression: 'REMOVE firstChannel',
            ConditionExpression: 'firstChannel = :channel',
            ExpressionAttributeValues: { ':channel': channel },
          }),
        ),
      )
    },

    async remove(id, connectedBefore) {
      const isGrown = 'attribute_not_exists(pk) OR connectedAt < :before'
      const removed = await conditionally(
        client.send(
          new DeleteCommand({
            TableName,
            Key: connectionKey(id),
            ReturnValues: 'ALL_OLD',
            ...(connectedBefore === undefined
              ? {}
              : { ConditionExpression: isGrown, ExpressionAttributeValues: { ':before': connectedBefore } }),
          }),
        ),
      )
      if (removed === 'conflict') return 'young'
      const item = removed.Attributes as ConnectionItem | undefined
      await writeAll(
        [...(item?.subscriptions ?? [])].map((s) => ({ DeleteRequest: { Key: subscriptionKey(s, id) } })),
      )
      return 'removed'
    },

    async removeSubscription(id, channel) {
      const Key = subscriptionKey(channelShard(channel, id, shards), id)
      await client.send(new DeleteCommand({ TableName, Key }))
    },

    async *subscribers(channel, now) {
      for (let shard = 0; shard < shards; shard++) {
        let start: Record<string, unknown> | undefined
        do {
          const page = await client.send(
            new QueryCommand({
              TableName,
              KeyConditionExpression: 'pk = :pk',
              FilterExpression: 'expiresAt > :now',
              ProjectionExpression: 'sk',
              ExpressionAttributeValues: { ':pk': `S#${channel}#${shard}`, ':now': epochSeconds(now) },
              Limit: PAGE_SIZE,
              ConsistentRead: true,
              ...(start ? { ExclusiveStartKey: start } : {}),
            }),
          )
          yield (page.Items ?? []).map((item) => connectionId(String(item['sk'])))
          start = page.LastEvaluatedKey
        } while (start)
      }
    },

    async *all() {
      let start: Record<string, unknown> | undefined
      do {
        const page = await client.send(
          new ScanCommand({
            TableName,
            FilterExpression: 'sk = :connection',
            ExpressionAttributeValues: { ':connection': CONNECTION_SORT_KEY },
            Limit: PAGE_SIZE,
            ...(start ? { ExclusiveStartKey: start } : {}),
          }),
        )
        yield (page.Items ?? []).map((item) => toConnection(item as ConnectionItem))
        start = page.LastEvaluatedKey
      } while (start)
    },
  }
}

const MAX_BATCH_ATTEMPTS = 8

type Request =
  | { readonly PutRequest: { readonly Item: Record<string, unknown> } }
  | { readonly DeleteRequest: { readonly Key: Record<string, unknown> } }

function toConnection({ pk, user, connectedAt, firstChannel }: ConnectionItem): Connection {
  const id = connectionId(pk.slice(CONNECTION_PREFIX.length))
  return { id, user, connectedAt, ...(firstChannel === undefined ? {} : { firstChannel }) }
}

const channelOf = (channelShard: string) => channelShard.slice(0, channelShard.lastIndexOf('#'))

/** `tasks#0`: the channel and the shard that a hash of the connection id names. */
function channelShard(channel: Channel, id: ConnectionId, shards: number): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  return `${channel}#${(hash >>> 0) % shards}`
}
