import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  ScanCommand,
} from '@aws-sdk/lib-dynamodb'
import { mockClient } from 'aws-sdk-client-mock'
import { beforeEach, describe, expect, it } from 'vitest'
import { taskStore } from '../../../lambda/aws/task-store.ts'
import { taskId } from '../../../protocol/ids.ts'

const TableName = 'Tasks'
const ID = taskId('t-4k2m9x7c1qwz')
const AT = '2026-11-23T09:12:06.514Z'
const TASK = { id: ID, title: 'Ship it', done: false, version: 3, createdAt: AT, updatedAt: AT }

const conflict = () =>
  new ConditionalCheckFailedException({ message: 'The conditional request failed', $metadata: {} })
const atVersion = (version: number) => ({
  ConditionExpression: '#version = :version',
  ExpressionAttributeNames: { '#version': 'version' },
  ExpressionAttributeValues: { ':version': version },
})

describe('taskStore', () => {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }))
  const db = mockClient(client)
  const store = taskStore(client, { table: TableName })
  const inputs = () => db.calls().map(({ args: [command] }) => command.input as unknown)
  beforeEach(() => void db.reset())

  it('creates only what is new', async () => {
    db.on(PutCommand).resolves({})
    await store.create(TASK)
    expect(inputs()).toEqual([{ TableName, Item: TASK, ConditionExpression: 'attribute_not_exists(id)' }])
  })

  it('throws when an id is taken', async () => {
    db.on(PutCommand).rejects(conflict())
    await expect(store.create(TASK)).rejects.toThrow('The conditional request failed')
  })

  it.each([[TASK], [undefined]])('finds %j', async (Item) => {
    db.on(GetCommand).resolves({ Item })
    expect(await store.find(ID)).toEqual(Item)
    expect(inputs()).toEqual([{ TableName, Key: { id: ID }, ConsistentRead: true }])
  })

  it('lists a page and says where the next begins', async () => {
    db.on(ScanCommand).resolves({ Items: [TASK], LastEvaluatedKey: { id: ID } })
    expect(await store.list(1)).toEqual({ tasks: [TASK], next: ID })
    expect(inputs()).toEqual([{ TableName, Limit: 1, ConsistentRead: true }])
  })

  it('lists the last page', async () => {
    db.on(ScanCommand).resolves({ Items: [] })
    expect(await store.list(50, ID)).toEqual({ tasks: [] })
    expect(inputs()).toEqual([{ TableName, Limit: 50, ConsistentRead: true, ExclusiveStartKey: { id: ID } }])
  })

  it('replaces the version before', async () => {
    db.on(PutCommand).resolvesOnce({}).rejectsOnce(conflict()).rejects(new Error('no such table'))
    expect(await store.replace(TASK)).toBe('replaced')
    expect(await store.replace(TASK)).toBe('conflict')
    await expect(store.replace(TASK)).rejects.toThrow('no such table')
    expect(inputs()[0]).toEqual({ TableName, Item: TASK, ...atVersion(2) })
  })

  it('removes the version given', async () => {
    db.on(DeleteCommand).resolvesOnce({}).rejectsOnce(conflict()).rejects(new Error('no such table'))
    expect(await store.remove(ID, 3)).toBe('removed')
    expect(await store.remove(ID, 3)).toBe('conflict')
    await expect(store.remove(ID, 3)).rejects.toThrow('no such table')
    expect(inputs()[0]).toEqual({ TableName, Key: { id: ID }, ...atVersion(3) })
  })
})
