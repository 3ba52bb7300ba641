import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ManualClock, systemClock } from '../../../local/clock.ts'
import type { DynamoDbService } from '../../../local/dynamodb/service.ts'
import { troubledDynamoDb } from '../../../local/dynamodb/troubled-front.ts'
import { parseFaults } from '../../../local/fault-kinds.ts'
import { Faults } from '../../../local/faults.ts'
import { AWS_LATENCY } from '../../../local/latency.ts'
import { silentLog } from '../../../local/log.ts'
import { idOf, makeConsumer, temporaryFolder } from './fixture.ts'

/** Three records in one batch, and the ids of every batch that the function gets. */
async function threeRecords(
  faults: Faults,
  answers: (() => { payload: string; functionError?: 'Unhandled' })[] = [],
) {
  const consumer = await makeConsumer({
    faults,
    write: async (put) => {
      for (const id of ['a', 'b', 'c']) await put(id)
    },
    answer: () => answers.shift()?.() ?? { payload: '' },
  })
  await consumer.service.drained()
  return consumer.events.map(({ Records }) => Records.map(idOf).join(''))
}

describe('stream batches in trouble', () => {
  it('come once without any', async () => {
    expect(await threeRecords(new Faults())).toEqual(['abc'])
  })

  it('come again after they are handled', async () => {
    const faults = new Faults()
    faults.plan('stream.redeliver', { subject: 'stream' })
    expect(await threeRecords(faults)).toEqual(['abc', 'abc'])
  })

  it('come twice at the same time', async () => {
    const faults = new Faults()
    faults.plan('stream.double')
    let running = 0
    let most = 0
    const { service, ids } = await makeConsumer({
      faults,
      write: (put) => put('a'),
      answer: async () => {
        most = Math.max(most, ++running)
        await new Promise(setImmediate)
        running--
        return { payload: '' }
      },
    })
    await service.drained()
    expect([ids(), most]).toEqual([['a', 'a'], 2])
  })

  it('come again in two parts, cut where the seed says', async () => {
    const cuts = async (seed: number) => threeRecords(new Faults(parseFaults('stream.resplit=1'), seed))
    const first = await cuts(1)
    expect(first[0]).toBe('abc')
    expect(first).toHaveLength(3)
    expect(first.slice(1).join('')).toBe('abc')
    expect(await cuts(1)).toEqual(first)
  })

  it('are retried as ever when the function fails, without a fault on top', async () => {
    const faults = new Faults()
    faults.plan('stream.redeliver')
    const failing = () => ({ payload: '{}', functionError: 'Unhandled' as const })
    expect((await threeRecords(faults, [failing]))[0]).toBe('abc')
    expect(faults.count('stream.redeliver')).toBe(1)
  })

  it('fail as a whole when what comes again fails', async () => {
    const faults = new Faults()
    faults.plan('stream.redeliver')
    const failing = () => ({ payload: '{}', functionError: 'Unhandled' as const })
    const batches = await threeRecords(faults, [() => ({ payload: '' }), failing])
    expect(batches.slice(0, 2)).toEqual(['abc', 'abc'])
    expect(batches.length).toBeGreaterThan(2)
  })
})

describe('a stream that is polled as on AWS', () => {
  it('is read every 250 ms of the clock, and not when something is written', async () => {
    const clock = new ManualClock()
    const { service, ids } = await makeConsumer({ clock, streamPollMs: 250 })
    await service.drained()
    const client = await clientOf(service, { faults: new Faults() })
    const wake = vi.spyOn(service, 'wake')
    for (const id of ['a', 'b'])
      await client.send(new PutItemCommand({ TableName: 'Tasks', Item: { id: { S: id } } }))
    expect([wake.mock.calls.length, ids()]).toEqual([0, []])
    clock.advance(250)
    await vi.waitFor(() => expect(ids()).toEqual(['a', 'b']))
  })
})

/** A client of DynamoDB in trouble. */
async function clientOf(service: DynamoDbService, trouble: { faults?: Faults; clock?: ManualClock }) {
  const { faults, clock } = trouble
  const handle = troubledDynamoDb(service, {
    clock: clock ?? systemClock,
    log: silentLog,
    faults,
    latency: clock && AWS_LATENCY,
  })
  const server = createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  })
  onTestFinished(() => {
    client.destroy()
    server.closeAllConnections()
    server.close()
  })
  return client
}

describe('the engine in trouble', () => {
  it.skipIf(process.platform === 'win32')(
    'is killed when planned, starts again and has kept what was answered',
    async () => {
      const faults = new Faults()
      const { service } = await makeConsumer({ data: temporaryFolder(), clock: systemClock })
      const client = await clientOf(service, { faults })
      const put = (id: string) =>
        client.send(new PutItemCommand({ TableName: 'Tasks', Item: { id: { S: id } } }))
      await put('a')
      faults.plan('engine.kill')
      await put('b').catch(() => undefined) // whether it was killed before or after the write, nobody knows
      await vi.waitFor(() => put('c'), { timeout: 20_000, interval: 20 })
      const { Item } = await client.send(new GetItemCommand({ TableName: 'Tasks', Key: { id: { S: 'a' } } }))
      expect(Item).toEqual({ id: { S: 'a' } })
      expect(faults.counts).toEqual({ 'engine.kill': 1 })
    },
  )

  it('answers as slowly as on AWS, by the clock', async () => {
    const clock = new ManualClock()
    const { service } = await makeConsumer()
    const client = await clientOf(service, { clock })
    const after = vi.spyOn(clock, 'after')
    const answer = client.send(new GetItemCommand({ TableName: 'Tasks', Key: { id: { S: 'a' } } }))
    await vi.waitFor(() => expect(after).toHaveBeenCalledWith(AWS_LATENCY.dynamodbMs, expect.anything()))
    clock.advance(AWS_LATENCY.dynamodbMs)
    expect((await answer).$metadata.httpStatusCode).toBe(200)
  })
})
