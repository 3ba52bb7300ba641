import { describe, expect, it } from 'vitest'
import { measureBatch } from '../../../local/dynamodb/batch.ts'
import type { StreamRecord } from '../../../local/dynamodb/stream.ts'

/** A record of so many bytes of JSON. */
function record(bytes: number): StreamRecord {
  const of = (text: string) => ({ eventID: text }) as StreamRecord
  return of('x'.repeat(bytes - JSON.stringify(of('')).length))
}

const MB = 1024 * 1024
/** `{"Records":[]}`, and a comma for each record after the first. */
const ENVELOPE = 14

describe('measureBatch', () => {
  it.each([
    { sizes: [100, 100], batchSize: 3, count: 2, isFull: false },
    { sizes: [100, 100, 100], batchSize: 2, count: 2, isFull: true },
    { sizes: [100, 100], batchSize: 2, count: 2, isFull: true },
    { sizes: [3 * MB, 3 * MB - ENVELOPE - 1], batchSize: 10, count: 2, isFull: false },
    { sizes: [3 * MB, 3 * MB - ENVELOPE], batchSize: 10, count: 1, isFull: true },
    { sizes: [7 * MB, 100], batchSize: 10, count: 1, isFull: true },
    { sizes: [], batchSize: 10, count: 0, isFull: false },
  ])('takes $count of $sizes by $batchSize', ({ sizes, batchSize, count, isFull }) => {
    expect(measureBatch(sizes.map(record), batchSize)).toEqual({ count, isFull })
  })
})
