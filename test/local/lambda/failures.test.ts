import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../local/clock.ts'
import { makeFunction, makeFunctions } from './fixture.ts'

describe('a failing function', () => {
  it('fails with type, message and trace of a thrown Error', async () => {
    const { call, lines } = makeFunction(
      `class TooMuch extends Error { name = 'TooMuch' }
       export const handler = async () => { throw new TooMuch('boom') }`,
    )
    expect(await call('Fn')).toEqual({
      functionError: 'Unhandled',
      reply: {
        errorType: 'TooMuch',
        errorMessage: 'boom',
        trace: expect.arrayContaining([expect.stringContaining('boom')]) as unknown,
      },
    })
    expect(lines).toContainEqual({
      level: 'error',
      source: 'Fn',
      text: expect.stringContaining('boom') as unknown,
    })
  })

  it.each([
    [`'boom'`, 'string', 'boom'],
    ['42', 'number', '42'],
  ])('fails with the type of %s when that is thrown', async (thrown, errorType, errorMessage) => {
    const { call } = makeFunction(`export const handler = async () => { throw ${thrown} }`)
    expect(await call('Fn')).toEqual({
      functionError: 'Unhandled',
      reply: { errorType, errorMessage, trace: [] },
    })
  })

  it('fails with Runtime.ExitError when it exits, and starts anew', async () => {
    const { call } = makeFunction(
      `export const handler = async ({ exit }) => exit ? process.exit(0) : 'alive'`,
    )
    expect(await call('Fn', { exit: true })).toEqual({
      functionError: 'Unhandled',
      reply: {
        errorType: 'Runtime.ExitError',
        errorMessage: expect.stringMatching(
          /^RequestId: [-\da-f]{36} Error: Runtime exited without providing a reason$/,
        ) as unknown,
      },
    })
    expect(await call('Fn')).toEqual({ reply: 'alive' })
  })

  it('names the status that it exits with', async () => {
    const { call } = makeFunction('export const handler = async () => process.exit(3)')
    expect((await call('Fn')).reply).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringMatching(
        /^RequestId: [-\da-f]{36} Error: Runtime exited with error: exit status 3$/,
      ) as unknown,
    })
  })

  it('fails with Runtime.NodeJsExit when nothing is left that could settle its promise', async () => {
    const { call } = makeFunction('export const handler = () => new Promise(() => {})')
    expect(await call('Fn')).toMatchObject({
      functionError: 'Unhandled',
      reply: { errorType: 'Runtime.NodeJsExit' },
    })
  })

  it("fails with Runtime.UnhandledPromiseRejection when a rejection is nobody's", async () => {
    const { call, logged } = makeFunction(
      `export const handler = async () => {
         void Promise.reject(new Error('boom'))
         await new Promise((resolve) => setTimeout(resolve, 50))
       }`,
    )
    const { functionError, reply } = await call('Fn')
    expect(functionError).toBe('Unhandled')
    const { errorType, errorMessage, trace } = reply as { [key: string]: unknown; trace: string[] }
    expect({ errorType, errorMessage, first: trace[0] }).toEqual({
      errorType: 'Runtime.UnhandledPromiseRejection',
      errorMessage: 'Error: boom',
      first: 'Runtime.UnhandledPromiseRejection: Error: boom',
    })
    expect((await logged('caused by Error: boom')).level).toBe('error')
  })

  it('times out in a busy loop while another function is served', async () => {
    const clock = new ManualClock()
    const { call, logged } = makeFunctions({
      clock,
      files: {
        'index.mjs': `export const loop = () => { console.log('looping'); for (;;); }
          export const echo = async (event) => event`,
      },
      functions: { Loop: { Handler: 'index.loop', Timeout: 2 }, Echo: { Handler: 'index.echo' } },
    })
    const looping = call('Loop')
    await logged('looping')
    expect(await call('Echo', [1])).toEqual({ reply: [1] })
    clock.advance(2000)
    expect(await looping).toEqual({
      functionError: 'Unhandled',
      reply: {
        errorType: 'Sandbox.Timedout',
        errorMessage: expect.stringMatching(
          /^RequestId: [-\da-f]{36} Error: Task timed out after 2\.00 seconds$/,
        ) as unknown,
      },
    })
  })

  it.each([
    ['index', 'Runtime.MalformedHandlerName', 'Bad handler'],
    ['nope.handler', 'Runtime.ImportModuleError', "Error: Cannot find module 'nope'"],
    ['index.nope', 'Runtime.HandlerNotFound', 'index.nope is undefined or not exported'],
  ])('fails when the handler is "%s", with %s', async (Handler, errorType, errorMessage) => {
    const { call } = makeFunction('export const handler = async () => 1', { Handler })
    const { functionError, reply } = await call('Fn')
    expect({ functionError, ...(reply as object) }).toMatchObject({
      functionError: 'Unhandled',
      errorType,
      errorMessage: expect.stringContaining(errorMessage) as unknown,
    })
  })

  it('fails when its code can not be found, and logs that', async () => {
    const { call, lines } = makeFunction('', { Code: { S3Bucket: 'assets', S3Key: 'missing' } })
    const text = 'Test/Fn: the code "missing" is no asset of the assembly; expected an asset or inline code'
    expect(await call('Fn')).toEqual({
      functionError: 'Unhandled',
      reply: { errorType: 'Runtime.CodeNotFound', errorMessage: text },
    })
    expect(lines).toEqual([{ level: 'error', source: 'Fn', text }])
  })

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
