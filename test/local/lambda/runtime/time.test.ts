import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { build } from 'esbuild'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RunningClock } from '../../../../local/clock.ts'
import type { InvokeResult } from '../../../../local/lambda/invoker.ts'
import { makeFunction } from '../fixture.ts'

const HOUR_MS = 3_600_000

/** Once what comes after it has begun to wait. */
const SAY_SOON = `setImmediate(() => console.log('waits'))`

/** A function whose handler is the body of an async function, in a stack whose time is another one. */
function inTime(body: string, { clock = new RunningClock(), top = '' } = {}) {
  const code = `${top}\nexport const handler = async (event, context) => { ${body} }`
  return { clock, ...makeFunction(code, { Timeout: 900 }, { clock }) }
}

const reply = async (body: string, options: Parameters<typeof inTime>[1] = {}) =>
  (await inTime(body, options).call('Fn')).reply

describe('the date of a function', () => {
  it('is the time of the clock, by every way to ask', async () => {
    const clock = new RunningClock({ speed: 100 })
    clock.jump(5 * HOUR_MS)
    const before = clock.now()
    const moments = (await reply(
      `class Own extends Date {}
      return [Date.now(), +new Date(), +new Own(), Date.parse(Date()) + 1000, +new (new Date().constructor)(),
        +Reflect.construct(Date, []), +new (class extends Own { constructor() { super() } })()]`,
      { clock },
    )) as number[]
    expect(moments).toHaveLength(7)
    for (const moment of moments) {
      expect(Number.isInteger(moment)).toBe(true)
      expect(moment).toBeGreaterThanOrEqual(before)
      expect(moment).toBeLessThanOrEqual(clock.now() + 1_000)
    }
  })

  it('is of the class that Node has, in all else', async () => {
    expect(
      await reply(
        `const own = class Own extends Date { get year() { return this.getUTCFullYear() } }
        const at = new Date(0)
        return {
          instance: [at instanceof Date, new own() instanceof Date, new own(0).year, new own().constructor.name],
          tag: Object.prototype.toString.call(at),
          isDate: (await import('node:util')).types.isDate(new Date()),
          text: [typeof Date(), String(Date).includes('native code'), Date.name, Date.length, Date.now.name],
          made: [at.toISOString(), new Date('2026-11-23').getTime(), new Date(2026, 10).getMonth(), +new Date(undefined)],
          of: [Date.parse('1970-01-02'), Date.UTC(1970, 0, 2)],
          same: [at.constructor === Date, Date.prototype.constructor === Date, Object.keys(globalThis).includes('Date')],
          json: JSON.stringify({ at }), clone: structuredClone(at) instanceof Date,
        }`,
      ),
    ).toEqual({
      instance: [true, true, 1970, 'Own'],
      tag: '[object Date]',
      isDate: true,
      text: ['string', true, 'Date', 7, 'now'],
      made: ['1970-01-01T00:00:00.000Z', Date.UTC(2026, 10, 23), 10, null],
      of: [86_400_000, 86_400_000],
      same: [true, true, false],
      json: '{"at":"1970-01-01T00:00:00.000Z"}',
      clone: true,
    })
  })

  it('is that of the clock as its code loads, and after it was frozen', async () => {
    const clock = new RunningClock()
    clock.jump(24 * HOUR_MS)
    const before = clock.now()
    const { call } = inTime('return [loaded, Date.now()]', { clock, top: 'const loaded = Date.now()' })
    const [loaded] = (await call('Fn')).reply as [number, number]
    expect(loaded).toBeGreaterThanOrEqual(before)
    clock.jump(HOUR_MS)
    const [, now] = (await call('Fn')).reply as [number, number]
    expect(now).toBeGreaterThanOrEqual(before + HOUR_MS)
    expect(now).toBeLessThanOrEqual(clock.now())
  })

  it('goes with the time that it has left', async () => {
    const { call, clock, logged } = inTime(
      `setImmediate(() => console.log('begun ' + context.getRemainingTimeInMillis()))
      await new Promise((resolve) => setTimeout(resolve, 600_000))
      return context.getRemainingTimeInMillis()`,
    )
    const left = call('Fn')
    const first = Number(/begun (\d+)/.exec((await logged('begun')).text)?.[1])
    expect(first).toBeLessThanOrEqual(900_000)
    clock.jump(600_000)
    expect((await left).reply).toBeLessThanOrEqual(300_000)
  })
})

it('gives an invocation that begins as the clock jumps its whole time', async () => {
  const { clock, service } = inTime('return context.getRemainingTimeInMillis()')
  const result = new Promise<InvokeResult>((resolve) => {
    clock.after(60_000, () => resolve(service.invoke('Fn', {})))
  })
  clock.jump(2 * HOUR_MS)
  const { payload, functionError } = await result
  expect(functionError).toBeUndefined()
  expect(Number(payload)).toBeGreaterThan(600_000)
})

describe('the timers of a function', () => {
  /** Ways to wait ten minutes. */
  const WAYS = {
    setTimeout: `await new Promise((resolve) => setTimeout(resolve, 600_000))`,
    'a bound setTimeout': `await new Promise((resolve) => globalThis.setTimeout.call(undefined, resolve, '600000'))`,
    'node:timers': `await new Promise((resolve) => timers.setTimeout(resolve, 600_000))`,
    'the names of node:timers': `await new Promise((resolve) => named(resolve, 600_000))`,
    'node:timers of CommonJS': `await new Promise((resolve) => require('timers').setTimeout(resolve, 600_000))`,
    'node:timers/promises': `await promises.setTimeout(600_000)`,
    'the names of node:timers/promises': `await namedPromise(600_000)`,
    'node:timers/promises of CommonJS': `await require('node:timers').promises.setTimeout(600_000)`,
    'scheduler.wait': `await promises.scheduler.wait(600_000)`,
    promisify: `await promisify(setTimeout)(600_000)`,
    setInterval: `await new Promise((resolve) => { const i = setInterval(() => { clearInterval(i); resolve() }, 600_000) })`,
    'setInterval of promises': `for await (const tick of promises.setInterval(600_000)) break`,
    'AbortSignal.timeout': `
      const alive = setInterval(() => {}, 100)
      await new Promise((resolve) => { AbortSignal.timeout(600_000).onabort = resolve })
      clearInterval(alive)`,
  }
  const TOP = `
    import { createRequire } from 'node:module'
    import timers, { setTimeout as named } from 'node:timers'
    import promises, { setTimeout as namedPromise } from 'node:timers/promises'
    import { promisify } from 'node:util'
    const require = createRequire(import.meta.url)`

  it.each(Object.entries(WAYS))('wait in the time of the clock, by %s', async (_name, wait) => {
    const { call, clock, logged } = inTime(
      `const start = Date.now(); ${SAY_SOON}; ${wait}; return Date.now() - start`,
      { top: TOP },
    )
    const waited = call('Fn')
    await logged('waits')
    clock.jump(600_000)
    expect((await waited).reply).toBeGreaterThanOrEqual(600_000)
  })

  it('go as fast as the clock, twenty times as fast as the machine', async () => {
    const clock = new RunningClock({ speed: 20 })
    const { waited, took } = (await reply(
      `const start = Date.now(), begun = performance.now()
      await new Promise((resolve) => setTimeout(resolve, 10_000))
      return { waited: Date.now() - start, took: performance.now() - begun }`,
      { clock },
    )) as { waited: number; took: number }
    expect(waited).toBeGreaterThanOrEqual(10_000)
    // Both were looked at within moments of each other, which a busy machine may draw out.
    expect(Math.abs(waited - 20 * took)).toBeLessThan(5_000)
  })

  it('come in the order in which they fall due when time jumps, with promises in between', async () => {
    const { call, clock, logged } = inTime(
      `const ran = []
      const at = (ms, name) => setTimeout(() => { ran.push(name); Promise.resolve().then(() => ran.push(name + '!')) }, ms)
      at(300_000, 'c'); at(100_000, 'a'); at(200_000, 'b'); at(100_000, 'a2')
      ${SAY_SOON}
      await new Promise((resolve) => setTimeout(resolve, 400_000))
      return ran`,
    )
    const ran = call('Fn')
    await logged('waits')
    clock.jump(500_000)
    expect((await ran).reply).toEqual(['a', 'a!', 'a2', 'a2!', 'b', 'b!', 'c', 'c!'])
  })

  it('that were left running go on when the function does', async () => {
    const { call, clock } = inTime(
      `const seen = ran; setTimeout(() => ran++, 200_000).unref(); await new Promise((r) => setTimeout(r, 50)); return [seen, ran]`,
      { top: 'let ran = 0' },
    )
    expect((await call('Fn')).reply).toEqual([0, 0])
    clock.jump(210_000) // no longer than an environment rests
    expect((await call('Fn')).reply).toEqual([0, 1])
  })

  it('are as Node has them', async () => {
    expect(
      await reply(
        `const t = setTimeout(() => {}, 1e6)
        const seen = { name: t.constructor.name, ref: [t.hasRef(), t.unref() === t, t.hasRef(), t.ref() === t, t.hasRef()] }
        seen.number = [typeof t[Symbol.toPrimitive](), +t > 0]
        seen.args = await new Promise((resolve) => setTimeout((...args) => resolve(args), 1, 'a', 2))
        seen.that = await new Promise((resolve) => { const u = setTimeout(function () { resolve(this === u) }, 1) })
        let ran = 0
        const count = () => ran++
        clearTimeout(+setTimeout(count, 1)); clearTimeout(String(+setTimeout(count, 1))); clearInterval(setTimeout(count, 1))
        clearTimeout(setInterval(count, 1)); setTimeout(count, 1).close(); setTimeout(count, 1)[Symbol.dispose]()
        const cleared = setTimeout(count, 1); clearTimeout(cleared); cleared.refresh()
        clearTimeout(); clearTimeout(null); clearTimeout({}); clearTimeout(12345678); clearInterval('no number')
        await new Promise((resolve) => setTimeout(resolve, 30))
        seen.cleared = ran
        const again = setTimeout(count, 1)
        await new Promise((resolve) => setTimeout(resolve, 30))
        again.refresh()
        await new Promise((resolve) => setTimeout(resolve, 30))
        seen.refreshed = ran
        let rounds = 0
        await new Promise((resolve) => { const i = setInterval((by) => { if ((rounds += by) === 6) { clearInterval(i); resolve() } }, 1, 2) })
        seen.rounds = rounds
        seen.names = [setTimeout, clearTimeout, setInterval, clearInterval].map((each) => each.name)
        const start = Date.now()
        for (const delay of [undefined, null, -1, NaN, 'x', 2 ** 31, Infinity]) await new Promise((resolve) => setTimeout(resolve, delay))
        seen.isShort = Date.now() - start < 100_000
        clearTimeout(t)
        return seen`,
      ),
    ).toEqual({
      name: 'Timeout',
      ref: [true, true, false, true, true],
      number: ['number', true],
      args: ['a', 2],
      that: true,
      cleared: 0,
      refreshed: 2,
      rounds: 6,
      names: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
      isShort: true,
    })
  })

  it('refuse what Node refuses, in its words', async () => {
    expect(
      await reply(
        `const said = async (act) => { try { return await act() } catch (error) { return error.code } }
        return Promise.all([
          said(() => setTimeout('code', 1)),
          said(() => setInterval(undefined, 1)),
          said(() => promises.setTimeout(1, 0, { signal: 1 })),
          said(() => promises.setTimeout(1, 0, { ref: 1 })),
          said(() => promises.setTimeout(1, 0, 1)),
          said(async () => { for await (const tick of promises.setInterval(1, 0, { signal: 1 })) return tick }),
          said(() => AbortSignal.timeout(-1)),
        ])`,
        { top: TOP },
      ),
    ).toEqual([...Array<string>(6).fill('ERR_INVALID_ARG_TYPE'), 'ERR_OUT_OF_RANGE'])
  })

  it('end by a signal', async () => {
    expect(
      await reply(
        `const said = async (act) => { try { return await act() } catch ({ name, code, message, cause }) { return [name, code, message, cause.name] } }
        const { setTimeout: wait, setInterval: ticks } = promises
        const after = new AbortController()
        const waits = said(() => wait(1e6, 0, { signal: after.signal }))
        const tickt = said(async () => { for await (const tick of ticks(1e6, 0, { signal: after.signal })); })
        after.abort()
        return Promise.all([
          waits, tickt,
          said(() => wait(1e6, 0, { signal: AbortSignal.abort() })),
          said(async () => { for await (const tick of ticks(1e6, 0, { signal: AbortSignal.abort() })); }),
          said(() => wait(1e6, 0, { signal: AbortSignal.timeout(5) })),
          wait(1, 'value', { signal: new AbortController().signal }),
        ])`,
        { top: TOP },
      ),
    ).toEqual([
      ...Array<unknown>(4).fill(['AbortError', 'ABORT_ERR', 'The operation was aborted', 'AbortError']),
      ['AbortError', 'ABORT_ERR', 'The operation was aborted', 'TimeoutError'],
      'value',
    ])
  })

  it('give every tick of an interval, those included that came while nobody asked', async () => {
    expect(
      await reply(
        `let count = 0, later
        for await (const value of promises.setInterval(2, 'tick')) {
          if (count === 0) await new Promise((resolve) => setTimeout(resolve, 40))
          if (++count === 5) return value
        }`,
        { top: TOP },
      ),
    ).toBe('tick')
  })

  it('keep what AsyncLocalStorage has where they were set', async () => {
    expect(
      await reply(
        `const storage = new AsyncLocalStorage()
        const seen = []
        const note = (resolve) => { seen.push(storage.getStore()); resolve() }
        await Promise.all(['a', 'b'].map((name) => storage.run(name, () => new Promise((resolve) => setTimeout(note, 5, resolve)))))
        return seen`,
        { top: `import { AsyncLocalStorage } from 'node:async_hooks'` },
      ),
    ).toEqual(['a', 'b'])
  })

  it('keep an invocation waiting only if they are not unreferenced', async () => {
    const never = `return new Promise(() => setTimeout(() => {}, 600_000).unref())`
    expect(await reply(never)).toMatchObject({ errorType: 'Runtime.NodeJsExit' })
  })

  it('end an invocation whose callback throws', async () => {
    const { call } = inTime(
      `setTimeout(() => { throw new Error('late') }, 1); return new Promise((resolve) => setTimeout(resolve, 600_000))`,
    )
    expect((await call('Fn')).reply).toMatchObject({ errorType: 'Error', errorMessage: 'late' })
  })
})

it("takes a test's own thread along, which is off by as much as it is told", async () => {
  const bundle = await build({
    stdin: {
      contents: `
        import { parentPort, workerData } from 'node:worker_threads'
        import { liveIn } from './local/lambda/runtime/time.ts'
        liveIn(workerData.shared, { skewMs: workerData.skewMs })
        const start = Date.now()
        setTimeout(() => parentPort.postMessage({ start, end: Date.now() }), 2 * ${HOUR_MS})
        setImmediate(() => parentPort.postMessage('waits'))`,
      resolveDir: process.cwd(),
    },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
  })
  for (const skewMs of [0, 600_000, -600_000]) {
    const clock = new RunningClock()
    clock.jump(24 * HOUR_MS)
    const before = clock.now()
    const worker = new Worker(bundle.outputFiles[0]?.text ?? '', {
      eval: true,
      workerData: { shared: clock.shared, skewMs },
    })
    onTestFinished(async () => {
      await worker.terminate()
    })
    await once(worker, 'message')
    const ended = once(worker, 'message') as Promise<[{ start: number; end: number }]>
    clock.jump(2 * HOUR_MS)
    const [{ start, end }] = await ended
    expect(start).toBeGreaterThanOrEqual(before + skewMs)
    expect(end - start).toBeGreaterThanOrEqual(2 * HOUR_MS)
    expect(end).toBeLessThanOrEqual(clock.now() + skewMs)
  }
})

it('leaves all as Node has it with the clock of the machine', async () => {
  const code = `export const handler = async () => [String(Date.now), typeof setTimeout(() => {}, 1)._idleTimeout]`
  const [now, idle] = (await makeFunction(code).call('Fn')).reply as string[]
  expect(now).toContain('[native code]')
  expect(idle).toBe('number')
})
