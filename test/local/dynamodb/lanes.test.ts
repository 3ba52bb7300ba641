import { describe, expect, it } from 'vitest'
import { idOf, makeConsumer } from './fixture.ts'

describe('ParallelizationFactor', () => {
  it('hands over several batches of a shard at once, and those of a partition key one after the other', async () => {
    let running = 0
    let most = 0
    const busy = new Set<string>()
    const clashes: string[] = []
    const seen: Record<string, string[]> = {}
    const consumer = await makeConsumer({
      mapping: { ParallelizationFactor: 4, BatchSize: 1 },
      answer: async ({ Records }) => {
        most = Math.max(most, ++running)
        for (const record of Records) {
          const id = idOf(record)
          if (busy.has(id)) clashes.push(id)
          busy.add(id)
          const version = (seen[id] ??= [])
          version.push(String(record.dynamodb.NewImage?.['version']?.['N']))
          await new Promise((resolve) => setImmediate(resolve))
          busy.delete(id)
        }
        running--
        return { payload: '' }
      },
      write: async (put) => {
        for (let version = 1; version <= 5; version++)
          for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) await put(id, { version: { N: String(version) } })
      },
    })
    await consumer.service.drained()
    expect(clashes).toEqual([])
    expect(Object.values(seen)).toEqual(Array.from({ length: 6 }, () => ['1', '2', '3', '4', '5']))
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(4)
  })

  it('lets a batch that fails stop the others of its key only', async () => {
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const done: string[] = []
    const consumer = await makeConsumer({
      mapping: { ParallelizationFactor: 10, BatchSize: 1 },
      answer: async ({ Records: [record] }) => {
        const id = record ? idOf(record) : ''
        if (id === 'a') await held
        done.push(id)
        return { payload: '' }
      },
    })
    await consumer.put('a')
    // One of so many keys is in another lane than "a".
    const others = Array.from({ length: 20 }, (_, index) => `other${index}`)
    for (const id of others) await consumer.put(id)
    consumer.service.wake()
    while (done.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(done).not.toContain('a')
    release()
    await consumer.service.drained()
    expect(done.toSorted()).toEqual(['a', ...others].toSorted())
  })
})
