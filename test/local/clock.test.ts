import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ManualClock, RunningClock, sleep } from '../../local/clock.ts'
import { RunningTime } from '../../local/shared-time.ts'

describe.each([
  [
    'a clock that stands still',
    () => new ManualClock(),
    (clock: ManualClock, ms: number) => clock.advance(ms),
  ],
  ['a clock that runs', () => new RunningClock(), (clock: RunningClock, ms: number) => clock.jump(ms)],
] as const)('%s', (_name, make, moveOn) => {
  const setUp = () => {
    const clock = make()
    return { clock, move: (ms: number) => moveOn(clock as never, ms) }
  }

  it('runs what falls due as it is moved on, in order and each at its own moment', () => {
    const { clock, move } = setUp()
    const start = clock.now()
    const ran: [string, boolean][] = []
    const note = (name: string, dueMs: number) =>
      clock.after(dueMs, () => ran.push([name, isAbout(clock.now() - start, dueMs)]))
    note('second', 20_000_000)
    note('first', 10_000_000)
    note('third', 30_000_000)
    move(29_000_000)
    expect(ran).toEqual([
      ['first', true],
      ['second', true],
    ])
    move(2_000_000)
    expect(ran.at(-1)).toEqual(['third', true])
    expect(isAbout(clock.now() - start, 31_000_000)).toBe(true)
  })

  it('runs those of one moment in the order in which they were set', () => {
    const { clock, move } = setUp()
    const ran: number[] = []
    for (let i = 0; i < 50; i++) clock.after(1_000_000, () => ran.push(i))
    move(2_000_000)
    expect(ran).toEqual([...ran.keys()])
    expect(ran).toHaveLength(50)
  })

  it('runs what is set meanwhile too, if it falls due by then', () => {
    const { clock, move } = setUp()
    let count = 0
    const again = () => {
      count++
      clock.after(60_000, again)
    }
    clock.after(60_000, again)
    move(7_230_000)
    expect(count).toBe(120)
  })

  it('runs nothing that was cancelled, by itself or by another', () => {
    const { clock, move } = setUp()
    const ran: string[] = []
    const cancelled = clock.after(1_000_000, () => ran.push('cancelled'))
    const other = clock.after(2_000_000, () => ran.push('other'))
    const self = clock.after(1_500_000, () => {
      ran.push('self')
      self.cancel()
      other.cancel()
    })
    cancelled.cancel()
    cancelled.cancel()
    move(3_000_000)
    expect(ran).toEqual(['self'])
  })
})

/** A running clock has gone on a little by the time that it is looked at. */
const isAbout = (ms: number, expected: number) => ms >= expected && ms < expected + 600_000

describe('a clock that runs', () => {
  it("begins with the machine's time", () => {
    const before = Date.now()
    const { shared } = new RunningClock()
    expect(shared.startMs).toBeGreaterThanOrEqual(before)
    expect(shared.startMs).toBeLessThanOrEqual(Date.now())
  })

  it.each([1, 20, 0.5])('goes %f times as fast as the machine', (speed) => {
    const clock = new RunningClock({ speed })
    const { originNs, startMs } = clock.shared
    const moments = () => [Number(process.hrtime.bigint() - originNs) / 1e6, clock.now() - startMs] as const
    const [before, least] = moments()
    expect(least).toBeGreaterThanOrEqual(Math.floor(before * speed))
    const [, now] = moments()
    expect(now).toBeLessThanOrEqual((Number(process.hrtime.bigint() - originNs) / 1e6) * speed)
  })

  it('waits in its own time, and never too short', async () => {
    const clock = new RunningClock({ speed: 10_000 })
    const start = clock.now()
    const begun = performance.now()
    await sleep(clock, 600_000)
    expect(clock.now() - start).toBeGreaterThanOrEqual(600_000)
    expect(performance.now() - begun).toBeLessThan(600_000)
  })

  it('does not wait for what a jump has brought near', async () => {
    const clock = new RunningClock()
    const waited = sleep(clock, 3_600_000)
    clock.jump(3_599_990)
    await waited
  })

  it('waits for the first of several, whichever was set first', async () => {
    const clock = new RunningClock({ speed: 1_000 })
    const ran: string[] = []
    const late = sleep(clock, 20_000).then(() => ran.push('late'))
    const early = sleep(clock, 1_000).then(() => ran.push('early'))
    await Promise.all([late, early])
    expect(ran).toEqual(['early', 'late'])
  })

  it('goes on after what fails in a jump, which whoever has it jump learns of', async () => {
    const clock = new RunningClock()
    clock.after(1_000, () => {
      throw new Error('broken')
    })
    const rest = sleep(clock, 1_000)
    expect(() => clock.jump(2_000)).toThrow('broken')
    await rest
  })

  it.each([-1, Number.NaN, Infinity])('refuses to jump by %d ms', (ms) => {
    expect(() => new RunningClock().jump(ms)).toThrow(
      `a clock can't jump by ${ms} ms; expected a number of milliseconds, 0 or more`,
    )
  })

  it.each([0, -1, Number.NaN, Infinity])('refuses to run at speed %d', (speed) => {
    expect(() => new RunningClock({ speed })).toThrow(
      `a clock can't run at speed ${speed}; expected a number above 0`,
    )
  })

  it('knows which moment it was at a moment of the machine, jumps included', () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const clock = new RunningClock({ speed: 20 })
    const { startMs } = clock.shared
    for (const at of [2_000, 4_000]) {
      vi.setSystemTime(startMs + at)
      clock.jump(86_400_000)
    }
    const moments = [-1_000, 1_000, 3_000, 5_000].map((at) => clock.momentOf(startMs + at) - startMs)
    expect(moments.slice(0, 2)).toEqual([-1_000, 20_000])
    // What went by while it jumped is no part of a jump.
    for (const [i, jumps] of [1, 2].entries())
      expect(isAbout((moments[i + 2] ?? 0) + 60_000, jumps * 86_400_000)).toBe(true)
  })

  it('can be read by another thread, the same time at the same moment', async () => {
    const clock = new RunningClock({ speed: 1_000 })
    clock.jump(86_400_000)
    const worker = new Worker(
      `const { workerData: { memory, originNs, startMs, speed }, parentPort } = require('node:worker_threads')
      const jumpedMs = () => Number(Atomics.load(new BigInt64Array(memory, 0, 1), 0)) / 1000
      const now = () => startMs + jumpedMs() + Number(process.hrtime.bigint() - originNs) / 1e6 * speed
      parentPort.on('message', () => parentPort.postMessage(now()))`,
      { eval: true, workerData: clock.shared },
    )
    onTestFinished(async () => {
      await worker.terminate()
    })
    for (let i = 0; i < 3; i++) {
      const before = clock.now()
      const there = await new Promise<number>((resolve) => {
        worker.once('message', resolve)
        worker.postMessage('')
      })
      expect(there).toBeGreaterThanOrEqual(before)
      expect(there).toBeLessThanOrEqual(new RunningTime(clock.shared).now())
      clock.jump(3_600_000)
    }
  })

  it('tells of every jump, those of one moment at once', async () => {
    const clock = new RunningClock()
    const time = new RunningTime(clock.shared)
    let told: (() => void) | undefined
    let count = 0
    time.onJump(() => {
      count++
      told?.()
    })
    const keepAlive = setInterval(() => undefined, 1_000)
    onTestFinished(() => clearInterval(keepAlive))
    for (const expected of [1, 2]) {
      const next = new Promise<void>((resolve) => (told = resolve))
      clock.jump(1)
      clock.jump(1)
      await next
      expect(count).toBe(expected)
      await new Promise(setImmediate)
    }
  })
})
