import { describe, expect, it } from 'vitest'
import { makeConsumer } from './fixture.ts'

const filtered = (...patterns: object[]) => ({
  FilterCriteria: { Filters: patterns.map((pattern) => ({ Pattern: JSON.stringify(pattern) })) },
})
const newImage = (fields: object) => filtered({ dynamodb: { NewImage: fields } })

/** Which of three records goes through: one with the text "x" and the number 5, one with "y" and 50, one with neither. */
async function accepted(filters: Readonly<Record<string, unknown>>): Promise<string[]> {
  const consumer = await makeConsumer({ mapping: filters })
  await consumer.put('a', { text: { S: 'x' }, size: { N: '5' } })
  await consumer.put('b', { text: { S: 'y' }, size: { N: '50' } })
  await consumer.put('c')
  await consumer.service.drained()
  return consumer.ids()
}

describe('filters of a stream', () => {
  it.each<[string, Record<string, unknown>, string[]]>([
    ['by an attribute', newImage({ text: { S: ['x'] } }), ['a']],
    ['by a key', filtered({ dynamodb: { Keys: { id: { S: [{ prefix: 'b' }] } } } }), ['b']],
    [
      'by any of several',
      filtered({ dynamodb: { Keys: { id: { S: ['a'] } } } }, { eventName: ['X'] }),
      ['a'],
    ],
    ['never without the type letter', newImage({ text: ['x'] }), []],
    ['never a DynamoDB number by numeric', newImage({ size: { N: [{ numeric: ['>', 1] }] } }), []],
    ['a DynamoDB number as text', newImage({ size: { N: ['5'] } }), ['a']],
    [
      'the creation time by numeric',
      filtered({ dynamodb: { ApproximateCreationDateTime: [{ numeric: ['>', 0] }] } }),
      ['a', 'b', 'c'],
    ],
    ['absent attributes', newImage({ text: { S: [{ exists: false }] } }), ['c']],
    ['present attributes by their value', newImage({ text: { S: [{ exists: true }] } }), ['a', 'b']],
    ['no present attribute by its name alone', newImage({ text: [{ exists: true }] }), []],
    ['everything with an empty list', { FilterCriteria: { Filters: [] } }, ['a', 'b', 'c']],
  ])('let through %s', async (_name, filters, ids) => {
    expect(await accepted(filters)).toEqual(ids)
  })

  it('match the kind of the change, and who made it', async () => {
    const expired = { eventName: ['REMOVE'], userIdentity: { type: ['Service'] } }
    const consumer = await makeConsumer({ mapping: filtered(expired) })
    await consumer.put('mine')
    await consumer.service.engine.client.call('DeleteItem', {
      TableName: 'Tasks',
      Key: { id: { S: 'mine' } },
    })
    await consumer.put('old', { expiresAt: { N: String(Math.floor(Date.now() / 1000) - 60) } })
    await consumer.service.ttl.sweepNow()
    await consumer.service.drained()
    expect(consumer.ids()).toEqual(['old'])
  })

  it('consume what they keep out, and batches are of what goes through', async () => {
    const consumer = await makeConsumer({
      mapping: { BatchSize: 2, ...newImage({ keep: { BOOL: [true] } }) },
      write: async (put) => {
        for (const id of ['a', 'b', 'c', 'd', 'e']) await put(id, { keep: { BOOL: 'ace'.includes(id) } })
      },
    })
    await consumer.service.drained()
    expect(consumer.ids()).toEqual(['a', 'c', 'e'])
    await consumer.put('f', { keep: { BOOL: true } })
    await consumer.service.drained()
    expect(consumer.ids()).toEqual(['a', 'c', 'e', 'f'])
  })
})
