import { describe, expect, it } from 'vitest'
import { makeFunction } from './fixture.ts'

describe('a handler', () => {
  it.each([
    ['nodejs24.x', { functionError: 'Unhandled', reply: { errorType: 'Runtime.CallbackHandlerDeprecated' } }],
    ['nodejs22.x', { reply: 'done' }],
  ])('with a callback is on %s %j', async (Runtime, outcome) => {
    const { call } = makeFunction(
      `export const handler = (_event, _context, callback) => callback(null, 'done')`,
      { Runtime },
    )
    expect(await call('Fn')).toMatchObject(outcome)
  })

  it.each([
    [`context.succeed('yes')`, { reply: 'yes' }],
    [`context.done(null, 'yes')`, { reply: 'yes' }],
    [`context.fail(new Error('boom'))`, { functionError: 'Unhandled', reply: { errorMessage: 'boom' } }],
    [`setTimeout(() => context.succeed('late'), 1)`, { reply: 'late' }],
    [`'nothing waits for this'`, { reply: null }],
  ])('of two parameters ends on nodejs22.x with %s', async (statement, outcome) => {
    const { call } = makeFunction(`export const handler = (_event, context) => { ${statement} }`, {
      Runtime: 'nodejs22.x',
    })
    expect(await call('Fn')).toMatchObject(outcome)
    expect(await call('Fn')).toMatchObject(outcome)
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
