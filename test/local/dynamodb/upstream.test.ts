import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  BatchGetItemCommand,
  DescribeLimitsCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ManualClock } from '../../../local/clock.ts'
import type { StreamRecord } from '../../../local/dynamodb/stream.ts'
import { STREAM_ARN, TABLE_ARN, makeConsumer, resource, table, temporaryFolder } from './fixture.ts'

/** A table, a function that reads its stream, and calls as functions make them. */
async function start(setup: Parameters<typeof makeConsumer>[0] = {}) {
  const consumer = await makeConsumer(setup)
  const server = createServer(consumer.service.front.handle).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise((resolve) => server.once('listening', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const sdk = new DynamoDBClient({
    endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  onTestFinished(() => sdk.destroy())
  const call = async (target: string, input: object, headers: Record<string, string> = {}) => {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': target,
        authorization: 'AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-1/dynamodb/aws4_request',
        ...headers,
      },
      body: JSON.stringify(input),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const streams = (operation: string, input: object) => call(`DynamoDBStreams_20120810.${operation}`, input)
  const shardId = async () => {
    const { body } = await streams('DescribeStream', { StreamArn: STREAM_ARN })
    const { Shards } = body['StreamDescription'] as { Shards: { ShardId: string }[] }
    return Shards[0]?.ShardId ?? ''
  }
  const iterator = async (more: object = { ShardIteratorType: 'TRIM_HORIZON' }) => {
    const input = { StreamArn: STREAM_ARN, ShardId: await shardId(), ...more }
    return (await streams('GetShardIterator', input)).body['ShardIterator']
  }
  const read = async (ShardIterator: unknown, more: object = {}) => {
    const { body } = await streams('GetRecords', { ShardIterator, ...more })
    return { records: body['Records'] as StreamRecord[], next: body['NextShardIterator'] }
  }
  return { ...consumer, call, sdk, streams, shardId, iterator, read }
}

describe('the API of DynamoDB Streams', () => {
  it('describes a stream by the template’s ARN, its shard open', async () => {
    const { streams, put } = await start()
    await put('a')
    const { status, body } = await streams('DescribeStream', { StreamArn: STREAM_ARN })
    expect(status).toBe(200)
    expect(body['StreamDescription']).toEqual({
      StreamArn: STREAM_ARN,
      StreamLabel: '2026-01-01T00:00:00.000',
      StreamStatus: 'ENABLED',
      StreamViewType: 'NEW_AND_OLD_IMAGES',
      CreationRequestDateTime: expect.any(Number) as number,
      TableName: 'Tasks',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      Shards: [
        {
          ShardId: expect.stringMatching(/^shardId-/) as string,
          SequenceNumberRange: { StartingSequenceNumber: expect.stringMatching(/^\d{24}$/) as string },
        },
      ],
    })
  })

  it('lists the streams of all tables, or of one', async () => {
    const { streams } = await start({
      resources: [table(), table({}, 'Other'), table({ StreamSpecification: undefined }, 'Plain')],
    })
    const arns = async (input: object) =>
      ((await streams('ListStreams', input)).body['Streams'] as { StreamArn: string }[]).map(
        ({ StreamArn }) => StreamArn,
      )
    const other = STREAM_ARN.replace('Tasks', 'Other')
    expect(await arns({})).toEqual([STREAM_ARN, other])
    expect(await arns({ TableName: 'Other' })).toEqual([other])
    expect(await arns({ TableName: TABLE_ARN })).toEqual([STREAM_ARN])
    expect(await arns({ ExclusiveStartStreamArn: STREAM_ARN })).toEqual([other])
    expect((await streams('ListStreams', { Limit: 1 })).body['LastEvaluatedStreamArn']).toBe(STREAM_ARN)
  })

  it('gives the records that the function of a mapping gets, without the ARN', async () => {
    const { put, iterator, read, records, service } = await start()
    await put('a', { n: { N: '1' } })
    await put('a', { n: { N: '1' } })
    await put('b')
    await service.drained()
    const { records: found } = await read(await iterator())
    expect(found).toEqual(records().map(({ eventSourceARN: _arn, ...record }) => record))
    expect(found.length).toBe(2)
  })

  it('marks deletes by TTL as the API writes it', async () => {
    const { put, iterator, read, service } = await start()
    await put('old', { expiresAt: { N: String(Math.floor(Date.now() / 1000) - 60) } })
    await service.ttl.sweepNow()
    const { records } = await read(await iterator())
    expect(records.at(-1)).toMatchObject({
      eventName: 'REMOVE',
      userIdentity: { PrincipalId: 'dynamodb.amazonaws.com', Type: 'Service' },
    })
  })

  it('starts at, or after, the number of a record, and at what comes', async () => {
    const { put, iterator, read } = await start()
    for (const id of ['a', 'b', 'c']) await put(id)
    const latest = await iterator({ ShardIteratorType: 'LATEST' })
    const { records } = await read(await iterator())
    const SequenceNumber = records[1]?.dynamodb.SequenceNumber
    const ids = async (more: object) =>
      (await read(await iterator(more))).records.map(({ dynamodb }) => dynamodb.Keys['id']?.['S'])
    expect(await ids({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', SequenceNumber })).toEqual(['b', 'c'])
    expect(await ids({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber })).toEqual(['c'])
    await put('d')
    expect((await read(latest)).records.length).toBe(1)
  })

  it('pages by the limit and by 1 MB', async () => {
    const { put, iterator, read } = await start()
    for (const id of ['a', 'b', 'c']) await put(id, { text: { S: 'x'.repeat(390_000) } })
    const one = await read(await iterator(), { Limit: 1 })
    expect(one.records.length).toBe(1)
    const rest = await read(one.next)
    expect(rest.records.length).toBe(2)
    const first = await read(await iterator())
    expect([first.records.length, (await read(first.next)).records.length]).toEqual([2, 1])
  })

  it('has iterators that expire after 15 minutes', async () => {
    const clock = new ManualClock(Date.now())
    const { iterator, streams } = await start({ clock })
    const ShardIterator = await iterator()
    clock.advance(15 * 60_000)
    expect((await streams('GetRecords', { ShardIterator })).status).toBe(200)
    clock.advance(1)
    expect(await streams('GetRecords', { ShardIterator })).toMatchObject({
      status: 400,
      body: { __type: expect.stringContaining('ExpiredIteratorException') as string },
    })
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['DescribeStream', { StreamArn: `${TABLE_ARN}/stream/x` }, 'ResourceNotFoundException'],
    ['GetShardIterator', { ShardId: 'shardId-0', ShardIteratorType: 'LATEST' }, 'ResourceNotFoundException'],
    ['GetShardIterator', { ShardIteratorType: 'FIRST' }, 'ValidationException'],
    ['GetShardIterator', { ShardIteratorType: 'AT_SEQUENCE_NUMBER' }, 'ValidationException'],
    ['GetShardIterator', { ShardIteratorType: 'LATEST', SequenceNumber: '1' }, 'ValidationException'],
    ['GetRecords', { ShardIterator: 'nonsense' }, 'ValidationException'],
    ['GetRecords', { ShardIterator: 'x', Limit: 1001 }, 'ValidationException'],
    ['PutRecord', {}, 'UnknownOperationException'],
  ])('refuses %s of %j with a %s', async (operation, input, code) => {
    const { streams, shardId } = await start()
    const answer = await streams(operation, { StreamArn: STREAM_ARN, ShardId: await shardId(), ...input })
    expect(answer).toMatchObject({
      status: 400,
      body: { __type: expect.stringContaining(code) as string },
    })
  })
})

describe('calls of tables', () => {
  it('may name the table by its ARN', async () => {
    const { sdk } = await start()
    await sdk.send(new PutItemCommand({ TableName: TABLE_ARN, Item: { id: { S: 'a' } } }))
    await sdk.send(
      new TransactWriteItemsCommand({
        TransactItems: [{ Put: { TableName: TABLE_ARN, Item: { id: { S: 'b' }, link: { S: TABLE_ARN } } } }],
      }),
    )
    const { Item } = await sdk.send(new GetItemCommand({ TableName: TABLE_ARN, Key: { id: { S: 'b' } } }))
    expect(Item).toEqual({ id: { S: 'b' }, link: { S: TABLE_ARN } })
    const { Responses } = await sdk.send(
      new BatchGetItemCommand({ RequestItems: { [TABLE_ARN]: { Keys: [{ id: { S: 'a' } }] } } }),
    )
    expect(Responses).toEqual({ Tasks: [{ id: { S: 'a' } }] })
  })

  it('describe a table with the template’s ARNs and view type', async () => {
    const { sdk } = await start({ table: { StreamSpecification: { StreamViewType: 'KEYS_ONLY' } } })
    const { Table } = await sdk.send(new DescribeTableCommand({ TableName: 'Tasks' }))
    expect(Table).toMatchObject({
      TableArn: TABLE_ARN,
      LatestStreamArn: STREAM_ARN,
      LatestStreamLabel: '2026-01-01T00:00:00.000',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
    })
  })

  it('find answers to what the engine does not know', async () => {
    const { sdk, call } = await start({
      table: { PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } },
    })
    expect(await sdk.send(new DescribeLimitsCommand({}))).toMatchObject({ TableMaxReadCapacityUnits: 40_000 })
    const ask = async (operation: string, input: object = {}) =>
      (await call(`DynamoDB_20120810.${operation}`, input)).body
    expect(await ask('DescribeEndpoints')).toEqual({
      Endpoints: [{ Address: 'dynamodb.eu-west-1.amazonaws.com', CachePeriodInMinutes: 1440 }],
    })
    expect(await ask('ListBackups')).toEqual({ BackupSummaries: [] })
    expect(await ask('DescribeContinuousBackups', { TableName: 'Tasks' })).toEqual({
      ContinuousBackupsDescription: {
        ContinuousBackupsStatus: 'ENABLED',
        PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: 'ENABLED' },
      },
    })
    expect(await ask('DescribeContinuousBackups', { TableName: 'None' })).toMatchObject({
      __type: expect.stringContaining('TableNotFoundException') as string,
    })
  })

  it('refuse web pages', async () => {
    const { call } = await start()
    const target = 'DynamoDB_20120810.ListTables'
    expect((await call(target, {}, { origin: 'https://example.com' })).status).toBe(403)
  })

  it('wake the function of a mapping without waiting for its poll', async () => {
    const { sdk, events } = await start({ pollIntervalMs: 1_000_000 })
    await sdk.send(new PutItemCommand({ TableName: 'Tasks', Item: { id: { S: 'a' } } }))
    while (events.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(events.length).toBe(1)
  })

  it.skipIf(process.platform === 'win32')(
    'survive an engine that is killed',
    async () => {
      const { sdk, service, ids } = await start({ data: temporaryFolder() })
      for (const id of ['a', 'b', 'c', 'd', 'e']) {
        await sdk.send(new PutItemCommand({ TableName: 'Tasks', Item: { id: { S: id } } }))
        void service.engine.kill?.()
      }
      await sdk.send(new GetItemCommand({ TableName: 'Tasks', Key: { id: { S: 'a' } } }))
      await service.drained()
      expect(ids()).toEqual(['a', 'b', 'c', 'd', 'e'])
    },
    20_000,
  )
})

describe('tables of a template', () => {
  it('are refused when two have one name', async () => {
    const twin = { ...table(), path: 'T/Tasks' }
    await expect(makeConsumer({ resources: [table(), twin] })).rejects.toThrow(
      'T/Tasks and S/Tasks are both named "Tasks"; give one another TableName',
    )
  })

  it('report what has no effect here', async () => {
    const { lines } = await makeConsumer({ table: { KinesisStreamSpecification: { StreamArn: 'arn' } } })
    expect(lines).toEqual([
      'S/Tasks: KinesisStreamSpecification is not emulated; the table is there without it',
    ])
  })

  it('may be global tables, with local indexes', async () => {
    const { put, service } = await makeConsumer({
      resources: [
        resource('AWS::DynamoDB::GlobalTable', 'Tasks', TABLE_ARN, {
          AttributeDefinitions: [
            { AttributeName: 'id', AttributeType: 'S' },
            { AttributeName: 'at', AttributeType: 'N' },
            { AttributeName: 'rank', AttributeType: 'N' },
          ],
          KeySchema: [
            { AttributeName: 'id', KeyType: 'HASH' },
            { AttributeName: 'at', KeyType: 'RANGE' },
          ],
          LocalSecondaryIndexes: [
            {
              IndexName: 'byRank',
              KeySchema: [
                { AttributeName: 'id', KeyType: 'HASH' },
                { AttributeName: 'rank', KeyType: 'RANGE' },
              ],
              Projection: { ProjectionType: 'ALL' },
            },
          ],
          BillingMode: 'PAY_PER_REQUEST',
          Replicas: [{ Region: 'eu-west-1' }],
          SSESpecification: { SSEEnabled: true },
        }),
      ],
    })
    await put('a', { at: { N: '1' }, rank: { N: '2' } })
    await put('a', { at: { N: '2' }, rank: { N: '1' } })
    const { Items } = await service.engine.client.call('Query', {
      TableName: 'Tasks',
      IndexName: 'byRank',
      KeyConditionExpression: 'id = :id',
      ExpressionAttributeValues: { ':id': { S: 'a' } },
    })
    expect((Items as { at: { N: string } }[]).map(({ at }) => at.N)).toEqual(['2', '1'])
  })
})
