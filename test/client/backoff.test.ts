import { describe, expect, it } from 'vitest'
import { DEFAULT_BACKOFF, delayMs } from '../../client/backoff.ts'
import { seeded } from './seeded.ts'

describe('delayMs', () => {
  it('doubles its ceiling with each attempt, up to the cap', () => {
    const ceilings = [0, 1, 2, 8, 9, 40].map((attempt) => delayMs(attempt, () => 1, DEFAULT_BACKOFF))
    expect(ceilings).toEqual([1_000, 2_000, 4_000, 256_000, 400_000, 400_000])
  })

  it('is anything down to nothing', () => {
    expect(delayMs(5, () => 0, DEFAULT_BACKOFF)).toBe(0)
  })

  it('brings 100,000 clients back at no more than 500 a second, where the server says 200 s', () => {
    const random = seeded(7)
    const perSecond = new Map<number, number>()
    for (let client = 0; client < 100_000; client++) {
      const second = Math.floor(delayMs(0, random, { baseMs: 200_000, capMs: 400_000 }) / 1000)
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1)
    }
    // 500 on average; what one second holds more than that is chance, and is refused and spread anew.
    const arrivals = [...perSecond.values()]
    expect(arrivals.reduce((sum, count) => sum + count)).toBe(100_000)
    expect(arrivals).toHaveLength(200)
    expect(Math.max(...arrivals)).toBeLessThan(600)
  })
})
