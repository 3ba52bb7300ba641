import { describe, expect, it } from 'vitest'
import { functionArn, makeFunction, resource } from './fixture.ts'

const OWN = `export const handler = async (_event, context) => ({
  keys: Object.keys(context).sort(), context, left: context.getRemainingTimeInMillis() })`

describe('the context', () => {
  it('has the fields of Lambda, memory as text and nothing of callbacks on nodejs24.x', async () => {
    const { call } = makeFunction(OWN, { MemorySize: 512, Timeout: 7 })
    const { keys, context, left } = (await call('Fn')).reply as Record<string, never>
    expect(keys).toEqual([
      'awsRequestId',
      'clientContext',
      'functionName',
      'functionVersion',
      'getRemainingTimeInMillis',
      'identity',
      'invokedFunctionArn',
      'logGroupName',
      'logStreamName',
      'memoryLimitInMB',
      'tenantId',
    ])
    expect(context).toEqual({
      awsRequestId: expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/) as unknown,
      functionName: 'Fn',
      functionVersion: '$LATEST',
      invokedFunctionArn: functionArn('Fn'),
      logGroupName: '/aws/lambda/Fn',
      logStreamName: expect.stringContaining('/[$LATEST]') as unknown,
      memoryLimitInMB: '512',
    })
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(7000)
  })

  it('has callbackWaitsForEmptyEventLoop, done, succeed and fail up to nodejs22.x', async () => {
    const { call } = makeFunction(OWN, { Runtime: 'nodejs22.x' })
    const { keys } = (await call('Fn')).reply as { keys: string[] }
    expect(keys).toEqual(
      expect.arrayContaining(['callbackWaitsForEmptyEventLoop', 'done', 'fail', 'succeed']),
    )
  })

  it('carries the client context and the tenant that the caller gave', async () => {
    const { service } = makeFunction(
      'export const handler = async (_event, { clientContext, tenantId }) => ({ clientContext, tenantId })',
    )
    const { payload } = await service.invoke(
      'Fn',
      {},
      { clientContext: '{"custom":{"a":"b"}}', tenantId: 'blue' },
    )
    expect(JSON.parse(payload)).toEqual({ clientContext: { custom: { a: 'b' } }, tenantId: 'blue' })
  })

  it.each([
    ['Fn', functionArn('Fn'), '$LATEST'],
    [`${functionArn('Fn')}:$LATEST`, `${functionArn('Fn')}:$LATEST`, '$LATEST'],
    ['Fn:1', `${functionArn('Fn')}:1`, '1'],
    [`${functionArn('Fn')}:live`, `${functionArn('Fn')}:live`, '1'],
    ['123456789012:function:Fn:live', `${functionArn('Fn')}:live`, '1'],
  ])('of an invocation of %s names %s and version %s', async (target, invokedArn, version) => {
    const { service } = makeFunction(OWN, {}, { more: [versionOne, alias()] })
    const { payload, executedVersion } = await service.invoke(target, {})
    const { context } = JSON.parse(payload) as { context: Record<string, string> }
    expect(context).toMatchObject({ invokedFunctionArn: invokedArn, functionVersion: version })
    expect(context['logStreamName']).toContain(`/[${version}]`)
    expect(executedVersion).toBe(version)
  })

  it.each([
    [{ AdditionalVersionWeights: [{ FunctionVersion: '2', FunctionWeight: 1 }] }, '2'],
    [{ AdditionalVersionWeights: [{ FunctionVersion: '2', FunctionWeight: 0 }] }, '1'],
  ])('of an alias with %j names version %s', async (RoutingConfig, version) => {
    const { service } = makeFunction(OWN, {}, { more: [versionOne, versionTwo, alias({ RoutingConfig })] })
    expect((await service.invoke('Fn:live', {})).executedVersion).toBe(version)
  })

  it('of an alias names the version that an update gave it', async () => {
    const { service, update } = makeFunction(OWN, {}, { more: [versionOne, alias()] })
    expect((await service.invoke('Fn:live', {})).executedVersion).toBe('1')
    await update({}, [versionOne, versionTwo, alias({ FunctionVersion: '2' })])
    expect((await service.invoke('Fn:live', {})).executedVersion).toBe('2')
  })

  it('needs a qualifier that is there', async () => {
    const { service } = makeFunction(OWN)
    await expect(service.invoke('Fn:nope', {})).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Function not found: Fn:nope',
    })
  })
})

const versionOne = resource('AWS::Lambda::Version', 'One', { FunctionName: 'Fn' }, `${functionArn('Fn')}:1`)
const versionTwo = resource('AWS::Lambda::Version', 'Two', { FunctionName: 'Fn' }, `${functionArn('Fn')}:2`)
const alias = (properties: object = {}) =>
  resource(
    'AWS::Lambda::Alias',
    'Live',
    { FunctionName: 'Fn', Name: 'live', FunctionVersion: '1', ...properties },
    `${functionArn('Fn')}:live`,
  )
