import { describe, expect, it } from 'vitest'
import { httpApis } from '../../../../local/api-gateway/http/definition.ts'
import { environment, functionArn, resource, startApi } from './fixture.ts'

const integration = {
  type: 'aws_proxy',
  httpMethod: 'POST',
  uri: `arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/${functionArn}/invocations`,
  payloadFormatVersion: '2.0',
  timeoutInMillis: 5_000,
}

const Body = {
  openapi: '3.0.1',
  paths: {
    '/tasks/{id}': {
      get: { 'x-amazon-apigateway-integration': integration, security: [{ tokens: ['tasks.read'] }] },
      'x-amazon-apigateway-any-method': { 'x-amazon-apigateway-integration': integration, security: [] },
      parameters: [{ name: 'id', in: 'path', required: true }],
    },
    '/asked': { post: { 'x-amazon-apigateway-integration': integration, security: [{ asks: [] }] } },
    '/signed': {
      post: {
        'x-amazon-apigateway-integration': integration,
        'x-amazon-apigateway-auth': { type: 'AWS_IAM' },
      },
    },
    '/proxied': {
      get: {
        'x-amazon-apigateway-integration': { $ref: '#/components/x-amazon-apigateway-integrations/site' },
      },
    },
    '/$default': { 'x-amazon-apigateway-any-method': { 'x-amazon-apigateway-integration': integration } },
  },
  components: {
    securitySchemes: {
      tokens: {
        type: 'oauth2',
        'x-amazon-apigateway-authorizer': {
          type: 'jwt',
          identitySource: '$request.header.Authorization',
          jwtConfiguration: { issuer: 'https://issuer.example', audience: ['me'] },
        },
      },
      asks: {
        type: 'apiKey',
        'x-amazon-apigateway-authorizer': {
          type: 'request',
          authorizerUri: functionArn,
          authorizerPayloadFormatVersion: '2.0',
          authorizerResultTtlInSeconds: 60,
          enableSimpleResponses: true,
          identitySource: '$request.header.A, $request.querystring.b',
        },
      },
    },
    'x-amazon-apigateway-integrations': {
      site: {
        type: 'http_proxy',
        httpMethod: 'GET',
        uri: 'https://site.example',
        payloadFormatVersion: '1.0',
      },
    },
  },
  'x-amazon-apigateway-cors': { allowOrigins: ['*'], allowMethods: ['GET'], maxAge: 60 },
}

const api = resource('ApiGatewayV2::Api', 'x1y2z3abcd', { Body })
const stage = resource('ApiGatewayV2::Stage', 'Stage', { ApiId: 'x1y2z3abcd', StageName: '$default' })

describe('an API from an OpenAPI definition', () => {
  it('has the routes, integrations, authorizers and CORS of its body', () => {
    const [definition] = httpApis([api, stage], environment)
    expect(definition?.problems).toEqual([])
    const routes = definition?.routes.map(({ key, authorization, scopes, integration: made }) => ({
      key: key.text,
      authorization,
      scopes,
      made,
    }))
    const lambda = { type: 'lambda', target: functionArn, payloadFormat: '2.0', timeoutMs: 5_000 }
    expect(routes).toMatchObject([
      {
        key: 'GET /tasks/{id}',
        authorization: { type: 'jwt', issuer: 'https://issuer.example', audience: ['me'] },
        scopes: ['tasks.read'],
        made: lambda,
      },
      { key: 'ANY /tasks/{id}', authorization: { type: 'none' }, made: lambda },
      {
        key: 'POST /asked',
        authorization: {
          type: 'lambda',
          target: functionArn,
          ttlSeconds: 60,
          simpleResponses: true,
          identitySources: ['$request.header.A', '$request.querystring.b'],
        },
      },
      { key: 'POST /signed', authorization: { type: 'iam' } },
      { key: 'GET /proxied', made: { type: 'proxy', url: 'https://site.example', method: 'GET' } },
      { key: '$default', made: lambda },
    ])
    expect(definition?.cors).toMatchObject({ allowOrigins: ['*'], allowMethods: ['GET'], maxAge: 60 })
  })

  it('serves them', async () => {
    const { url, fn } = await startApi([api, stage])
    expect((await fetch(`${url}/tasks/7`, { method: 'PUT' })).status).toBe(204)
    expect((await fetch(`${url}/tasks/7`)).status).toBe(401)
    expect((await fetch(`${url}/elsewhere`)).status).toBe(204)
    expect(fn.calls.map(({ event }) => event['routeKey'])).toEqual(['ANY /tasks/{id}', '$default'])
  })

  it('closes an operation whose security scheme is no authorizer', () => {
    const closed = {
      paths: { '/a': { get: { 'x-amazon-apigateway-integration': integration } } },
      security: [{ nobody: [] }],
      components: { securitySchemes: { nobody: { type: 'http' } } },
    }
    const [definition] = httpApis([{ ...api, properties: { Body: closed } }], environment)
    expect(definition?.problems).toEqual([expect.stringContaining('its authorizer is "nobody"')])
  })
})
