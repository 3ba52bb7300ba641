import { describe, expect, it } from 'vitest'
import { type Clock, ManualClock } from '../../../local/clock.ts'
import type { InvokeResult } from '../../../local/lambda/invoker.ts'
import { STREAM_ARN, functionArn, idOf, makeConsumer } from './fixture.ts'

const FAILURE: InvokeResult = { payload: '{"errorType":"Error"}', functionError: 'Unhandled' }
const NO_BISECTION = { BisectBatchOnFunctionError: false }

const writing =
  (...ids: string[]) =>
  async (put: (id: string) => Promise<void>) => {
    for (const id of ids) await put(id)
  }

describe('the delivery of a stream', () => {
  it('is of one batch of a shard at a time', async () => {
    let running = 0
    const together: number[] = []
    const consumer = await makeConsumer({
      mapping: { BatchSize: 1 },
      write: writing('a', 'b', 'c', 'd', 'e', 'f'),
      answer: async () => {
        together.push(++running)
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
        running--
        return { payload: '' }
      },
    })
    await consumer.service.drained()
    expect(together).toEqual([1, 1, 1, 1, 1, 1])
  })

  it('holds back what comes after a batch that failed, until that is handled', async () => {
    const answers = [FAILURE, FAILURE]
    const consumer = await makeConsumer({
      mapping: { ...NO_BISECTION, BatchSize: 1, MaximumRetryAttempts: -1 },
      write: writing('a', 'b'),
      answer: () => answers.shift() ?? { payload: '' },
    })
    await consumer.service.drained()
    expect(consumer.ids()).toEqual(['a', 'a', 'a', 'b'])
  })

  it('uses up no retries for halving a batch', async () => {
    const consumer = await makeConsumer({
      mapping: { BisectBatchOnFunctionError: true, MaximumRetryAttempts: 0 },
      write: writing('a', 'b', 'poison', 'c'),
      answer: ({ Records }) => (Records.map(idOf).includes('poison') ? FAILURE : { payload: '' }),
    })
    await consumer.service.drained()
    expect(consumer.events.map(({ Records }) => Records.map(idOf))).toEqual([
      ['a', 'b', 'poison', 'c'],
      ['a', 'b'],
      ['poison', 'c'],
      ['poison'],
      ['c'],
    ])
    expect(consumer.dead).toMatchObject([
      { requestContext: { approximateInvokeCount: 1 }, DDBStreamBatchInfo: { batchSize: 1 } },
    ])
  })

  it('bisects at the record that was reported as failed', async () => {
    let isFirst = true
    const consumer = await makeConsumer({
      mapping: { BisectBatchOnFunctionError: true },
      write: writing('a', 'b', 'c', 'd'),
      answer: ({ Records }) => {
        if (!isFirst) return { payload: '' }
        isFirst = false
        const itemIdentifier = Records[3]?.dynamodb.SequenceNumber
        return { payload: JSON.stringify({ batchItemFailures: [{ itemIdentifier }] }) }
      },
    })
    await consumer.service.drained()
    expect(consumer.events.map(({ Records }) => Records.map(idOf))).toEqual([['a', 'b', 'c', 'd'], ['d']])
  })

  it('waits for the batching window, or until the batch is full', async () => {
    const clock = new ManualClock(Date.now())
    let waits: () => void = () => undefined
    const watched: Clock = {
      now: () => clock.now(),
      after: (delayMs, callback) => {
        if (delayMs === 300_000) waits()
        return clock.after(delayMs, callback)
      },
    }
    let handed: (ids: readonly string[]) => void = () => undefined
    const next = () => new Promise<readonly string[]>((resolve) => (handed = resolve))
    const consumer = await makeConsumer({
      clock: watched,
      mapping: { MaximumBatchingWindowInSeconds: 300, BatchSize: 3 },
      answer: ({ Records }) => {
        handed(Records.map(idOf))
        return { payload: '' }
      },
    })
    const full = next()
    for (const id of ['a', 'b', 'c']) await consumer.put(id)
    expect(await full).toEqual(['a', 'b', 'c'])
    const begun = new Promise<void>((resolve) => (waits = resolve))
    const late = next()
    await consumer.put('d')
    await begun
    clock.advance(299_999)
    expect(consumer.ids()).not.toContain('d')
    clock.advance(1)
    expect(await late).toEqual(['d'])
  })

  it('tells the failure destination where the records are, not what they hold, and a null functionError for reported ones', async () => {
    const consumer = await makeConsumer({
      mapping: { ...NO_BISECTION, MaximumRetryAttempts: 0 },
      write: writing('a'),
      answer: ({ Records }) => ({
        payload: JSON.stringify({
          batchItemFailures: [{ itemIdentifier: Records[0]?.dynamodb.SequenceNumber }],
        }),
      }),
    })
    await consumer.service.drained()
    const SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/
    const [record] = consumer.records()
    const text = (pattern: RegExp) => expect.stringMatching(pattern) as string
    expect(consumer.dead).toEqual([
      {
        requestContext: {
          requestId: text(/^[\da-f-]{36}$/),
          functionArn: functionArn('stream'),
          condition: 'RetryAttemptsExhausted',
          approximateInvokeCount: 1,
        },
        responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: null },
        version: '1.0',
        timestamp: text(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        DDBStreamBatchInfo: {
          shardId: text(/^shardId-/),
          startSequenceNumber: record?.dynamodb.SequenceNumber,
          endSequenceNumber: record?.dynamodb.SequenceNumber,
          approximateArrivalOfFirstRecord: text(SECONDS),
          approximateArrivalOfLastRecord: text(SECONDS),
          batchSize: 1,
          streamArn: STREAM_ARN,
        },
      },
    ])
  })
})

describe('a record', () => {
  it('has increasing sequence numbers in its shard, of up to 40 digits', async () => {
    const consumer = await makeConsumer()
    for (const id of ['a', 'b', 'c']) await consumer.put(id)
    await consumer.service.drained()
    const numbers = consumer.records().map(({ dynamodb }) => dynamodb.SequenceNumber)
    for (const number of numbers) expect(number).toMatch(/^\d{21,40}$/)
    expect(numbers.map(BigInt).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(numbers.map(BigInt))
    expect(new Set(numbers).size).toBe(3)
  })

  it('has binary values in base64, in sets too', async () => {
    const consumer = await makeConsumer()
    const image = { bytes: { B: 'AP8=' }, many: { BS: ['AP8=', 'gA=='] } }
    await consumer.put('a', image)
    await consumer.service.drained()
    expect(consumer.records()[0]?.dynamodb.NewImage).toMatchObject(image)
  })

  it('of a delete that the app made has no userIdentity', async () => {
    const consumer = await makeConsumer({ write: writing('a') })
    await consumer.service.engine.client.call('DeleteItem', { TableName: 'Tasks', Key: { id: { S: 'a' } } })
    await consumer.service.drained()
    expect(consumer.records().map(({ eventName }) => eventName)).toEqual(['INSERT', 'REMOVE'])
    expect(consumer.records()[1]).not.toHaveProperty('userIdentity')
  })
})
