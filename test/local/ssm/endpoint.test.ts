import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ManualClock } from '../../../local/clock.ts'
import { ssmEndpoint } from '../../../local/ssm/endpoint.ts'
import { ParameterStore } from '../../../local/ssm/parameter-store.ts'

const environment = { partition: 'aws', region: 'eu-west-1', accountId: '123456789012' }

const parameter = (name: string, Value: string, Type = 'String') => ({
  logicalId: name,
  type: 'AWS::SSM::Parameter',
  stack: 'S',
  path: `S/${name}`,
  physicalId: name,
  arn: '',
  properties: { Name: name, Value, Type },
})

async function start(given: Readonly<Record<string, string>> = {}) {
  const store = new ParameterStore({
    resources: [
      parameter('url', 'https://example.com'),
      parameter('/app/a', '1'),
      parameter('/app/b', '2,3', 'StringList'),
      parameter('/app/deep/c', '4'),
      parameter('/apple', '5'),
    ],
    given,
    environment,
    clock: new ManualClock(1_000_500),
  })
  const server = createServer(ssmEndpoint(store, { environment })).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const call = async (operation: string, input: object | string) => {
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: { 'x-amz-target': `AmazonSSM.${operation}`, connection: 'close' },
      body: typeof input === 'string' ? input : JSON.stringify(input),
    })
    const body = (await response.json()) as Record<string, unknown>
    return response.status === 200 ? body : { status: response.status, ...body }
  }
  return { call }
}

const names = (output: Record<string, unknown>) =>
  (output['Parameters'] as { Name: string }[]).map(({ Name }) => Name)

describe('GetParameter', () => {
  it('gives a parameter of the template as SSM describes it', async () => {
    const { call } = await start()
    expect(await call('GetParameter', { Name: 'url' })).toEqual({
      Parameter: {
        Name: 'url',
        Type: 'String',
        Value: 'https://example.com',
        Version: 1,
        LastModifiedDate: 1000.5,
        ARN: 'arn:aws:ssm:eu-west-1:123456789012:parameter/url',
        DataType: 'text',
      },
    })
  })

  it.each([
    ['arn:aws:ssm:eu-west-1:123456789012:parameter/url', 'https://example.com'],
    ['arn:aws:ssm:eu-west-1:123456789012:parameter/app/a', '1'],
    ['/app/a:1', '1'],
    ['outside', 'given'],
  ])('finds "%s"', async (Name, Value) => {
    const { call } = await start({ outside: 'given' })
    expect(await call('GetParameter', { Name })).toMatchObject({ Parameter: { Value } })
  })

  it('answers ParameterNotFound for one that is not there', async () => {
    const { call } = await start()
    expect(await call('GetParameter', { Name: 'nope' })).toEqual({ status: 400, __type: 'ParameterNotFound' })
  })

  it('answers ParameterVersionNotFound for a version that is not there', async () => {
    const { call } = await start()
    expect(await call('GetParameter', { Name: 'url:2' })).toMatchObject({
      status: 400,
      __type: 'ParameterVersionNotFound',
    })
  })
})

it('GetParameters tells those that are there from those that are not', async () => {
  const { call } = await start()
  const output = await call('GetParameters', { Names: ['url', 'nope', '/apple'] })
  expect(names(output)).toEqual(['url', '/apple'])
  expect(output['InvalidParameters']).toEqual(['nope'])
})

describe('GetParametersByPath', () => {
  it.each([
    [{ Path: '/app' }, ['/app/a', '/app/b']],
    [{ Path: '/app/', Recursive: true }, ['/app/a', '/app/b', '/app/deep/c']],
    [{ Path: '/' }, ['/apple']],
    [{ Path: '/nope' }, []],
  ])('%j gives %j', async (input, expected) => {
    const { call } = await start()
    expect(names(await call('GetParametersByPath', input))).toEqual(expected)
  })

  it('comes in pages', async () => {
    const { call } = await start()
    const first = await call('GetParametersByPath', { Path: '/app', MaxResults: 1 })
    expect(names(first)).toEqual(['/app/a'])
    const { NextToken } = first
    const second = await call('GetParametersByPath', { Path: '/app', MaxResults: 1, NextToken })
    expect(names(second)).toEqual(['/app/b'])
    expect(second).not.toHaveProperty('NextToken')
  })
})

describe('PutParameter', () => {
  it('makes one, and overwrites one when told to', async () => {
    const { call } = await start()
    expect(await call('PutParameter', { Name: 'new', Value: 'a', Type: 'SecureString' })).toEqual({
      Version: 1,
      Tier: 'Standard',
    })
    expect(await call('PutParameter', { Name: 'new', Value: 'b' })).toMatchObject({
      status: 400,
      __type: 'ParameterAlreadyExists',
    })
    expect(await call('PutParameter', { Name: 'new', Value: 'b', Overwrite: true })).toMatchObject({
      Version: 2,
    })
    expect(await call('GetParameter', { Name: 'new' })).toMatchObject({
      Parameter: { Value: 'b', Type: 'SecureString', Version: 2 },
    })
  })

  it('refuses a value beyond 4,096 bytes', async () => {
    const { call } = await start()
    expect(await call('PutParameter', { Name: 'new', Value: 'x'.repeat(4097) })).toMatchObject({
      status: 400,
      __type: 'ValidationException',
    })
  })
})

it('DeleteParameter takes one away', async () => {
  const { call } = await start()
  expect(await call('DeleteParameter', { Name: 'url' })).toEqual({})
  expect(await call('GetParameter', { Name: 'url' })).toMatchObject({ __type: 'ParameterNotFound' })
})

describe('refuses', () => {
  it.each<[string, string, object | string]>([
    ['UnknownOperationException', 'LabelParameterVersion', {}],
    ['UnknownOperationException', 'constructor', {}],
    ['SerializationException', 'GetParameter', 'no json'],
    ['ValidationException', 'GetParameter', {}],
    ['ValidationException', 'GetParameters', { Names: Array.from({ length: 11 }, String) }],
    ['ValidationException', 'GetParametersByPath', { Path: 'app' }],
    ['InvalidFilterKey', 'GetParametersByPath', { Path: '/', ParameterFilters: [] }],
  ])('with %s the call %s of %j', async (type, operation, input) => {
    const { call } = await start()
    expect(await call(operation, input)).toMatchObject({ status: 400, __type: type })
  })
})
