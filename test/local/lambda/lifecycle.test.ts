import { existsSync } from 'node:fs'
import { join } from 'node:path'
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

describe('a callback up to nodejs22.x', () => {
  const fn = (body: string) =>
    makeFunction(`export const handler = (event, context, callback) => { ${body} }`, {
      Runtime: 'nodejs22.x',
    })

  it('replies once nothing is left to do', async () => {
    const { call, lines } = fn(`callback(null, 'early'); setTimeout(() => console.log('still done'), 5)`)
    expect(await call('Fn')).toEqual({ reply: 'early' })
    expect(lines.some(({ text }) => text.endsWith('still done'))).toBe(true)
  })

  it('replies at once when callbackWaitsForEmptyEventLoop is false', async () => {
    const { call } = fn(
      `context.callbackWaitsForEmptyEventLoop = false
       setInterval(() => {}, 1000)
       callback(null, 'at once')`,
    )
    expect(await call('Fn')).toEqual({ reply: 'at once' })
  })

  it('counts the first time only', async () => {
    const { call } = fn(`callback(null, 'first'); callback(null, 'second')`)
    expect(await call('Fn')).toEqual({ reply: 'first' })
  })

  it.each([
    [`callback('text')`, { errorType: 'string', errorMessage: 'text', trace: [] }],
    [`context.fail()`, { errorType: 'string', errorMessage: 'handled', trace: [] }],
  ])('fails with %s', async (statement, reply) => {
    const { call } = fn(statement)
    expect(await call('Fn')).toEqual({ functionError: 'Unhandled', reply })
  })
})

describe('a failing function', () => {
  it.each([
    ['a syntax error', 'export const handler = async () => {', 'Runtime.UserCodeSyntaxError'],
    ['an error as it loads', `throw new TypeError('at load'); export const handler = 1`, 'TypeError'],
    ['something exported that is no function', 'export const handler = 1', 'Runtime.HandlerNotFound'],
    [
      'an exception outside of the handler',
      `export const handler = () => new Promise(() => setTimeout(() => { throw new RangeError('out') }, 1))`,
      'RangeError',
    ],
    [
      'a reply that can not be JSON',
      'export const handler = async () => { const a = {}; a.a = a; return a }',
      'Error',
    ],
  ])('with %s names its type', async (_name, code, errorType) => {
    const { call } = makeFunction(code)
    expect(await call('Fn')).toMatchObject({ functionError: 'Unhandled', reply: { errorType } })
  })

  it('refuses a handler that leads out of the code', async () => {
    const { call } = makeFunction('', { Handler: '../index.handler' })
    expect(await call('Fn')).toMatchObject({
      reply: {
        errorType: 'Runtime.MalformedHandlerName',
        errorMessage: expect.stringContaining("'../index.handler' is not a valid handler name") as unknown,
      },
    })
  })

  it('fails with Function.ResponseSizeTooLarge over 6 MB', async () => {
    const { call } = makeFunction(`export const handler = async ({ size }) => 'x'.repeat(size)`)
    expect((await call('Fn', { size: 6_291_554 })).functionError).toBeUndefined()
    expect(await call('Fn', { size: 6_291_555 })).toEqual({
      functionError: 'Unhandled',
      reply: {
        errorType: 'Function.ResponseSizeTooLarge',
        errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
      },
    })
  })

  it.each(['python3.13', 'provided.al2023'])(
    'with runtime %s fails when it is used, and only then',
    async (Runtime) => {
      const { call, lines } = makeFunction('', { Runtime })
      expect(lines).toEqual([])
      expect(await call('Fn')).toMatchObject({
        reply: { errorMessage: `runtime "${Runtime}" is not emulated; nodejs runtimes are` },
      })
    },
  )
})

describe('a streaming handler', () => {
  it('is given back whole when its stream has ended', async () => {
    const { service } = makeFunction(
      `export const handler = awslambda.streamifyResponse(async (event, stream) => {
         stream.write('a'); stream.write('b'); stream.end()
       })`,
    )
    expect((await service.invoke('Fn', {})).payload).toBe('ab')
  })
})

describe('code of a function', () => {
  it.each([
    ['an absolute path of a layer', `require('/opt/nodejs/own')`],
    ['a package of a layer', `require('packaged')`],
  ])('requires %s', async (_name, expression) => {
    const { call } = makeLayered({ 'index.js': `exports.handler = async () => ${expression}.from` })
    expect(await call('Fn')).toEqual({ reply: 'layer' })
  })

  it('imports a package of a layer, and a later layer lies over an earlier one', async () => {
    const { call } = makeLayered({
      'index.mjs': `import packaged from 'packaged'; export const handler = async () => packaged.from`,
    })
    expect(await call('Fn')).toEqual({ reply: 'layer' })
  })

  it('does not see the modules of the project around it, as on AWS', async () => {
    const { call } = makeFunctions({
      files: {
        'node_modules/stray/index.js': 'module.exports = 1',
        'asset/index.js': `exports.handler = async () => require('stray')`,
      },
      root: 'asset',
      functions: { Fn: {} },
    })
    expect(await call('Fn')).toMatchObject({
      reply: { errorMessage: expect.stringContaining("Cannot find module 'stray'") as unknown },
    })
  })

  it.each([
    ['nodejs24.x', '@aws-sdk/client-lambda', 'LambdaClient'],
    ['nodejs16.x', 'aws-sdk', 'Lambda'],
  ])('requires the SDK that %s brings along', async (Runtime, name, exported) => {
    const { call } = makeFunctions({
      files: {
        'node_modules/aws-sdk/index.js': 'exports.Lambda = class {}',
        'asset/index.js': `const sdk = require('${name}'); exports.handler = async () => typeof sdk.${exported}`,
      },
      root: 'asset',
      functions: { Fn: { Runtime } },
    })
    expect(await call('Fn')).toEqual({ reply: 'function' })
  })

  it('imports the SDK that its runtime brings along', async () => {
    const { call } = makeFunction(
      `import { LambdaClient } from '@aws-sdk/client-lambda'; export const handler = async () => typeof LambdaClient`,
    )
    expect(await call('Fn')).toEqual({ reply: 'function' })
  })

  it('says what to install when the SDK is not on this machine', async () => {
    const { call } = makeFunction(`import '@aws-sdk/client-nope'; export const handler = async () => 1`)
    expect(await call('Fn')).toMatchObject({
      reply: {
        errorMessage: expect.stringContaining('npm install --save-dev @aws-sdk/client-nope') as unknown,
      },
    })
  })
})

/** A function with two layers, both of which have the module `nodejs/own`. */
function makeLayered(files: Readonly<Record<string, string>>) {
  const layer = (name: string, S3Key: string) => ({
    logicalId: name,
    type: 'AWS::Lambda::LayerVersion',
    stack: 'Test',
    path: `Test/${name}`,
    physicalId: `arn:layer:${name}:1`,
    arn: `arn:layer:${name}:1`,
    properties: { Content: { S3Bucket: 'assets', S3Key } },
  })
  return makeFunctions({
    files: {
      ...Object.fromEntries(Object.entries(files).map(([name, text]) => [join('asset', name), text])),
      'asset/layers/a/nodejs/own.js': `exports.from = 'hidden'`,
      'asset/layers/b/nodejs/own.js': `exports.from = 'layer'`,
      'asset/layers/a/nodejs/node_modules/packaged/index.js': `exports.from = 'layer'`,
    },
    root: 'asset',
    functions: { Fn: { Layers: ['arn:layer:A:1', 'arn:layer:B:1'] } },
    more: [layer('A', 'layers/a'), layer('B', 'layers/b')],
  })
}
