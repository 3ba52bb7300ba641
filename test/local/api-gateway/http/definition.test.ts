import { describe, expect, it } from 'vitest'
import { httpApis } from '../../../../local/api-gateway/http/definition.ts'
import type { Resource } from '../../../../local/cloudformation/resource.ts'
import { apiResources, environment, functionArn, resource } from './fixture.ts'

const lambda = {
  type: 'lambda',
  target: functionArn,
  payloadFormat: '2.0',
  timeoutMs: 30_000,
  requestMappings: [],
  responseMappings: {},
}

/** What stands in the way of serving the API as AWS does. */
const problemsOf = (resources: readonly Resource[]) =>
  httpApis(resources, environment)[0]?.problems.join('\n')

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
          authorization: { type: 'none' },
          scopes: [],
          integration: lambda,
        },
      ],
      problems: [],
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
        authorization: { type: 'none' },
        scopes: [],
        integration: lambda,
      },
    ])
  })

  it('leaves WebSocket APIs and the resources of other APIs alone', () => {
    const websocket = resource('ApiGatewayV2::Api', 'ws', { ProtocolType: 'WEBSOCKET' })
    const foreign = resource('ApiGatewayV2::Route', 'r', { ApiId: 'ws', RouteKey: '$connect' })
    expect(httpApis([websocket, foreign], environment)).toEqual([])
    expect(httpApis([...apiResources(), websocket, foreign], environment)[0]?.routes).toHaveLength(1)
  })

  it('makes the route of a quick create by its key, with its role', () => {
    const properties = {
      ProtocolType: 'HTTP',
      Target: functionArn,
      RouteKey: 'GET /a',
      CredentialsArn: 'arn:role',
    }
    const [api] = httpApis([resource('ApiGatewayV2::Api', 'quick', properties)], environment)
    expect(api?.routes).toMatchObject([
      { key: { text: 'GET /a' }, integration: { target: functionArn, credentialsArn: 'arn:role' } },
    ])
  })

  it('keeps a route that is not emulated as one that says so, and serves the others', () => {
    const route = resource('ApiGatewayV2::Route', 'Secret', {
      ApiId: 'x1y2z3abcd',
      RouteKey: 'GET /secret',
      Target: 'integrations/int1',
      AuthorizationType: 'MAGIC',
    })
    const [api] = httpApis([...apiResources(), route], environment)
    const reason =
      'route "GET /secret" (Test/Secret) is not served: its authorization type is "MAGIC"; expected NONE, JWT, CUSTOM or AWS_IAM'
    expect(api?.problems).toEqual([reason])
    expect(api?.routes.map(({ integration }) => integration)).toMatchObject([
      { type: 'lambda' },
      { type: 'missing', reason },
    ])
  })

  it.each([
    [
      'an authorizer that is not there',
      { AuthorizationType: 'JWT', AuthorizerId: 'a' },
      'its authorizer is "a"',
    ],
    [
      'an authorizer of another type',
      { AuthorizationType: 'CUSTOM', AuthorizerId: 'jwt' },
      'for the type CUSTOM',
    ],
    [
      'an authorizer of no type',
      { AuthorizationType: 'JWT', AuthorizerId: 'bad' },
      'expected JWT or REQUEST',
    ],
    [
      'an issuer that is no URL',
      { AuthorizationType: 'JWT', AuthorizerId: 'issuer' },
      'expected an https URL',
    ],
    [
      'an identity source in words',
      { AuthorizationType: 'JWT', AuthorizerId: 'source' },
      'expected $request.header',
    ],
    [
      'a format that is not said',
      { AuthorizationType: 'CUSTOM', AuthorizerId: 'format' },
      'expected 1.0 or 2.0',
    ],
    [
      'simple responses of format 1.0',
      { AuthorizationType: 'CUSTOM', AuthorizerId: 'simple' },
      'EnableSimpleResponses',
    ],
    ['a TTL of two hours', { AuthorizationType: 'CUSTOM', AuthorizerId: 'ttl' }, 'expected 0 to 3600'],
    [
      'a TTL without identities',
      { AuthorizationType: 'CUSTOM', AuthorizerId: 'blind' },
      'without an identity source',
    ],
  ])('reports %s', (_, route, message) => {
    const authorizer = (id: string, properties: Record<string, unknown>) =>
      resource('ApiGatewayV2::Authorizer', id, { ApiId: 'x1y2z3abcd', ...properties })
    const Issuer = 'https://issuer.example'
    const request = { AuthorizerType: 'REQUEST', AuthorizerUri: functionArn }
    const more = [
      authorizer('jwt', { AuthorizerType: 'JWT', JwtConfiguration: { Issuer, Audience: [] } }),
      authorizer('bad', {}),
      authorizer('issuer', { AuthorizerType: 'JWT', JwtConfiguration: { Issuer: 'me' } }),
      authorizer('source', {
        AuthorizerType: 'JWT',
        JwtConfiguration: { Issuer },
        IdentitySource: ['Authorization'],
      }),
      authorizer('format', request),
      authorizer('simple', {
        ...request,
        AuthorizerPayloadFormatVersion: '1.0',
        EnableSimpleResponses: true,
      }),
      authorizer('ttl', {
        ...request,
        AuthorizerPayloadFormatVersion: '2.0',
        AuthorizerResultTtlInSeconds: 7200,
      }),
      authorizer('blind', {
        ...request,
        AuthorizerPayloadFormatVersion: '2.0',
        AuthorizerResultTtlInSeconds: 1,
      }),
    ]
    expect(problemsOf(apiResources({ route, more }))).toContain(message)
  })

  it.each([
    ['an OpenAPI definition in S3', { api: { BodyS3Location: {} } }, 'in S3, which is not emulated'],
    ['an unknown integration type', { integration: { IntegrationType: 'MOCK' } }, 'type "MOCK"'],
    [
      'an AWS service that is not emulated',
      { integration: { IntegrationSubtype: 'Kinesis-PutRecord' } },
      'subtype "Kinesis-PutRecord", which is not emulated; EventBridge-PutEvents, SQS-SendMessage',
    ],
    [
      'a parameter of no kind',
      { integration: { RequestParameters: { 'append:path': '/' } } },
      'invalid parameter "append:path"',
    ],
    [
      'a reserved header',
      { integration: { RequestParameters: { 'overwrite:header.Authorization': 'x' } } },
      'names a reserved header',
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
  ])('reports %s', (_, options, message) => {
    expect(problemsOf(apiResources(options))).toContain(message)
  })

  it('names every problem at once', () => {
    expect(problemsOf(apiResources({ routes: ['A', 'B'] }))).toMatch(/"A"[^]*\n[^]*"B"/)
  })
})
