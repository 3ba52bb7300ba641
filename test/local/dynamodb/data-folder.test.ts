import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { ManualClock } from '../../../local/clock.ts'
import { Progress } from '../../../local/dynamodb/progress.ts'
import { functionResource, makeConsumer, mapping, table, temporaryFolder } from './fixture.ts'

const crash = { payload: '{"errorType":"Error"}', functionError: 'Unhandled' } as const

describe('tables in a folder', () => {
  it('are there at the next start, and their streams go on after the last record that was handled', async () => {
    const data = temporaryFolder()
    const first = await makeConsumer({ data, write: async (put) => put('a') })
    await first.service.drained()
    await first.service.stopConsuming()
    await first.put('b')
    await first.service.stop()
    const second = await makeConsumer({ data })
    await second.put('c')
    await second.service.drained()
    expect(first.ids()).toEqual(['a'])
    expect(second.ids()).toEqual(['b', 'c'])
    const { Count } = await second.service.engine.client.call('Scan', { TableName: 'Tasks' })
    expect(Count).toBe(3)
  })

  it('hand over again what the function had not handled', async () => {
    const data = temporaryFolder()
    const first = await makeConsumer({
      data,
      clock: new ManualClock(),
      mapping: { MaximumRetryAttempts: -1, BatchSize: 1 },
      answer: ({ Records: [record] }) =>
        record?.dynamodb.Keys['id']?.['S'] === 'poison' ? crash : { payload: '' },
      write: async (put) => {
        for (const id of ['a', 'poison', 'b']) await put(id)
      },
    })
    await vi.waitFor(() => expect(first.ids()).toEqual(['a', 'poison']))
    await first.service.stop()
    const second = await makeConsumer({ data })
    await second.service.drained()
    expect(second.ids()).toEqual(['poison', 'b'])
    // A record is the same one, whichever start hands it over.
    expect(second.records()[0]?.eventID).toBe(first.records()[1]?.eventID)
  })

  it('keep the place of a mapping that starts at LATEST, before it has read anything', async () => {
    const data = temporaryFolder()
    const latest = { StartingPosition: 'LATEST' }
    const first = await makeConsumer({ data, mapping: latest, write: async (put) => put('before') })
    await first.service.stopConsuming()
    await first.put('between')
    await first.service.stop()
    const second = await makeConsumer({ data, mapping: latest })
    await second.service.drained()
    expect(second.ids()).toEqual(['between'])
  })

  it.skipIf(process.platform === 'win32')(
    'lose nothing, and number nothing anew, when the engine is killed',
    async () => {
      const consumer = await makeConsumer({ data: temporaryFolder(), mapping: { BatchSize: 1 } })
      const put = (id: string) => vi.waitFor(async () => consumer.put(id), { timeout: 5000, interval: 5 })
      await put('a')
      await put('b')
      await consumer.service.engine.kill?.()
      await put('c')
      await consumer.service.engine.kill?.()
      await put('d')
      await consumer.service.drained()
      expect(consumer.ids()).toEqual(['a', 'b', 'c', 'd'])
      const numbers = consumer.records().map(({ dynamodb }) => dynamodb.SequenceNumber)
      expect(new Set(numbers).size).toBe(4)
      expect(numbers.toSorted()).toEqual(numbers)
      expect(consumer.lines.filter((line) => line.includes('ended by itself'))).toEqual([
        'the engine ended by itself (SIGKILL); starting it again, with all that was written',
        'the engine ended by itself (SIGKILL); starting it again, with all that was written',
      ])
    },
  )

  it('belong to one stack at a time', async () => {
    const data = temporaryFolder()
    await makeConsumer({ data })
    await expect(makeConsumer({ data })).rejects.toThrow(
      `"${data}" is in use by process ${process.pid}; stop that, or choose another folder with --data`,
    )
  })

  it('gain the stream and the index that the template gained', async () => {
    const data = temporaryFolder()
    const before = await makeConsumer({
      data,
      resources: [table({ StreamSpecification: undefined })],
    })
    await before.put('a', { group: { S: 'g' } })
    await before.service.stop()
    const after = await makeConsumer({
      data,
      table: {
        AttributeDefinitions: [
          { AttributeName: 'id', AttributeType: 'S' },
          { AttributeName: 'group', AttributeType: 'S' },
        ],
        GlobalSecondaryIndexes: [
          {
            IndexName: 'byGroup',
            KeySchema: [{ AttributeName: 'group', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'ALL' },
          },
        ],
      },
    })
    await after.put('b', { group: { S: 'g' } })
    await after.service.drained()
    expect(after.ids()).toEqual(['b'])
    const { Count } = await after.service.engine.client.call('Query', {
      TableName: 'Tasks',
      IndexName: 'byGroup',
      KeyConditionExpression: '#g = :g',
      ExpressionAttributeNames: { '#g': 'group' },
      ExpressionAttributeValues: { ':g': { S: 'g' } },
    })
    expect(Count).toBe(2)
  })

  it('are refused when their keys are not the template’s', async () => {
    const data = temporaryFolder()
    const before = await makeConsumer({ data })
    await before.service.stop()
    const other = table({
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    })
    await expect(
      makeConsumer({ data, resources: [other, mapping(), functionResource('stream')] }),
    ).rejects.toThrow(
      /the table "Tasks" is there from an earlier start with the keys .*"id".*; expected .*"pk"/,
    )
  })

  it('are not thrown away because their checkpoints can not be read', async () => {
    const data = temporaryFolder()
    const before = await makeConsumer({ data })
    await before.service.stop()
    const file = join(data, 'checkpoints.json')
    expect(readFileSync(file, 'utf8')).toContain('iterator')
    writeFileSync(file, '{')
    await expect(makeConsumer({ data })).rejects.toThrow(/checkpoints.json" can not be read as JSON/)
  })
})

describe('the progress in a shard', () => {
  it('stands before the oldest record that is not handled', () => {
    const progress = new Progress('TRIM_HORIZON')
    progress.taken('1', { after: '1' })
    progress.taken('2', { after: '2' })
    progress.passed({ iterator: 'end' })
    progress.done('2')
    expect(progress.checkpoint).toBe('TRIM_HORIZON')
    progress.done('1')
    expect(progress.checkpoint).toEqual({ iterator: 'end' })
    progress.taken('3', { after: '3' })
    expect(progress.checkpoint).toEqual({ iterator: 'end' })
    progress.taken('4', { after: '4' })
    progress.done('3')
    expect(progress.checkpoint).toEqual({ after: '3' })
  })
})
