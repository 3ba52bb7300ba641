import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { mockClient } from 'aws-sdk-client-mock'
import { beforeEach, describe, expect, it } from 'vitest'
import { channelLog } from '../../../lambda/aws/channel-log.ts'
import { TASKS } from '../../../protocol/channel.ts'
import { epochMillis, later } from '../../../protocol/ids.ts'

const NOW = epochMillis(1795425102789)
const RETENTION_MS = 24 * 3600 * 1000
const EXPIRES_AT = 1795425102 + 24 * 3600

const conflict = () =>
  new ConditionalCheckFailedException({ message: 'The conditional request failed', $metadata: {} })

const READ = {
  TableName: 'Log',
  KeyConditionExpression: '#channel = :channel',
  ProjectionExpression: '#offset',
  ExpressionAttributeNames: { '#channel': 'channel', '#offset': 'offset' },
  ExpressionAttributeValues: { ':channel': TASKS },
  ScanIndexForward: false,
  Limit: 1,
  ConsistentRead: true,
}
const put = (offset: number) => ({
  TableName: 'Log',
  Item: { channel: TASKS, offset, events: [], expiresAt: EXPIRES_AT },
  ConditionExpression: 'attribute_not_exists(#offset)',
  ExpressionAttributeNames: { '#offset': 'offset' },
})

describe('channelLog', () => {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }))
  const db = mockClient(client)
  const inputs = () => db.calls().map(({ args: [command] }) => command.input)
  const newLog = () => channelLog(client, { table: 'Log', retentionMs: RETENTION_MS })
  beforeEach(() => void db.reset())

  it('appends after the newest entry', async () => {
    db.on(QueryCommand).resolves({ Items: [{ offset: 41 }] })
    db.on(PutCommand).resolves({})
    expect(await newLog().append(TASKS, [], NOW)).toBe(42)
    expect(inputs()).toEqual([READ, put(42)])
  })

  it('begins an empty log at the time it is', async () => {
    db.on(QueryCommand).resolves({ Items: [] })
    db.on(PutCommand).resolves({})
    expect(await newLog().append(TASKS, [], NOW)).toBe(NOW)
    expect(inputs()).toEqual([READ, put(NOW)])
  })

  it('remembers the newest offset, and reads nothing before the next append', async () => {
    db.on(QueryCommand).resolves({ Items: [{ offset: 41 }] })
    db.on(PutCommand).resolves({})
    const log = newLog()
    await log.append(TASKS, [], NOW)
    expect(await log.append(TASKS, [], NOW)).toBe(43)
    expect(inputs()).toEqual([READ, put(42), put(43)])
  })

  it('reads again after half the retention', async () => {
    db.on(QueryCommand)
      .resolvesOnce({ Items: [{ offset: 41 }] })
      .resolves({ Items: [] })
    db.on(PutCommand).resolves({})
    const log = newLog()
    await log.append(TASKS, [], NOW)
    const then = later(NOW, RETENTION_MS / 2)
    expect(await log.append(TASKS, [], then)).toBe(then)
    expect(db.commandCalls(QueryCommand)).toHaveLength(2)
  })

  it('reads again and takes the next offset when its place is taken', async () => {
    db.on(QueryCommand)
      .resolvesOnce({ Items: [{ offset: 41 }] })
      .resolves({ Items: [{ offset: 44 }] })
    db.on(PutCommand).rejectsOnce(conflict()).resolves({})
    expect(await newLog().append(TASKS, [], NOW)).toBe(45)
    expect(inputs()).toEqual([READ, put(42), READ, put(45)])
  })

  it('gives up after fifty conflicts', async () => {
    db.on(QueryCommand).resolves({ Items: [{ offset: 41 }] })
    db.on(PutCommand).rejects(conflict())
    await expect(newLog().append(TASKS, [], NOW)).rejects.toThrow(
      'no place in the log of "tasks" after 50 attempts',
    )
    expect(db.commandCalls(PutCommand)).toHaveLength(50)
  })

  it('throws every other error on', async () => {
    db.on(QueryCommand).resolves({ Items: [] })
    db.on(PutCommand).rejects(new Error('no such table'))
    await expect(newLog().append(TASKS, [], NOW)).rejects.toThrow('no such table')
  })

  it('reads the newest offset even when it remembers one', async () => {
    db.on(QueryCommand)
      .resolvesOnce({ Items: [{ offset: 41 }] })
      .resolves({ Items: [{ offset: 50 }] })
    db.on(PutCommand).resolves({})
    const log = newLog()
    expect(await log.newest(TASKS, NOW)).toBe(41)
    expect(await log.newest(TASKS, NOW)).toBe(50)
    expect(await log.append(TASKS, [], NOW)).toBe(51)
    expect(inputs()).toEqual([READ, READ, put(51)])
  })

  it('begins an empty log with an entry of no events when asked for the newest', async () => {
    db.on(QueryCommand)
      .resolvesOnce({ Items: [] })
      .resolves({ Items: [{ offset: 7 }] })
    db.on(PutCommand).rejectsOnce(conflict()).resolves({})
    expect(await newLog().newest(TASKS, NOW)).toBe(7)
    expect(inputs()).toEqual([READ, put(NOW), READ])
  })
})
