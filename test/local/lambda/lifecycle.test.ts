import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../local/clock.ts'
import { IDLE_ENVIRONMENT_MS } from '../../../local/lambda/limits.ts'
import { makeFunction, makeFunctions } from './fixture.ts'

const COUNTING = 'let count = 0; export const handler = async () => ++count'

describe('the life of an execution environment', () => {
  it('ends after five minutes without an invocation, and not before', async () => {
    const clock = new ManualClock()
    const { call } = makeFunction(COUNTING, {}, { clock })
    expect(await call('Fn')).toEqual({ reply: 1 })
    clock.advance(IDLE_ENVIRONMENT_MS - 1)
    expect(await call('Fn')).toEqual({ reply: 2 })
    clock.advance(IDLE_ENVIRONMENT_MS - 1)
    expect(await call('Fn')).toEqual({ reply: 3 })
    clock.advance(IDLE_ENVIRONMENT_MS)
    expect(await call('Fn')).toEqual({ reply: 1 })
  })

  it('repeats an init of more than 10 s at the first invocation, within the time of the function', async () => {
    const clock = new ManualClock()
    const { call, logged } = makeFunction(
      `import { existsSync, writeFileSync } from 'node:fs'
       import { join } from 'node:path'
       const mark = join(process.env.LAMBDA_TASK_ROOT, 'begun')
       if (!existsSync(mark)) {
         writeFileSync(mark, '')
         console.log('loading for long')
         await new Promise(() => setInterval(() => {}, 1000))
       }
       export const handler = async () => 'loaded'`,
      {},
      { clock },
    )
    const outcome = call('Fn')
    await logged('loading for long')
    clock.advance(10_000)
    expect((await logged('INIT_REPORT')).text).toBe(
      'INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout',
    )
    expect(await outcome).toEqual({ reply: 'loaded' })
  })

  it('times out when the repeated init takes as long as the function may', async () => {
    const clock = new ManualClock()
    const { call, lines, logged, found } = makeFunction(
      `console.log('loading'); await new Promise(() => setInterval(() => {}, 1000))
       export const handler = async () => 1`,
      { Timeout: 5 },
      { clock },
    )
    const outcome = call('Fn')
    await logged('loading')
    clock.advance(10_000)
    const times = () => lines.filter(({ text }) => text.endsWith('loading')).length
    await found(() => (times() === 2 ? true : undefined))
    clock.advance(5000)
    expect(await outcome).toMatchObject({ reply: { errorType: 'Sandbox.Timedout' } })
  })

  it('has a temporary folder of its own that survives a crash, while globals begin anew', async () => {
    const { call, service } = makeFunction(
      `import { existsSync, writeFileSync } from 'node:fs'
       import { tmpdir } from 'node:os'
       import { join } from 'node:path'
       let count = 0
       export const handler = async ({ exit }) => {
         const file = join(tmpdir(), 'kept')
         const kept = existsSync(file)
         writeFileSync(file, '')
         if (exit) process.exit(1)
         return { count: ++count, kept, folder: tmpdir() }
       }`,
    )
    const first = (await call('Fn')).reply as { folder: string }
    expect(first).toMatchObject({ count: 1, kept: false })
    await call('Fn', { exit: true })
    expect(await call('Fn')).toEqual({ reply: { count: 1, kept: true, folder: first.folder } })
    await service.close()
    expect(existsSync(first.folder)).toBe(false)
  })

  it('keeps its files after a timeout, while globals begin anew', async () => {
    const clock = new ManualClock()
    const { call, logged } = makeFunction(
      `import { existsSync, writeFileSync } from 'node:fs'
       import { tmpdir } from 'node:os'
       import { join } from 'node:path'
       let count = 0
       const file = join(tmpdir(), 'kept')
       export const handler = async ({ hang }) => {
         count++
         if (!hang) return { count, kept: existsSync(file) }
         writeFileSync(file, '')
         console.log('hanging')
         await new Promise(() => setInterval(() => {}, 1000))
       }`,
      { Timeout: 5 },
      { clock },
    )
    const hanging = call('Fn', { hang: true })
    await logged('hanging')
    clock.advance(5000)
    expect(await hanging).toMatchObject({ reply: { errorType: 'Sandbox.Timedout' } })
    expect(await call('Fn')).toEqual({ reply: { count: 1, kept: true } })
  })

  it('has 3 s and 128 MB unless the template says otherwise', async () => {
    const clock = new ManualClock()
    const { call, logged } = makeFunction(
      `export const handler = async (_event, { memoryLimitInMB }) => {
         console.log('has ' + memoryLimitInMB)
         await new Promise(() => setInterval(() => {}, 1000))
       }`,
      {},
      { clock },
    )
    const outcome = call('Fn')
    await logged('has 128')
    clock.advance(3000)
    expect(await outcome).toMatchObject({
      reply: { errorMessage: expect.stringMatching(/Task timed out after 3\.00 seconds$/) as unknown },
    })
  })

  it('fails the next invocation with a rejection that nobody awaited in the last', async () => {
    const { call } = makeFunction(
      `export const handler = async ({ leave }) => {
         if (leave) setTimeout(() => Promise.reject(new Error('late')), 1)
         else await new Promise((resolve) => setTimeout(resolve, 1000))
         return 'replied'
       }`,
    )
    expect(await call('Fn', { leave: true })).toEqual({ reply: 'replied' })
    expect(await call('Fn')).toMatchObject({
      functionError: 'Unhandled',
      reply: { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'Error: late' },
    })
  })

  it('goes on after a handler whose promise never settles', async () => {
    const { call } = makeFunction(
      `let count = 0
       export const handler = async ({ never }) => { count++; if (never) await new Promise(() => {}); return count }`,
    )
    expect(await call('Fn', { never: true })).toMatchObject({ reply: { errorType: 'Runtime.NodeJsExit' } })
    expect(await call('Fn')).toEqual({ reply: 2 })
  })

  it('waits for what a module awaits at its top level', async () => {
    const { call } = makeFunction(
      `const value = await new Promise((resolve) => setTimeout(() => resolve('awaited'), 5))
       export const handler = async () => value`,
    )
    expect(await call('Fn')).toEqual({ reply: 'awaited' })
  })

  it('shows ES modules nothing of CommonJS', async () => {
    const { call } = makeFunction(
      `export const handler = async () => [typeof require, typeof module, typeof exports, typeof __filename, typeof __dirname]`,
    )
    expect(new Set((await call('Fn')).reply as string[])).toEqual(new Set(['undefined']))
  })

  it('ends alone when it runs out of memory', async () => {
    const { call } = makeFunctions({
      files: {
        'index.mjs': `const kept = []
          export const eat = async () => { for (;;) kept.push(new Array(1e5).fill({})) }
          export const echo = async (event) => event`,
      },
      functions: { Eat: { Handler: 'index.eat', Timeout: 60 }, Echo: { Handler: 'index.echo' } },
    })
    const eaten = call('Eat')
    expect(await call('Echo', [1])).toEqual({ reply: [1] })
    expect(await eaten).toEqual({
      functionError: 'Unhandled',
      reply: {
        errorType: 'Runtime.ExitError',
        errorMessage: expect.stringMatching(
          /^RequestId: [-\da-f]{36} Error: Runtime exited with error: signal: killed$/,
        ) as unknown,
      },
    })
    expect(await call('Echo', [2])).toEqual({ reply: [2] })
  })
})
