import { describe, expect, it } from 'vitest'
import { httpApis } from '../../../../local/api-gateway/http/definition.ts'
import { apiResources, environment, functionArn, resource } from './fixture.ts'

describe('httpApis', () => {
  it('reads API, stages, routes and integrations', () => {
    const [api, ...others] = httpApis(
      apiResources({ routes: ['GET /tasks'], stages: [{ StageName: 'dev', StageVariables: { a: 'b' } }] }),
      environment,
    )
    expect(others).toEqual([])
    expect(api).toEqual({
      logicalId: 'x1y2z3abcd',
      path: 'Test/x1y2z3abcd',
      apiId: 'x1y2z3abcd',
      domainName: 'x1y2z3abcd.execute-api.eu-west-1.amazonaws.com',
      stages: [{ name: 'dev', variables: { a: 'b' }, routeThrottles: {} }],
      routes: [
        {
          key: { text: 'GET /tasks', method: 'GET', segments: [{ kind: 'static', text: 'tasks' }] },
          integration: { type: 'lambda', target: functionArn, payloadFormat: '2.0', timeoutMs: 30_000 },
        },
      ],
    })
  })

  it('takes the function out of an invocation URI', () => {
    const uri = `arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/${functionArn}/invocations`
    const [api] = httpApis(apiResources({ integration: { IntegrationUri: uri } }), environment)
    expect(api?.routes[0]?.integration).toMatchObject({ type: 'lambda', target: functionArn })
  })

  it('makes route, integration and stage of a quick create', () => {
    const quick = resource('ApiGatewayV2::Api', 'quick', { ProtocolType: 'HTTP', Target: functionArn })
    const [api] = httpApis([quick], environment)
    expect(api?.stages.map((s) => s.name)).toEqual(['$default'])
    expect(api?.routes).toEqual([
      {
        key: { text: '$default', segments: [] },
        integration: { type: 'lambda', target: functionArn, payloadFormat: '2.0', timeoutMs: 30_000 },
      },
    ])
  })

  it('leaves WebSocket APIs and the resources of other APIs alone', () => {
    const websocket = resource('ApiGatewayV2::Api', 'ws', { ProtocolType: 'WEBSOCKET' })
    const foreign = resource('ApiGatewayV2::Route', 'r', { ApiId: 'ws', RouteKey: '$connect' })
    expect(httpApis([websocket, foreign], environment)).toEqual([])
    expect(httpApis([...apiResources(), websocket, foreign], environment)[0]?.routes).toHaveLength(1)
  })

  it.each([
    ['JWT', { AuthorizationType: 'JWT', AuthorizerId: 'a' }],
    ['CUSTOM', { AuthorizationType: 'CUSTOM', AuthorizerId: 'a' }],
    ['AWS_IAM', { AuthorizationType: 'AWS_IAM' }],
  ])('refuses a route with %s authorization by its name', (type, authorization) => {
    const route = resource('ApiGatewayV2::Route', 'Secret', {
      ApiId: 'x1y2z3abcd',
      RouteKey: 'GET /secret',
      Target: 'integrations/int1',
      ...authorization,
    })
    expect(() => httpApis([...apiResources(), route], environment)).toThrow(
      `route "GET /secret" (Test/Secret) has authorization type "${type}"`,
    )
  })

  it.each([
    ['an OpenAPI import', { api: { Body: {} } }, 'OpenAPI import'],
    ['an unknown integration type', { integration: { IntegrationType: 'MOCK' } }, 'type "MOCK"'],
    [
      'an AWS service integration',
      { integration: { IntegrationSubtype: 'SQS-SendMessage' } },
      'IntegrationSubtype',
    ],
    [
      'parameter mapping',
      { integration: { RequestParameters: { 'overwrite:path': '/' } } },
      'RequestParameters',
    ],
    ['a VPC link', { integration: { ConnectionType: 'VPC_LINK' } }, 'VPC link'],
    ['a timeout of 49 ms', { integration: { TimeoutInMillis: 49 } }, 'expected 50 to 30000'],
    ['a timeout of words', { integration: { TimeoutInMillis: 'long' } }, 'TimeoutInMillis "long"'],
    [
      'a third payload format',
      { integration: { PayloadFormatVersion: '3.0' } },
      'PayloadFormatVersion "3.0"',
    ],
    [
      'a proxy without URL',
      { integration: { IntegrationType: 'HTTP_PROXY' } },
      'expected an http or https URL',
    ],
    ['a bad route key', { routes: ['FETCH /x'] }, 'invalid route key "FETCH /x"'],
  ])('refuses %s', (_, options, message) => {
    expect(() => httpApis(apiResources(options), environment)).toThrow(message)
  })

  it('names every problem at once', () => {
    expect(() => httpApis(apiResources({ routes: ['A', 'B'] }), environment)).toThrow(/"A"[^]*\n[^]*"B"/)
  })
})
