import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb'
import {
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb'
import { mockClient } from 'aws-sdk-client-mock'
import { beforeEach, describe, expect, it } from 'vitest'
import { MAX_ENTRIES_SINCE, channelLog } from '../../../lambda/aws/channel-log.ts'
import { TASKS } from '../../../protocol/channel.ts'
import { epochMillis, later, offset } from '../../../protocol/ids.ts'
import { FakeClock, START } from '../../support/fakes.ts'

const NOW = epochMillis(1795425102789)
const RETENTION_MS = 24 * 3600 * 1000
const EXPIRES_AT = 1795425102 + 24 * 3600

const conflict = () =>
  new ConditionalCheckFailedException({ message: 'The conditional request failed', $metadata: {} })

const cancelled = (...codes: string[]) =>
  new TransactionCanceledException({
    message: 'Transaction cancelled',
    CancellationReasons: codes.map((Code) => ({ Code })),
    $metadata: {},
  })

const READ = {
  TableName: 'Log',
  KeyConditionExpression: '#channel = :channel',
  ProjectionExpression: '#offset, expiresAt',
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

/** One beginning at a time, for half the retention. */
const BEGIN = {
  TransactItems: [
    {
      Put: {
        TableName: 'Log',
        Item: { channel: 'tasks#', offset: 0, at: NOW, expiresAt: 1795425102 + 12 * 3600 },
        ConditionExpression: 'attribute_not_exists(#offset) OR expiresAt <= :now',
        ExpressionAttributeNames: { '#offset': 'offset' },
        ExpressionAttributeValues: { ':now': 1795425102 },
      },
    },
    { Put: put(NOW) },
  ],
}

describe('channelLog', () => {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' }))
  const db = mockClient(client)
  const inputs = () => db.calls().map(({ args: [command] }) => command.input)
  let clock: FakeClock
  const newLog = () =>
    channelLog(client, { table: 'Log', retentionMs: RETENTION_MS, clock, random: () => 0.5 })
  beforeEach(() => {
    db.reset()
    clock = new FakeClock()
  })

  it('appends after the newest entry', async () => {
    db.on(QueryCommand).resolves({ Items: [{ offset: 41 }] })
    db.on(PutCommand).resolves({})
    expect(await newLog().append(TASKS, [], NOW)).toBe(42)
    expect(inputs()).toEqual([READ, put(42)])
  })

  it('begins an empty log at the time it is', async () => {
    db.on(QueryCommand).resolves({ Items: [] })
    db.on(TransactWriteCommand).resolves({})
    db.on(PutCommand).resolves({})
    expect(await newLog().append(TASKS, [], NOW)).toBe(NOW + 1)
    expect(inputs()).toEqual([READ, BEGIN, put(NOW + 1)])
  })

  it('begins a log anew that is about to expire, since it may be gone before the append', async () => {
    const soon = 1795425102 + 3600
    db.on(QueryCommand).resolves({ Items: [{ offset: 41, expiresAt: soon }] })
    db.on(TransactWriteCommand).resolves({})
    db.on(PutCommand).resolves({})
    expect(await newLog().append(TASKS, [], NOW)).toBe(NOW + 1)
    expect(inputs()).toEqual([READ, BEGIN, put(NOW + 1)])
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
    db.on(TransactWriteCommand).resolves({})
    db.on(PutCommand).resolves({})
    const log = newLog()
    await log.append(TASKS, [], NOW)
    const then = later(NOW, RETENTION_MS / 2)
    expect(await log.append(TASKS, [], then)).toBe(then + 1)
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

  it('takes the next offset when a transaction has the one it wanted', async () => {
    db.on(QueryCommand)
      .resolvesOnce({ Items: [{ offset: 41 }] })
      .resolves({ Items: [{ offset: 42 }] })
    db.on(PutCommand)
      .rejectsOnce(new TransactionConflictException({ message: 'Transaction is ongoing', $metadata: {} }))
      .resolves({})
    expect(await newLog().append(TASKS, [], NOW)).toBe(43)
  })

  it('waits at random before each further attempt, longer each time', async () => {
    db.on(QueryCommand).resolves({ Items: [{ offset: 41 }] })
    db.on(PutCommand).rejectsOnce(conflict()).rejectsOnce(conflict()).rejectsOnce(conflict()).resolves({})
    await newLog().append(TASKS, [], NOW)
    expect(clock.now() - START).toBe(5 + 10 + 15)
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
    db.on(TransactWriteCommand).rejectsOnce(cancelled('ConditionalCheckFailed', 'None'))
    expect(await newLog().newest(TASKS, NOW)).toBe(7)
    expect(inputs()).toEqual([READ, BEGIN, READ])
  })

  it('gives up a log that it can neither read nor begin', async () => {
    db.on(QueryCommand).resolves({ Items: [] })
    db.on(TransactWriteCommand).rejects(cancelled('ConditionalCheckFailed', 'None'))
    await expect(newLog().newest(TASKS, NOW)).rejects.toThrow(
      'the log of "tasks" can\'t be begun after 50 attempts',
    )
  })

  it('appends a gap as an entry of its own', async () => {
    db.on(QueryCommand).resolves({ Items: [{ offset: 41 }] })
    db.on(PutCommand).resolves({})
    expect(await newLog().appendGap(TASKS, NOW)).toBe(42)
    const { Item, ...conditions } = put(42)
    expect(inputs()[1]).toEqual({ ...conditions, Item: { ...Item, isGap: true } })
  })

  describe('since', () => {
    const entry = (offset: number, expiresAt = EXPIRES_AT) => ({
      channel: TASKS,
      offset,
      events: [],
      expiresAt,
    })
    const since = (after: number) => newLog().since(TASKS, offset(after), NOW)
    const answers = (items: unknown[], newest: number, more: object = {}) =>
      db
        .on(QueryCommand)
        .resolves({ Items: items as Record<string, unknown>[], ...more })
        .on(QueryCommand, READ)
        .resolves({ Items: [{ offset: newest }] })

    it('asks for everything after the offset, consistently, in order', async () => {
      answers([entry(42), entry(43)], 43)
      expect(await since(41)).toEqual({
        newest: 43,
        entries: [
          { offset: 42, events: [] },
          { offset: 43, events: [] },
        ],
      })
      expect(inputs()).toEqual([
        {
          TableName: 'Log',
          KeyConditionExpression: '#channel = :channel AND #offset >= :from',
          ExpressionAttributeNames: { '#channel': 'channel', '#offset': 'offset' },
          ExpressionAttributeValues: { ':channel': TASKS, ':from': 41 },
          ConsistentRead: true,
          Limit: MAX_ENTRIES_SINCE + 2,
        },
      ])
    })

    it('gives no entries at the newest offset', async () => {
      answers([entry(41)], 41)
      expect(await since(41)).toEqual({ newest: 41, entries: [] })
    })

    it('gives no entries at the newest offset, whatever is appended while it answers', async () => {
      answers([entry(41)], 42)
      expect(await since(41)).toEqual({ newest: 41, entries: [] })
    })

    it('gives what comes after an entry that is over or gone', async () => {
      const entries = [{ offset: 42, events: [] }]
      answers([entry(41, 1795425102), entry(42)], 42)
      expect(await since(41)).toEqual({ newest: 42, entries })
      answers([entry(42)], 42)
      expect(await since(41)).toEqual({ newest: 42, entries })
    })

    it.each([
      ['a gap', [entry(42), { ...entry(43), isGap: true }, entry(44)], 44],
      ['a hole after the offset', [entry(43)], 43],
      ['a hole further on', [entry(42), entry(44)], 44],
      ['an entry that is over and not gone', [entry(42, 1795425102), entry(43)], 43],
      ['a log that began anew below the offset', [], 7],
    ])('gives only the newest offset for %s', async (_, items, newest) => {
      answers(items, newest)
      expect(await since(41)).toEqual({ newest })
    })

    it('gives only the newest offset when there is more than one page', async () => {
      answers([entry(42)], 99, { LastEvaluatedKey: { channel: TASKS, offset: 42 } })
      expect(await since(41)).toEqual({ newest: 99 })
    })

    it('gives as many entries as an answer may hold, and no more', async () => {
      const entries = (count: number) => Array.from({ length: count }, (_, i) => entry(42 + i))
      answers(entries(MAX_ENTRIES_SINCE), 41 + MAX_ENTRIES_SINCE)
      expect((await since(41)).entries).toHaveLength(MAX_ENTRIES_SINCE)
      answers(entries(MAX_ENTRIES_SINCE + 1), 42 + MAX_ENTRIES_SINCE)
      expect(await since(41)).toEqual({ newest: 42 + MAX_ENTRIES_SINCE })
    })

    it('gives what is appended to a log whose entries before have gone, however it comes between two looks', async () => {
      db.on(QueryCommand)
        .resolvesOnce({ Items: [] })
        .resolvesOnce({ Items: [{ offset: 42, expiresAt: EXPIRES_AT }] })
        .resolves({ Items: [entry(42)] })
      expect(await since(41)).toEqual({ newest: 42, entries: [{ offset: 42, events: [] }] })
    })

    it('begins an empty log, and resets whoever asks', async () => {
      db.on(QueryCommand).resolves({ Items: [] })
      db.on(TransactWriteCommand).resolves({})
      expect(await since(41)).toEqual({ newest: NOW })
    })
  })

  describe('appendOnce', () => {
    const KEY = { channel: 'tasks#m-1', offset: 0 }
    const once = () => newLog().appendOnce(TASKS, 'm-1', [], NOW)

    it('writes the key and the entry together, or neither', async () => {
      db.on(QueryCommand).resolves({ Items: [{ offset: 41 }] })
      db.on(TransactWriteCommand).resolves({})
      expect(await once()).toEqual({ offset: 42, events: [] })
      expect(inputs()[1]).toEqual({
        TransactItems: [
          {
            Put: {
              TableName: 'Log',
              Item: { ...KEY, at: 42, expiresAt: EXPIRES_AT },
              ConditionExpression: 'attribute_not_exists(#offset) OR expiresAt <= :now',
              ExpressionAttributeNames: { '#offset': 'offset' },
              ExpressionAttributeValues: { ':now': 1795425102 },
            },
          },
          { Put: put(42) },
        ],
      })
    })

    it('finds what the first wrote, and takes its own place for nobody’s', async () => {
      db.on(QueryCommand).resolves({ Items: [{ offset: 50 }] })
      db.on(TransactWriteCommand).rejects(cancelled('ConditionalCheckFailed', 'None'))
      db.on(GetCommand, { Key: KEY }).resolves({ Item: { ...KEY, at: 42 } })
      db.on(GetCommand, { Key: { channel: TASKS, offset: 42 } }).resolves({ Item: { events: ['first'] } })
      db.on(PutCommand).resolves({})
      const log = newLog()
      expect(await log.appendOnce(TASKS, 'm-1', [], NOW)).toEqual({ offset: 42, events: ['first'] })
      expect(await log.append(TASKS, [], NOW)).toBe(51)
    })

    it.each([
      ['its place is taken', cancelled('None', 'ConditionalCheckFailed')],
      ['another transaction is in the way', cancelled('TransactionConflict', 'None')],
    ])('reads again and tries the next place when %s', async (_, error) => {
      db.on(QueryCommand)
        .resolvesOnce({ Items: [{ offset: 41 }] })
        .resolves({ Items: [{ offset: 42 }] })
      db.on(TransactWriteCommand).rejectsOnce(error).resolves({})
      expect(await once()).toEqual({ offset: 43, events: [] })
    })

    it('throws on a transaction that is cancelled for another reason', async () => {
      db.on(QueryCommand).resolves({ Items: [] })
      db.on(TransactWriteCommand).rejects(cancelled('ValidationError', 'None'))
      await expect(once()).rejects.toThrow('Transaction cancelled')
    })
  })
})
