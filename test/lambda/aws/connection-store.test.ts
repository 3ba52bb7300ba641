import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  BatchWriteCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import { mockClient } from 'aws-sdk-client-mock'
import { beforeEach, describe, expect, it } from 'vitest'
import { connectionStore } from '../../../lambda/aws/connection-store.ts'
import { MAX_CHANNELS_PER_CONNECTION, TASKS } from '../../../protocol/channel.ts'
import {
  type Channel,
  connectionId,
  epochMillis,
  epochSeconds,
  later,
  userId,
} from '../../../protocol/ids.ts'

const ID = connectionId('TXzPWdnOjoECGjA=')
const USER = userId('guest-PWdnOj')
const LOBBY = 'chat/lobby' as Channel
const NOW = epochMillis(1795425102789)
const EXPIRES_AT = epochSeconds(later(NOW, 3 * 3600 * 1000))
const TableName = 'Connections'
const Key = { pk: `C#${ID}`, sk: '.' }
const ITEM = { ...Key, user: USER, connectedAt: NOW, firstChannel: TASKS, expiresAt: EXPIRES_AT }

const conflict = () =>
  new ConditionalCheckFailedException({ message: 'The conditional request failed', $metadata: {} })
const deletion = (sk: string, pk: string) => ({ DeleteRequest: { Key: { pk, sk } } })
const batch = (...requests: object[]) => ({ RequestItems: { [TableName]: requests } })

async function gather<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const page of pages) all.push(page)
  return all
}

describe('connectionStore', () => {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }))
  const db = mockClient(client)
  const store = connectionStore(client, { table: TableName, shards: 1 })
  const calls = () =>
    db.calls().map(({ args: [command] }) => [command.constructor.name, command.input as unknown])
  beforeEach(() => {
    db.reset()
    db.on(PutCommand).resolves({}).on(UpdateCommand).resolves({}).on(DeleteCommand).resolves({})
    db.on(BatchWriteCommand).resolves({})
  })

  describe('add', () => {
    const connection = { id: ID, user: USER, connectedAt: NOW, firstChannel: TASKS }
    const until = (channel: Channel) => ({ channel, expiresAt: EXPIRES_AT })

    it('records the connection, then its subscriptions', async () => {
      await store.add(connection, [until(TASKS), until(LOBBY)], EXPIRES_AT)
      const subscriptions = new Set(['tasks#0', 'chat/lobby#0'])
      expect(calls()).toEqual([
        ['PutCommand', { TableName, Item: { ...ITEM, subscriptions } }],
        [
          'BatchWriteCommand',
          batch(
            { PutRequest: { Item: { pk: 'S#tasks#0', sk: ID, expiresAt: EXPIRES_AT } } },
            { PutRequest: { Item: { pk: 'S#chat/lobby#0', sk: ID, expiresAt: EXPIRES_AT } } },
          ),
        ],
      ])
    })

    it('gives each subscription its own end', async () => {
      const soon = epochSeconds(later(NOW, 900_000))
      await store.add(connection, [until(TASKS), { channel: LOBBY, expiresAt: soon }], EXPIRES_AT)
      const items = db.commandCalls(BatchWriteCommand)[0]?.args[0].input.RequestItems?.[TableName]
      expect(items?.map(({ PutRequest }) => PutRequest?.Item?.['expiresAt'] as number)).toEqual([
        EXPIRES_AT,
        soon,
      ])
    })

    it('writes no empty set', async () => {
      await store.add(connection, [], EXPIRES_AT)
      expect(calls()).toEqual([['PutCommand', { TableName, Item: ITEM }]])
    })

    it('writes again what was left unprocessed', async () => {
      const left = { PutRequest: { Item: { pk: 'S#chat/lobby#0', sk: ID, expiresAt: EXPIRES_AT } } }
      db.on(BatchWriteCommand)
        .resolvesOnce({ UnprocessedItems: { [TableName]: [left] } })
        .resolves({ UnprocessedItems: {} })
      await store.add(connection, [until(TASKS), until(LOBBY)], EXPIRES_AT)
      const batches = db.commandCalls(BatchWriteCommand)
      expect(batches).toHaveLength(2)
      expect(batches[1]?.args[0].input).toEqual(batch(left))
    })

    it('gives up when it is left unprocessed eight times', async () => {
      const left = { PutRequest: { Item: { pk: 'S#tasks#0', sk: ID } } }
      db.on(BatchWriteCommand).resolves({ UnprocessedItems: { [TableName]: [left] } })
      await expect(store.add(connection, [until(TASKS)], EXPIRES_AT)).rejects.toThrow(
        '1 subscription writes were left unprocessed after 8 attempts',
      )
      expect(db.commandCalls(BatchWriteCommand)).toHaveLength(8)
    })
  })

  describe('find', () => {
    it('reads consistently', async () => {
      db.on(GetCommand).resolves({ Item: ITEM })
      expect(await store.find(ID, NOW)).toEqual({
        id: ID,
        user: USER,
        connectedAt: NOW,
        firstChannel: TASKS,
      })
      expect(calls()).toEqual([['GetCommand', { TableName, Key, ConsistentRead: true }]])
    })

    it.each([
      ['is not there', undefined],
      ['should have expired', { ...ITEM, expiresAt: epochSeconds(NOW) }],
    ])('finds nothing when the item %s', async (_, Item) => {
      db.on(GetCommand).resolves({ Item })
      expect(await store.find(ID, NOW)).toBeUndefined()
    })
  })

  describe('subscribe', () => {
    it('lists the subscription where there is room for it, then writes it', async () => {
      expect(await store.subscribe(ID, TASKS, EXPIRES_AT)).toBe('subscribed')
      expect(calls()).toEqual([
        [
          'UpdateCommand',
          {
            TableName,
            Key,
            UpdateExpression:
              'ADD subscriptions :added SET firstChannel = if_not_exists(firstChannel, :channel)',
            ConditionExpression:
              'attribute_exists(pk) AND (attribute_not_exists(subscriptions) OR ' +
              'size(subscriptions) < :most OR contains(subscriptions, :subscription))',
            ExpressionAttributeValues: {
              ':added': new Set(['tasks#0']),
              ':channel': TASKS,
              ':most': MAX_CHANNELS_PER_CONNECTION,
              ':subscription': 'tasks#0',
            },
          },
        ],
        ['PutCommand', { TableName, Item: { pk: 'S#tasks#0', sk: ID, expiresAt: EXPIRES_AT } }],
      ])
    })

    it.each([
      ['unknown-connection', undefined],
      ['too-many-channels', ITEM],
    ])('answers %s when the condition does not hold', async (outcome, Item) => {
      db.on(UpdateCommand).rejects(conflict())
      db.on(GetCommand).resolves({ Item })
      expect(await store.subscribe(ID, TASKS, EXPIRES_AT)).toBe(outcome)
      expect(db.commandCalls(PutCommand)).toEqual([])
    })
  })

  describe('unsubscribe', () => {
    it('removes the channel from every shard it was ever in, and the first channel with it', async () => {
      const subscriptions = new Set(['tasks#0', 'tasks#3', 'chat/lobby#0'])
      db.on(GetCommand).resolves({ Item: { ...ITEM, subscriptions } })
      await store.unsubscribe(ID, TASKS)
      expect(calls().slice(1)).toEqual([
        ['BatchWriteCommand', batch(deletion(ID, 'S#tasks#0'), deletion(ID, 'S#tasks#3'))],
        [
          'UpdateCommand',
          {
            TableName,
            Key,
            UpdateExpression: 'DELETE subscriptions :removed',
            ConditionExpression: 'attribute_exists(pk)',
            ExpressionAttributeValues: { ':removed': new Set(['tasks#0', 'tasks#3']) },
          },
        ],
        [
          'UpdateCommand',
          {
            TableName,
            Key,
            UpdateExpression: 'REMOVE firstChannel',
            ConditionExpression: 'firstChannel = :channel',
            ExpressionAttributeValues: { ':channel': TASKS },
          },
        ],
      ])
    })

    it('writes nothing when there was no subscription', async () => {
      db.on(GetCommand).resolves({ Item: { ...ITEM, subscriptions: new Set(['chat/lobby#0']) } })
      await store.unsubscribe(ID, TASKS)
      expect(calls()).toEqual([['GetCommand', { TableName, Key, ConsistentRead: true }]])
    })
  })

  describe('remove', () => {
    it('removes the connection and what it listed, with no read before', async () => {
      db.on(DeleteCommand).resolves({ Attributes: { ...ITEM, subscriptions: new Set(['tasks#0']) } })
      expect(await store.remove(ID)).toBe('removed')
      expect(calls()).toEqual([
        ['DeleteCommand', { TableName, Key, ReturnValues: 'ALL_OLD' }],
        ['BatchWriteCommand', batch(deletion(ID, 'S#tasks#0'))],
      ])
    })

    it('is fine when the connection is not there', async () => {
      expect(await store.remove(ID)).toBe('removed')
      expect(calls()).toHaveLength(1)
    })

    it('leaves a young connection alone', async () => {
      db.on(DeleteCommand).rejects(conflict())
      expect(await store.remove(ID, NOW)).toBe('young')
      const condition = {
        ConditionExpression: 'attribute_not_exists(pk) OR connectedAt < :before',
        ExpressionAttributeValues: { ':before': NOW },
      }
      expect(calls()).toEqual([['DeleteCommand', { TableName, Key, ReturnValues: 'ALL_OLD', ...condition }]])
    })
  })

  it('removes one subscription', async () => {
    await store.removeSubscription(ID, TASKS)
    expect(calls()).toEqual([['DeleteCommand', { TableName, Key: { pk: 'S#tasks#0', sk: ID } }]])
  })

  it('follows the pages of each shard of a channel', async () => {
    const LastEvaluatedKey = { pk: 'S#tasks#0', sk: 'a' }
    db.on(QueryCommand)
      .resolvesOnce({ Items: [{ sk: 'a' }], LastEvaluatedKey })
      .resolvesOnce({ Items: [{ sk: 'b' }] })
      .resolves({ Items: [{ sk: 'c' }] })
    const sharded = connectionStore(client, { table: TableName, shards: 2 })
    expect(await gather(sharded.subscribers(TASKS, NOW))).toEqual([['a'], ['b'], ['c']])
    const query = (shard: number) => ({
      TableName,
      KeyConditionExpression: 'pk = :pk',
      FilterExpression: 'expiresAt > :now',
      ProjectionExpression: 'sk',
      ExpressionAttributeValues: { ':pk': `S#tasks#${shard}`, ':now': 1795425102 },
      Limit: 1000,
      ConsistentRead: true,
    })
    expect(calls()).toEqual([
      ['QueryCommand', query(0)],
      ['QueryCommand', { ...query(0), ExclusiveStartKey: LastEvaluatedKey }],
      ['QueryCommand', query(1)],
    ])
  })

  it('follows the pages of all connections', async () => {
    db.on(ScanCommand)
      .resolvesOnce({ Items: [], LastEvaluatedKey: Key })
      .resolves({ Items: [ITEM] })
    const connection = { id: ID, user: USER, connectedAt: NOW, firstChannel: TASKS }
    expect(await gather(store.all())).toEqual([[], [connection]])
    const scan = {
      TableName,
      FilterExpression: 'sk = :connection',
      ExpressionAttributeValues: { ':connection': '.' },
      Limit: 1000,
    }
    expect(calls()).toEqual([
      ['ScanCommand', scan],
      ['ScanCommand', { ...scan, ExclusiveStartKey: Key }],
    ])
  })
})
