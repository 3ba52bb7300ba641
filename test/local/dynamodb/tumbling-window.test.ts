import { describe, expect, it, vi } from 'vitest'
import { ManualClock } from '../../../local/clock.ts'
import { TumblingWindow } from '../../../local/dynamodb/tumbling-window.ts'
import { STREAM_ARN, type StreamEvent, makeConsumer } from './fixture.ts'

const MINUTE = 60_000
const windowed = { TumblingWindowInSeconds: 60, BatchSize: 2, MaximumRetryAttempts: 1 }
const counted = ({ state, Records }: StreamEvent) => {
  const { count = 0 } = state as { count?: number }
  return { payload: JSON.stringify({ state: { count: count + Records.length } }) }
}
const inBrief = ({ Records, state, isFinalInvokeForWindow, isWindowTerminatedEarly }: StreamEvent) => ({
  records: Records.length,
  state,
  final: isFinalInvokeForWindow,
  early: isWindowTerminatedEarly,
})

/** Stands at the start of the minute, so that no record falls beyond the window. */
function startOfMinute() {
  const now = Date.now()
  return new ManualClock(now - (now % MINUTE))
}

describe('a tumbling window', () => {
  it('hands the state from batch to batch, and closes once the window is over', async () => {
    const clock = startOfMinute()
    const consumer = await makeConsumer({
      mapping: windowed,
      clock,
      answer: counted,
      write: async (put) => {
        for (const id of ['a', 'b', 'c']) await put(id)
      },
    })
    await consumer.service.drained()
    const { window, ...first } = consumer.events[0] ?? { window: undefined }
    const { start, end } = window as { start: string; end: string }
    expect(Date.parse(end) - Date.parse(start)).toBe(MINUTE)
    expect(start).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:00Z$/)
    expect(first).toMatchObject({
      state: {},
      shardId: expect.stringMatching(/^shardId-/) as string,
      eventSourceARN: STREAM_ARN,
      isFinalInvokeForWindow: false,
      isWindowTerminatedEarly: false,
    })
    // All but a test that runs over the turn of a minute has one window; the last one closes in any case.
    clock.advance(2 * MINUTE)
    consumer.service.wake()
    await vi.waitFor(() => expect(consumer.events.at(-1)?.['isFinalInvokeForWindow']).toBe(true))
    expect(consumer.events.slice(0, 2).map(inBrief)).toEqual([
      { records: 2, state: {}, final: false, early: false },
      { records: 1, state: { count: 2 }, final: false, early: false },
    ])
    expect(consumer.events.slice(2).map(inBrief)).toEqual([
      { records: 0, state: { count: 3 }, final: true, early: false },
    ])
  })

  it('fails the batch when the reply has no state, and keeps the state that was', async () => {
    let calls = 0
    const consumer = await makeConsumer({
      mapping: { ...windowed, BisectBatchOnFunctionError: false },
      answer: (event) => (++calls === 2 ? { payload: '{}' } : counted(event)),
      write: async (put) => {
        for (const id of ['a', 'b', 'c']) await put(id)
      },
    })
    await consumer.service.drained()
    expect(consumer.events.map(({ state }) => state).slice(0, 3)).toEqual([{}, { count: 2 }, { count: 2 }])
  })

  it('ends early when the state outgrows 1 MB', async () => {
    let isHuge = true
    const consumer = await makeConsumer({
      mapping: windowed,
      clock: startOfMinute(),
      answer: (event) => {
        const payload = isHuge ? JSON.stringify({ state: { text: 'x'.repeat(1024 * 1024) } }) : ''
        isHuge = false
        return payload ? { payload } : counted(event)
      },
      write: async (put) => {
        for (const id of ['a', 'b', 'c']) await put(id)
      },
    })
    await consumer.service.drained()
    expect(consumer.events.map(inBrief).map(({ records, final, early }) => [records, final, early])).toEqual([
      [2, false, false],
      [0, true, true],
      [1, false, false],
    ])
    expect(consumer.events[2]?.['state']).toEqual({})
  })

  it('begins at a multiple of its length', () => {
    const window = new TumblingWindow(Date.UTC(2026, 10, 23, 9, 1, 30), 2 * MINUTE, 'shard', STREAM_ARN)
    expect(window.event([])).toMatchObject({
      window: { start: '2026-11-23T09:00:00Z', end: '2026-11-23T09:02:00Z' },
    })
  })
})
