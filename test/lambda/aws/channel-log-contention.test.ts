import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { channelLog } from '../../../lambda/aws/channel-log.ts'
import { systemClock, systemRandom } from '../../../lambda/aws/system.ts'
import { systemClock as stackClock } from '../../../local/clock.ts'
import { type Engine, startEngine } from '../../../local/dynamodb/engine.ts'
import { silentLog } from '../../../local/log.ts'
import { type Channel, later, userId } from '../../../protocol/ids.ts'

/** Functions that publish to one channel at the same moment. */
const PUBLISHERS = [2, 30, 100]

describe('channelLog with many publishers to one channel, on the engine', () => {
  let engine: Engine
  let client: DynamoDBDocumentClient
  beforeAll(async () => {
    engine = await startEngine({ log: silentLog, clock: stackClock, env: process.env })
    client = DynamoDBDocumentClient.from(
      new DynamoDBClient({
        region: 'eu-west-1',
        endpoint: engine.endpoint,
        credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      }),
    )
    await engine.client.call('CreateTable', {
      TableName: 'Log',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'channel', AttributeType: 'S' },
        { AttributeName: 'offset', AttributeType: 'N' },
      ],
      KeySchema: [
        { AttributeName: 'channel', KeyType: 'HASH' },
        { AttributeName: 'offset', KeyType: 'RANGE' },
      ],
    })
  })
  afterAll(async () => {
    client.destroy()
    await engine.stop()
  })

  const said = (id: string) => [
    { type: 'chat.message' as const, id, from: userId('alice'), at: '', data: id },
  ]

  it.each(PUBLISHERS)('gives %i of them a place each, in one dense log, each message once', async (count) => {
    const channel = `chat/of-${count}` as Channel
    const now = systemClock.now()
    const newLog = () =>
      channelLog(client, { table: 'Log', retentionMs: 3_600_000, clock: systemClock, random: systemRandom })
    const ids = Array.from({ length: count }, (_, i) => `m-${i}`)
    // Every second one has a key and publishes twice at once, as a sender does who got no answer in time.
    const offsets = await Promise.all(
      ids.map(async (id, i) => {
        const own = later(now, i) // they do not all begin it at the same moment
        if (i % 2 === 0) return newLog().append(channel, said(id), own)
        const [first, second] = await Promise.all(
          [newLog(), newLog()].map((log) => log.appendOnce(channel, id, said(id), own)),
        )
        expect(second).toEqual(first)
        return first?.offset ?? 0
      }),
    )
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: 'Log',
        KeyConditionExpression: 'channel = :channel',
        ExpressionAttributeValues: { ':channel': channel },
        ConsistentRead: true,
      }),
    )
    const beginning = Number(Items[0]?.['offset'])
    const first = beginning + 1
    expect(Items[0]).toMatchObject({ events: [] })
    expect(Items.map((item) => Number(item['offset']))).toEqual([beginning, ...ids.map((_, i) => first + i)])
    expect([...offsets].sort((a, b) => a - b)).toEqual(ids.map((_, i) => first + i))
    const idAt = (at: number) => (Items[at - beginning]?.['events'] as { id: string }[])[0]?.id
    expect(offsets.map(idAt)).toEqual(ids)
  })
})
