import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ManualClock, RunningClock, systemClock } from '../../../local/clock.ts'
import { parseFaults } from '../../../local/fault-kinds.ts'
import { Faults } from '../../../local/faults.ts'
import { AWS_LATENCY } from '../../../local/latency.ts'
import { makeFunction } from './fixture.ts'

const HOST = 'dynamodb.eu-west-1.amazonaws.com'

/** Makes three calls to a service, one after the other, and says when it begins and when it is done. */
const THREE_CALLS = `
  import https from 'node:https'
  const call = (path) => new Promise((resolve, reject) => {
    https.get({ host: '${HOST}', path }, (response) => response.resume().on('end', resolve)).on('error', reject)
  })
  process.on('exit', () => console.log('said goodbye'))
  let count = 0
  export const handler = async ({ calls = 3 }) => {
    console.log('began')
    for (let i = 1; i <= calls; i++) await call('/' + i)
    console.log('done')
    return ++count
  }`

async function start(faults: Faults, clock = new ManualClock()) {
  const served: string[] = []
  const server = createServer(({ url = '' }, response) => {
    served.push(url)
    response.end('ok')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const fn = makeFunction(THREE_CALLS, {}, { faults, clock, hosts: () => ({ [HOST]: port }) })
  const said = (text: string) => fn.lines.some((line) => line.text.includes(text))
  return { ...fn, served, said, clock }
}

const killed = {
  functionError: 'Unhandled',
  reply: {
    errorType: 'Runtime.ExitError',
    errorMessage: expect.stringMatching(
      /^RequestId: [-\da-f]{36} Error: Runtime exited with error: signal: killed$/,
    ) as unknown,
  },
}

describe('a function that crashes on demand', () => {
  it('is killed before its handler begins, without a word of its own', async () => {
    const faults = new Faults()
    const { call, said, served } = await start(faults)
    faults.plan('function.crash.before')
    expect(await call('Fn')).toEqual(killed)
    expect([said('began'), said('said goodbye'), served]).toEqual([false, false, []])
    expect(faults.counts).toEqual({ 'function.crash.before': 1 })
  })

  it.each([
    [1, ['/1']],
    [2, ['/1', '/2']],
  ])('is killed between two calls, once it has %i answers', async (calls, expected) => {
    const faults = new Faults()
    const { call, said, served } = await start(faults)
    faults.plan('function.crash.midway', { calls })
    expect(await call('Fn')).toEqual(killed)
    expect(served).toEqual(expected)
    expect(said('done')).toBe(false)
  })

  it('is killed when it is done and nobody has its reply', async () => {
    const faults = new Faults()
    const { call, served } = await start(faults)
    faults.plan('function.crash.after')
    expect(await call('Fn')).toEqual(killed)
    expect(served).toEqual(['/1', '/2', '/3'])
  })

  it('is killed at its end when it calls nobody', async () => {
    const faults = new Faults()
    const { call } = await start(faults)
    faults.plan('function.crash.midway')
    expect(await call('Fn', { calls: 0 })).toEqual(killed)
  })

  it('is killed at its end when it throws, and nobody has its error', async () => {
    const faults = new Faults()
    const { call } = makeFunction('export const handler = async () => { throw new Error() }', {}, { faults })
    faults.plan('function.crash.after')
    expect(await call('Fn')).toEqual(killed)
  })

  it('starts anew afterwards, and takes what lay ready for it', async () => {
    const faults = new Faults()
    const { call } = await start(faults)
    expect(await call('Fn', { calls: 0 })).toEqual({ reply: 1 })
    faults.plan('function.crash.before')
    const [first, second] = await Promise.all([call('Fn', { calls: 0 }), call('Fn', { calls: 0 })])
    expect(first).toEqual(killed)
    expect(second).toEqual({ reply: 1 })
  })

  it('does so at any of the moments by chance, the same ones with the same seed', async () => {
    const run = async (seed: number) => {
      const faults = new Faults(parseFaults('function.crash=1'), seed)
      const { call, served } = await start(faults)
      const marks: number[] = []
      for (let i = 0; i < 6; i++) {
        await call('Fn')
        marks.push(served.splice(0).length)
      }
      return marks
    }
    const first = await run(42)
    expect(await run(42)).toEqual(first)
    expect(new Set(first).size).toBeGreaterThan(1)
  })
})

describe('a function that times out on demand', () => {
  it.each([
    ['before', 0],
    ['midway', 1],
    ['after', 3],
  ] as const)('stands still %s until its timeout', async (moment, calls) => {
    const faults = new Faults()
    const { call, served, clock } = await start(faults)
    await call('Fn', { calls: 0 })
    faults.plan(`function.timeout.${moment}`)
    const reply = call('Fn')
    await expect.poll(() => served.length).toBe(calls)
    clock.advance(2_999)
    clock.advance(1)
    expect(await reply).toMatchObject({
      functionError: 'Unhandled',
      reply: { errorType: 'Sandbox.Timedout' },
    })
    expect(served).toHaveLength(calls)
    expect(await call('Fn', { calls: 0 })).toEqual({ reply: 1 })
  })
})

describe('a function whose clock is off on demand', () => {
  const DATE = `
    const loaded = Date.now()
    export const handler = async () => {
      const begun = Date.now()
      await new Promise((resolve) => setTimeout(resolve, 5))
      return { loaded, begun, waited: Date.now() - begun }
    }`
  interface Seen {
    readonly loaded: number
    readonly begun: number
    readonly waited: number
  }
  const jumped = () => {
    const clock = new RunningClock()
    clock.jump(86_400_000)
    return clock
  }

  it.each([
    ["the machine's clock", () => systemClock],
    ['a clock that has jumped', jumped],
  ])('has another date than %s, from the loading of its code on', async (_name, make) => {
    const clock = make()
    for (const [chance, skewMs] of [
      [0, -300_000],
      [0.5, 0],
      [1, 300_000],
      [0.75, 150_000],
    ] as const) {
      const faults = new Faults()
      const { call } = makeFunction(DATE, {}, { faults, clock })
      faults.plan('function.skew', { chance })
      const before = clock.now() + skewMs
      const { loaded, begun, waited } = (await call('Fn')).reply as Seen
      expect(loaded).toBeGreaterThanOrEqual(before)
      expect(begun).toBeLessThanOrEqual(clock.now() + skewMs)
      expect(waited).toBeGreaterThanOrEqual(0)
      expect(faults.counts).toEqual({ 'function.skew': 1 })
    }
  })

  it('has it for the life of an environment, and the next environment its own', async () => {
    const faults = new Faults()
    const { call } = makeFunction(DATE, {}, { faults })
    faults.plan('function.skew', { chance: 1 })
    const first = (await call('Fn')).reply as Seen
    const second = (await call('Fn')).reply as Seen
    expect(second.loaded).toBe(first.loaded)
    expect(second.begun).toBeGreaterThan(Date.now() + 200_000)
    faults.plan('function.crash.before')
    await call('Fn')
    const third = (await call('Fn')).reply as Seen
    expect(third.loaded).toBeLessThanOrEqual(Date.now())
  })

  it('is off by chance as far as the rate says, ahead or behind alike, the same with the same seed', async () => {
    const run = async () => {
      const faults = new Faults(parseFaults('function.skew=1@20m'), 42)
      const skews: number[] = []
      for (let i = 0; i < 6; i++) {
        const { call } = makeFunction(DATE, {}, { faults })
        skews.push(((await call('Fn')).reply as Seen).loaded - Date.now())
      }
      return skews
    }
    const skews = await run()
    const minutes = (all: readonly number[]) => all.map((ms) => Math.round(ms / 60_000))
    for (const skew of minutes(skews)) expect(Math.abs(skew)).toBeLessThanOrEqual(20)
    expect(Math.max(...minutes(skews))).toBeGreaterThan(5)
    expect(Math.min(...minutes(skews))).toBeLessThan(-5)
    const again = await run()
    for (const [i, skew] of skews.entries()) expect(Math.abs(skew - (again[i] ?? 0))).toBeLessThan(30_000)
  })

  it('is no trouble of an invocation', async () => {
    const faults = new Faults(parseFaults('function.skew=1'))
    const { call } = makeFunction(DATE, {}, { faults })
    for (let i = 0; i < 3; i++) expect(await call('Fn')).not.toHaveProperty('functionError')
    expect(faults.counts).toEqual({ 'function.skew': 1 })
  })
})

/** Notes how long whoever waits wants to wait. */
class NotingClock extends ManualClock {
  readonly waits: number[] = []

  override after(delayMs: number, callback: () => void) {
    this.waits.push(delayMs)
    return super.after(delayMs, callback)
  }

  /** Resolves once so many have begun to wait for so long. */
  async waiting(delayMs: number, count: number): Promise<void> {
    await expect.poll(() => this.waits.filter((each) => each === delayMs).length).toBe(count)
  }
}

it('starts cold and is invoked as slowly as on AWS, by the clock', async () => {
  const clock = new NotingClock()
  const { call, lines, logged } = makeFunction(
    `console.log('loaded'); export const handler = async () => 1`,
    {},
    { clock, latency: AWS_LATENCY },
  )
  const begun = () => lines.filter(({ text }) => text.startsWith('START')).length
  const first = call('Fn')
  await clock.waiting(AWS_LATENCY.invokeMs, 1)
  clock.advance(AWS_LATENCY.invokeMs)
  await logged('loaded')
  clock.advance(AWS_LATENCY.coldStartMs - 1)
  await new Promise(setImmediate)
  expect(begun()).toBe(0)
  clock.advance(1)
  expect(await first).toEqual({ reply: 1 })
  const second = call('Fn')
  await clock.waiting(AWS_LATENCY.invokeMs, 2)
  expect(begun()).toBe(1)
  clock.advance(AWS_LATENCY.invokeMs)
  expect(await second).toEqual({ reply: 1 })
})
