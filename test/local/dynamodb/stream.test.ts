import { describe, expect, it } from 'vitest'
import { RunningClock } from '../../../local/clock.ts'
import { toEngineNumber, toSequenceNumber } from '../../../local/dynamodb/stream.ts'
import { makeConsumer } from './fixture.ts'

const VIEWS = ['KEYS_ONLY', 'NEW_IMAGE', 'OLD_IMAGE', 'NEW_AND_OLD_IMAGES'] as const

describe('a stream record', () => {
  it.each(VIEWS)('shows what %s says, and nothing of a write that changes nothing', async (view) => {
    const consumer = await makeConsumer({ table: { StreamSpecification: { StreamViewType: view } } })
    await consumer.put('a', { n: { N: '1' } })
    await consumer.put('a', { n: { N: '1' } })
    await consumer.put('a', { n: { N: '2' } })
    await consumer.service.drained()
    expect(consumer.records().map(({ eventName }) => eventName)).toEqual(['INSERT', 'MODIFY'])
    const { NewImage, OldImage, StreamViewType, Keys } = consumer.records()[1]?.dynamodb ?? {}
    expect({ NewImage, OldImage, StreamViewType, Keys }).toEqual({
      Keys: { id: { S: 'a' } },
      StreamViewType: view,
      NewImage: view.startsWith('NEW') ? { id: { S: 'a' }, n: { N: '2' } } : undefined,
      OldImage: view.includes('OLD') ? { id: { S: 'a' }, n: { N: '1' } } : undefined,
    })
  })

  it('sizes keys and images by the rules for items', async () => {
    const consumer = await makeConsumer()
    await consumer.put('a', {
      text: { S: 'é' },
      number: { N: '-123.5' },
      bytes: { B: Buffer.from('abc').toString('base64') },
      flag: { BOOL: true },
      nothing: { NULL: true },
      list: { L: [{ S: 'x' }] },
      map: { M: { k: { N: '1' } } },
      set: { SS: ['x', 'yz'] },
    })
    await consumer.service.drained()
    const [record] = consumer.records()
    // Keys: 2 + 1. The image: that, 4 + 2, 6 + 3, 5 + 3, 4 + 1, 7 + 1, 4 + 3 + 1 + 1, 3 + 3 + 1 + 1 + 2, 3 + 3.
    expect(record?.dynamodb.SizeBytes).toBe(3 + 3 + 6 + 9 + 8 + 5 + 8 + 9 + 10 + 6)
    expect(record?.dynamodb.NewImage?.['bytes']).toEqual({ B: 'YWJj' })
  })

  it('is stamped with whole seconds', async () => {
    const consumer = await makeConsumer()
    await consumer.put('a')
    await consumer.service.drained()
    const at = consumer.records()[0]?.dynamodb.ApproximateCreationDateTime ?? 0
    expect(Number.isInteger(at)).toBe(true)
    expect(Math.abs(at - Date.now() / 1000)).toBeLessThan(60)
  })

  it('is stamped with the time of a clock that runs, after every jump', async () => {
    const clock = new RunningClock({ speed: 20 })
    const consumer = await makeConsumer({ clock })
    for (let i = 0; i < 3; i++) {
      clock.jump(86_400_000)
      const before = clock.now()
      await consumer.put(`item ${i}`)
      await consumer.service.drained()
      const at = (consumer.records()[i]?.dynamodb.ApproximateCreationDateTime ?? 0) * 1000
      expect(at % 1000).toBe(0)
      expect(at).toBeGreaterThan(before - 1000)
      expect(at).toBeLessThanOrEqual(clock.now())
    }
  })

  it('keeps its eventID when it is delivered again, and no other record has it', async () => {
    let calls = 0
    const consumer = await makeConsumer({
      mapping: { BisectBatchOnFunctionError: false },
      answer: () => (++calls === 1 ? { payload: '', functionError: 'Unhandled' } : { payload: '' }),
      write: async (put) => {
        await put('a')
        await put('b')
      },
    })
    await consumer.service.drained()
    const [a, b, againA, againB] = consumer.records().map(({ eventID }) => eventID)
    expect([againA, againB]).toEqual([a, b])
    expect(a).not.toBe(b)
    expect(a).toMatch(/^[0-9a-f]{32}$/)
  })

  it('is made for each item of a transaction or a batch, in the order of the request', async () => {
    const consumer = await makeConsumer()
    const Put = (id: string) => ({ Put: { TableName: 'Tasks', Item: { id: { S: id } } } })
    await consumer.service.engine.client.call('TransactWriteItems', {
      TransactItems: [
        Put('b'),
        Put('a'),
        {
          ConditionCheck: {
            TableName: 'Tasks',
            Key: { id: { S: 'z' } },
            ConditionExpression: 'attribute_not_exists(id)',
          },
        },
      ],
    })
    await consumer.service.engine.client.call('BatchWriteItem', {
      RequestItems: {
        Tasks: [
          { PutRequest: { Item: { id: { S: 'c' } } } },
          { DeleteRequest: { Key: { id: { S: 'none' } } } },
        ],
      },
    })
    await consumer.service.drained()
    expect(consumer.ids()).toEqual(['b', 'a', 'c'])
  })

  it.each(['1', '9', '10', '100', '1000000'])('numbers %s there and back', (number) => {
    const sequenceNumber = toSequenceNumber(number)
    expect(sequenceNumber).toMatch(/^\d{24}$/)
    expect(toEngineNumber(sequenceNumber)).toBe(number)
  })
})
