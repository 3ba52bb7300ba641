import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../local/clock.ts'
import { makeFunction, makeFunctions } from './fixture.ts'

/** Each waits until so many are under way together, and answers with a number that only its environment has. */
const MEETING = `
  import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
  import { setTimeout } from 'node:timers/promises'
  const me = Math.random()
  export const handler = async ({ place, count }) => {
    mkdirSync(place, { recursive: true })
    writeFileSync(place + '/' + me, '')
    while (readdirSync(place).length < count) await setTimeout(5)
    return me
  }`

describe('a function', () => {
  it.each([
    ['index.mjs', 'export const handler = async (event) => ({ got: event.n })'],
    ['index.cjs', 'exports.handler = async (event) => ({ got: event.n })'],
    ['index.js', 'exports.handler = async (event) => ({ got: event.n })'],
  ])('replies from %s', async (file, code) => {
    const { call } = makeFunctions({ files: { [file]: code }, functions: { Fn: {} } })
    expect(await call('Fn', { n: 7 })).toEqual({ reply: { got: 7 } })
  })

  it('replies null when the handler gives undefined', async () => {
    const { call } = makeFunction('export const handler = async () => undefined')
    expect(await call('Fn')).toEqual({ reply: null })
  })

  it('keeps the state of its modules between invocations', async () => {
    const { call } = makeFunction('let count = 0; export const handler = async () => ++count')
    expect([await call('Fn'), await call('Fn')]).toEqual([{ reply: 1 }, { reply: 2 }])
  })

  it('stands still between invocations: a timer that nobody awaits fires in the next one', async () => {
    const { call, lines, logged } = makeFunctions({
      files: {
        'index.mjs': `export const handler = async (event) => {
            if (event.start) setTimeout(() => console.log('fired'), 1)
            else await new Promise((resolve) => setTimeout(resolve, 5))
          }
          export const other = async () => {
            await new Promise((resolve) => setTimeout(resolve, 20))
          }`,
      },
      functions: { Fn: {}, Other: { Handler: 'index.other' } },
    })
    await call('Fn', { start: true })
    await call('Other')
    expect(lines.filter(({ text }) => text.includes('fired'))).toEqual([])
    await call('Fn')
    const { text } = await logged('fired')
    const starts = lines.filter((line) => line.source === 'Fn' && line.text.startsWith('START'))
    const [, second] = starts.map((line) => line.text.split(' ')[2])
    expect(text.split('\t')[1]).toBe(second)
  })

  it('handles invocations that take long at the same time, in environments of their own', async () => {
    const { call, taskRoot } = makeFunction(MEETING)
    const event = { place: join(taskRoot, 'meeting'), count: 3 }
    const outcomes = await Promise.all([call('Fn', event), call('Fn', event), call('Fn', event)])
    expect(new Set(outcomes.map(({ reply }) => reply)).size).toBe(3)
  })

  it('handles short invocations one after another in one environment', async () => {
    const { call } = makeFunction(
      'let n = 0; export const handler = async () => ++n',
      {},
      { patienceMs: 60_000 },
    )
    const outcomes = await Promise.all(Array.from({ length: 40 }, () => call('Fn')))
    expect(outcomes.map(({ reply }) => reply)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
  })

  it('gives what lay ready behind an invocation that ended its environment to another one', async () => {
    const { call } = makeFunction(
      "export const handler = async ({ exit }) => (exit ? process.exit(1) : 'done')",
    )
    await call('Fn')
    const outcomes = await Promise.all([{ exit: true }, {}, {}].map((event) => call('Fn', event)))
    expect(outcomes.map(({ functionError, reply }) => functionError ?? reply)).toEqual([
      'Unhandled',
      'done',
      'done',
    ])
  })

  it('counts the timeout from the moment at which an invocation begins', async () => {
    const clock = new ManualClock()
    const { call, logged } = makeFunction(
      `export const handler = async ({ hold }) => {
         if (!hold) return 'done'
         console.log('holding')
         await new Promise(() => setInterval(() => {}, 1000))
       }`,
      { Timeout: 3 },
      { clock },
    )
    const first = call('Fn', { hold: true })
    await logged('holding')
    clock.advance(2_999)
    await expect(call('Fn', {})).resolves.toEqual({ reply: 'done' }) // in an environment of its own
    clock.advance(1)
    await expect(first).resolves.toMatchObject({ functionError: 'Unhandled' })
  })

  it('logs lines with time, request id and level', async () => {
    const { call, logged } = makeFunction(
      `export const handler = async (_event, context) => {
         console.warn('n is %d', 5)
         return context.awsRequestId
       }`,
    )
    const { reply } = await call('Fn')
    const { source, text } = await logged('n is 5')
    expect(source).toBe('Fn')
    expect(text.split('\t').slice(1)).toEqual([reply, 'WARN', 'n is 5'])
    expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t/)
  })

  it('has the variables of Lambda and its own, and none of the host', async () => {
    process.env['LAMBDA_TEST_HOST_SECRET'] = 'leaks'
    const { call, taskRoot } = makeFunction('export const handler = async () => ({ ...process.env })', {
      Environment: { Variables: { TABLE: 'Tasks' } },
      MemorySize: 256,
    })
    const reply = (await call('Fn')).reply as Record<string, string>
    delete process.env['LAMBDA_TEST_HOST_SECRET']
    expect(reply).toMatchObject({
      TABLE: 'Tasks',
      _HANDLER: 'index.handler',
      AWS_REGION: 'eu-west-1',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_LAMBDA_FUNCTION_NAME: 'Fn',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      LAMBDA_TASK_ROOT: taskRoot,
    })
    expect(reply).not.toHaveProperty('LAMBDA_TEST_HOST_SECRET')
    expect(reply).not.toHaveProperty('HOME')
  })

  it('starts with NODE_OPTIONS that a thread can not have, and sees them', async () => {
    const { call } = makeFunction('export const handler = async () => process.env.NODE_OPTIONS', {
      Environment: { Variables: { NODE_OPTIONS: '--max-http-header-size=16384' } },
    })
    expect(await call('Fn')).toEqual({ reply: '--max-http-header-size=16384' })
  })

  it('may set the variables that Lambda does not reserve, and no others', async () => {
    const free = { TZ: 'Europe/Berlin', NODE_PATH: '/x', LANG: 'C', PATH: '/bin' }
    const { call } = makeFunction('export const handler = async () => ({ ...process.env })', {
      Environment: { Variables: { ...free, AWS_REGION: 'us-east-1', _HANDLER: 'other.handler' } },
    })
    expect((await call('Fn')).reply).toMatchObject({
      ...free,
      AWS_REGION: 'eu-west-1',
      _HANDLER: 'index.handler',
    })
  })
})
