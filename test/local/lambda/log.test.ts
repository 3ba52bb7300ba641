import { describe, expect, it } from 'vitest'
import { ManualClock, RunningClock } from '../../../local/clock.ts'
import { makeFunction } from './fixture.ts'

const JSON_FORMAT = {
  LoggingConfig: { LogFormat: 'JSON', ApplicationLogLevel: 'WARN', SystemLogLevel: 'INFO' },
}

describe("a function's log", () => {
  it('frames an invocation with INIT_START, START, END and REPORT', async () => {
    const { call, lines } = makeFunction(
      `console.log('loading')
       export const handler = async () => { console.log('two\\nlines'); console.error('bad') }`,
    )
    await call('Fn')
    await call('Fn')
    const time = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z'
    const id = '[-\\da-f]{36}'
    const patterns = [
      '^INIT_START Runtime Version: nodejs:24\\.v\\d+$',
      `^${time}\\tundefined\\tINFO\\tloading$`,
      `^START RequestId: ${id} Version: \\$LATEST$`,
      `^${time}\\t${id}\\tINFO\\ttwo\\nlines$`,
      `^${time}\\t${id}\\tERROR\\tbad$`,
      `^END RequestId: ${id}$`,
      `^REPORT RequestId: ${id}\\tDuration: \\d+\\.\\d\\d ms\\tBilled Duration: \\d+ ms\\tMemory Size: 128 MB\\tMax Memory Used: \\d+ MB\\tInit Duration: \\d+\\.\\d\\d ms$`,
      `^START RequestId: ${id} Version: \\$LATEST$`,
    ]
    for (const [index, pattern] of patterns.entries()) expect(lines[index]?.text).toMatch(new RegExp(pattern))
    expect(lines.at(-1)?.text).toMatch(/Max Memory Used: \d+ MB$/) // warm: no Init Duration
  })

  it('says how a failed invocation ended', async () => {
    const clock = new ManualClock()
    const { call, logged } = makeFunction(
      `export const handler = async ({ hang }) => {
         if (!hang) throw new Error('boom')
         console.log('hanging')
         await new Promise(() => setInterval(() => {}, 1000))
       }`,
      {},
      { clock },
    )
    await call('Fn')
    expect((await logged('Invoke Error')).text).toMatch(
      /\tERROR\tInvoke Error \t\{"errorType":"Error","errorMessage":"boom"/,
    )
    expect((await logged('REPORT')).text).toMatch(/\tStatus: error$/)
    const hanging = call('Fn', { hang: true })
    await logged('hanging')
    clock.advance(3000)
    await hanging
    expect((await logged('Task timed out after 3.00 seconds')).level).toBeDefined()
    expect((await logged('Status: timeout')).text).toMatch(/^REPORT/)
  })

  it.each(['JSON', 'Text'])('tells the time of a clock that functions live by, in %s', async (LogFormat) => {
    const clock = new RunningClock()
    clock.jump(86_400_000)
    const before = clock.now()
    const { call, lines, logged } = makeFunction(
      `export const handler = () => new Promise((resolve) => { setTimeout(resolve, 1e6); console.warn('hanging') })`,
      { LoggingConfig: { LogFormat } },
      { clock },
    )
    const hanging = call('Fn')
    await logged('hanging')
    clock.jump(3_000)
    await hanging
    const times = lines.flatMap(({ text }) => text.match(/\d{4}-\d\d-\d\dT[\d:.]+Z/) ?? [])
    expect(times.length).toBeGreaterThanOrEqual(2)
    for (const time of times) {
      expect(Date.parse(time)).toBeGreaterThanOrEqual(before)
      expect(Date.parse(time)).toBeLessThanOrEqual(clock.now())
    }
  })

  it('is JSON with LogFormat JSON, from the levels on that are asked for', async () => {
    const { call, lines } = makeFunction(
      `export const handler = async () => {
         console.info('too light')
         console.warn({ n: 1 })
         console.error('with %s', 'text', new TypeError('boom'))
       }`,
      JSON_FORMAT,
    )
    await call('Fn')
    const parsed = lines.map(({ text }) => JSON.parse(text) as Record<string, unknown>)
    expect(parsed.map(({ type, level }) => type ?? level)).toEqual([
      'platform.initStart',
      'platform.start',
      'WARN',
      'ERROR',
      'platform.report',
    ])
    expect(parsed[2]).toMatchObject({ message: { n: 1 }, requestId: expect.any(String) as unknown })
    expect(parsed[3]).toMatchObject({ errorType: 'TypeError', errorMessage: 'boom' })
    expect(parsed[4]).toMatchObject({
      record: {
        status: 'success',
        metrics: { memorySizeMB: 128, durationMs: expect.any(Number) as unknown },
      },
    })
  })

  it('gives its end with LogType Tail', async () => {
    const { service } = makeFunction(`export const handler = async () => console.log('x'.repeat(5000))`)
    const { logTail = '' } = await service.invoke('Fn', {}, { wantsLogTail: true })
    const text = Buffer.from(logTail, 'base64').toString()
    expect(text).toHaveLength(4096)
    expect(text).toMatch(/\nREPORT RequestId: .*$/)
  })

  it('says to the developer who spoke, in which invocation, and how far into it', async () => {
    const { call, outputs } = makeFunction(
      `console.log('loading')
       export const handler = async (_event, { awsRequestId }) => { console.warn('careful'); process.stdout.write('raw\\n'); return awsRequestId }`,
    )
    const { reply } = await call('Fn')
    const elapsedMs = expect.any(Number) as unknown
    expect(outputs).toEqual([
      { functionName: 'Fn', requestId: undefined, elapsedMs: undefined, level: 'INFO', text: 'loading' },
      { functionName: 'Fn', requestId: reply, elapsedMs, level: 'WARN', text: 'careful' },
      { functionName: 'Fn', requestId: reply, elapsedMs, level: '', text: 'raw' },
    ])
  })
})
