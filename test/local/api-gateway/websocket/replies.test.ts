import { describe, expect, it } from 'vitest'
import type { InvokeResult } from '../../../../local/lambda/invoker.ts'
import { functionArn } from '../http/fixture.ts'
import { type Gateway, ok, open, raw, recordingLog, start } from './fixture.ts'

const ERROR =
  /^\{"message": "Internal server error", "connectionId":"([\w-]{15}=)", "requestId":"([\w-]{15}=)"\}$/

const FAILED: InvokeResult = {
  payload: '{"errorType":"Error","errorMessage":"x"}',
  functionError: 'Unhandled',
}

/** A client of a one-way route `tell` and of the two-way route `ask`, both the function's. */
async function clientOf(overrides: Parameters<typeof start>[1] = {}) {
  const { log, lines } = recordingLog()
  const gateway = await start({ routes: ['$connect', 'tell', 'ask'] }, { log, ...overrides })
  const { client, connectionId } = await open(gateway)
  return { client, connectionId, gateway, lines }
}

/** Sends to a route whose reply is given, then to `ask` which answers `last`: gives every frame up to that. */
async function framesOf(
  action: 'tell' | 'ask',
  reply: InvokeResult,
  of?: Awaited<ReturnType<typeof clientOf>>,
) {
  const { client, gateway } = of ?? (await clientOf())
  gateway.fn.answer = () => reply
  client.socket.send(JSON.stringify({ action }))
  await gateway.fn.saw('MESSAGE', gateway.fn.of('MESSAGE').length + 1)
  gateway.fn.answer = () => ok({ statusCode: 200, body: 'last' })
  client.socket.send('{"action":"ask"}')
  const frames: string[] = []
  for (let frame = await client.next(); frame !== 'last'; frame = await client.next()) frames.push(frame)
  return frames
}

describe('a reply to a message on a one-way route', () => {
  it.each([
    ['statusCode 200', ok({ statusCode: 200 })],
    ['statusCode 301', ok({ statusCode: 301 })],
    ['statusCode 400', ok({ statusCode: 400 })],
    ['statusCode 501', ok({ statusCode: 501 })],
    ['statusCode "200" as text', ok({ statusCode: '200' })],
    ['a body', ok({ statusCode: 200, body: 'discarded' })],
    ['headers', ok({ statusCode: 200, headers: { a: 'b' }, multiValueHeaders: { a: ['b'] } })],
    ['{}', ok({})],
    ['null', ok(null)],
    ['undefined', { payload: '' }],
  ])('with %s sends nothing', async (_, reply) => {
    expect(await framesOf('tell', reply)).toEqual([])
  })
})

describe('a reply to a message on a two-way route', () => {
  it.each([
    ['sends the body', ok({ statusCode: 200, body: 'x' }), ['x']],
    ['sends the body for statusCode 500 too', ok({ statusCode: 500, body: 'x' }), ['x']],
    ['sends the body without a statusCode', ok({ body: 'x' }), ['x']],
    ['sends a body in base64 decoded', ok({ statusCode: 200, body: 'w6k=', isBase64Encoded: true }), ['é']],
    ['sends nothing without a body', ok({ statusCode: 200 }), []],
    ['sends nothing for a body of null', ok({ statusCode: 200, body: null }), []],
    ['sends nothing for an empty body', ok({ statusCode: 200, body: '' }), []],
    ['sends nothing for {}', ok({}), []],
    ['sends nothing for null', ok(null), []],
    ['sends nothing for undefined', { payload: '' }, []],
  ])('%s', async (_, reply, frames) => {
    expect(await framesOf('ask', reply)).toEqual(frames)
  })
})

it('a reply of nothing is warned of', async () => {
  const of = await clientOf()
  await framesOf('tell', ok(null), of)
  expect(of.lines).toContain(
    'w1s2k3abcd: route "tell": the function replies with nothing; expected { statusCode: 200 }',
  )
})

it.each([ok(null), { payload: '' }])(
  'a reply of nothing is malformed where the gateway is strict: %j',
  async (reply) => {
    const of = await clientOf({ isStrict: true })
    expect(await framesOf('tell', reply, of)).toEqual([expect.stringMatching(ERROR)])
    expect(await framesOf('ask', reply, of)).toEqual([expect.stringMatching(ERROR)])
  },
)

describe('the error frame "Internal server error"', () => {
  it.each([
    ['an unknown key', ok({ statusCode: 200, Data: 'x' })],
    ['a list', ok([1])],
    ['text', ok('fine')],
    ['a number', ok(200)],
    ['true', ok(true)],
    ['a body that is an object', ok({ statusCode: 200, body: { a: 1 } })],
    ['a statusCode that is no number', ok({ statusCode: 'fine' })],
    ['what is no JSON', { payload: 'undefined' }],
    ['a function error', FAILED],
  ])('answers %s, on one-way and two-way routes, and the connection stays open', async (_, reply) => {
    const of = await clientOf()
    const [frame = '', ...more] = await framesOf('tell', reply, of)
    expect(more).toEqual([])
    const [, connectionId, requestId] = ERROR.exec(frame) ?? []
    expect(connectionId).toBe(of.connectionId)
    expect(requestId).toBe(of.gateway.fn.of('MESSAGE')[0]?.requestContext['requestId'])
    expect(await framesOf('ask', reply, of)).toEqual([expect.stringMatching(ERROR)])
  })

  it('answers a function that is not there or can not be invoked now', async () => {
    const invoke = () => Promise.reject(new Error('Rate Exceeded.'))
    const gateway = await start({ routes: ['ask'] }, { functions: { invoke, invokeAsync: () => undefined } })
    const { client } = await open(gateway)
    client.socket.send('{"action":"ask"}')
    expect(await client.next()).toMatch(ERROR)
  })

  it('answers where the gateway may not invoke the function, and $connect with 500', async () => {
    const asked: unknown[] = []
    const may = { connect: true }
    const mayInvoke = (...args: readonly unknown[]) => {
      asked.push(args)
      return may.connect && String(args[1]).endsWith('$connect')
    }
    const { client, gateway } = await clientOf({ mayInvoke })
    client.socket.send('{"action":"ask"}')
    expect(await client.next()).toMatch(ERROR)
    expect(gateway.fn.of('MESSAGE')).toEqual([])
    expect(asked).toEqual([
      [functionArn, 'arn:aws:execute-api:eu-west-1:123456789012:w1s2k3abcd/live/$connect', undefined],
      [functionArn, 'arn:aws:execute-api:eu-west-1:123456789012:w1s2k3abcd/live/ask', undefined],
    ])
    may.connect = false
    expect((await raw(gateway.port)).status).toBe(500)
  })
})

it('the error frame "Endpoint request timed out" answers after 29 s', async () => {
  const { client, gateway } = await clientOf()
  gateway.fn.answer = () => new Promise(() => undefined)
  client.socket.send('{"action":"tell"}')
  await gateway.fn.saw('MESSAGE')
  gateway.clock.advance(28_999)
  gateway.clock.advance(1)
  expect(await client.next()).toMatch(/^\{"message": "Endpoint request timed out", "connectionId":"/)
  gateway.fn.answer = () => ok({ body: 'still open' })
  client.socket.send('{"action":"ask"}')
  expect(await client.next()).toBe('still open')
})

it('a function is found by stage variables in its ARN', async () => {
  const targets: string[] = []
  const uri =
    'arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/' +
    'arn:aws:lambda:eu-west-1:123456789012:function:${stageVariables.fn}/invocations'
  const gateway: Gateway = await start(
    {
      routes: ['ask'],
      integration: { IntegrationUri: uri },
      stage: { StageVariables: { fn: 'tasks:live' } },
    },
    {
      functions: {
        invoke: (target) => {
          targets.push(target)
          return Promise.resolve(ok({ body: 'x' }))
        },
        invokeAsync: () => undefined,
      },
    },
  )
  const { client } = await open(gateway)
  client.socket.send('{"action":"ask"}')
  expect(await client.next()).toBe('x')
  expect(targets).toEqual(['arn:aws:lambda:eu-west-1:123456789012:function:tasks:live'])
})
