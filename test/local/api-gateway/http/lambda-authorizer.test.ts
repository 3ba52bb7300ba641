import { describe, expect, it } from 'vitest'
import type { InvokeResult } from '../../../../local/lambda/invoker.ts'
import { apiResources, functionArn, reply, resource, startApi } from './fixture.ts'

const authorizerArn = 'arn:aws:lambda:eu-west-1:123456789012:function:auth'

async function start({
  authorizer = {},
  integration = {},
  routes = ['GET /tasks/{id}'],
  stages = [{}],
}: {
  authorizer?: Record<string, unknown>
  integration?: Record<string, unknown>
  routes?: string[]
  stages?: Record<string, unknown>[]
} = {}) {
  const started = await startApi(
    apiResources({
      routes,
      integration,
      stages,
      route: { AuthorizationType: 'CUSTOM', AuthorizerId: 'auth' },
      more: [
        resource('ApiGatewayV2::Authorizer', 'auth', {
          ApiId: 'x1y2z3abcd',
          AuthorizerType: 'REQUEST',
          AuthorizerUri: `arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/${authorizerArn}/invocations`,
          AuthorizerPayloadFormatVersion: '2.0',
          EnableSimpleResponses: true,
          IdentitySource: ['$request.header.Authorization'],
          ...authorizer,
        }),
      ],
    }),
  )
  const { fn, url } = started
  const state = { answer: (): Promise<InvokeResult> | InvokeResult => reply({ isAuthorized: true }) }
  fn.answer = (event) => (event['type'] === 'REQUEST' ? state.answer() : reply({ statusCode: 204 }))
  const call = async (path = '/tasks/7', headers: Record<string, string> = { authorization: 'secret' }) => {
    const response = await fetch(url + path, { headers })
    return [response.status, await response.text()]
  }
  const events = (target: string) =>
    fn.calls.filter((made) => made.target === target).map(({ event }) => event)
  return { ...started, state, call, asked: () => events(authorizerArn), served: () => events(functionArn) }
}

const policy = (...statements: [effect: string, resource: string][]) => ({
  principalId: 'user-42',
  policyDocument: {
    Version: '2012-10-17',
    Statement: statements.map(([Effect, Resource]) => ({ Effect, Resource, Action: 'execute-api:Invoke' })),
  },
  context: { team: 'blue' },
})
const ARN = 'arn:aws:execute-api:eu-west-1:123456789012:x1y2z3abcd/$default'

describe('a Lambda authorizer', () => {
  it('is asked with the event of payload format 2.0', async () => {
    const { call, asked } = await start({
      authorizer: { IdentitySource: ['$request.header.Authorization', '$request.querystring.user'] },
      stages: [{ StageVariables: { color: 'blue' } }],
    })
    await call('/tasks/7?user=me', { authorization: 'secret', cookie: 'a=1' })
    expect(asked()).toMatchObject([
      {
        version: '2.0',
        type: 'REQUEST',
        routeArn: `${ARN}/GET/tasks/7`,
        identitySource: ['secret', 'me'],
        routeKey: 'GET /tasks/{id}',
        rawPath: '/tasks/7',
        rawQueryString: 'user=me',
        cookies: ['a=1'],
        headers: { authorization: 'secret' },
        queryStringParameters: { user: 'me' },
        requestContext: { apiId: 'x1y2z3abcd', http: { method: 'GET', path: '/tasks/7' }, stage: '$default' },
        pathParameters: { id: '7' },
        stageVariables: { color: 'blue' },
      },
    ])
    expect(asked()[0]).not.toHaveProperty('body')
    expect(asked()[0]).not.toHaveProperty('isBase64Encoded')
  })

  it('is asked with the event of payload format 1.0', async () => {
    const { call, asked, state } = await start({
      authorizer: {
        AuthorizerPayloadFormatVersion: '1.0',
        EnableSimpleResponses: false,
        IdentitySource: ['$request.header.Authorization', '$context.routeKey'],
      },
      stages: [{ StageName: 'dev' }],
    })
    state.answer = () => reply(policy(['Allow', '*']))
    expect((await call('/dev/tasks/7'))[0]).toBe(204)
    expect(asked()).toMatchObject([
      {
        version: '1.0',
        type: 'REQUEST',
        methodArn: 'arn:aws:execute-api:eu-west-1:123456789012:x1y2z3abcd/dev/GET/tasks/7',
        identitySource: 'secret,GET /tasks/{id}',
        authorizationToken: 'secret,GET /tasks/{id}',
        resource: '/tasks/{id}',
        path: '/dev/tasks/7',
        httpMethod: 'GET',
        pathParameters: { id: '7' },
        requestContext: { resourcePath: '/tasks/{id}', stage: 'dev' },
      },
    ])
    expect(asked()[0]).not.toHaveProperty('body')
  })

  it.each([
    ['a header', '$request.header.X-Key'],
    ['a query parameter', '$request.querystring.key'],
    ['a stage variable', '$stageVariables.key'],
    ['a context variable', '$context.authorizer.key'],
  ])('answers 401 without asking when %s is missing', async (_, source) => {
    const { call, asked } = await start({ authorizer: { IdentitySource: [source] } })
    expect(await call()).toEqual([401, '{"message":"Unauthorized"}'])
    expect(asked()).toEqual([])
  })

  it('answers 401 without asking when a header is empty', async () => {
    const { call, asked } = await start()
    expect((await call('/tasks/7', { authorization: '' }))[0]).toBe(401)
    expect(asked()).toEqual([])
  })

  it('is asked every time when it has no identity source', async () => {
    const { call, asked } = await start({ authorizer: { IdentitySource: undefined } })
    expect((await call('/tasks/7', {}))[0]).toBe(204)
    expect(asked()).toHaveLength(1)
  })

  it('lets through or answers 403 as isAuthorized says', async () => {
    const { call, state, served } = await start()
    state.answer = () => reply({ isAuthorized: false, context: { why: 'no' } })
    expect(await call()).toEqual([403, '{"message":"Forbidden"}'])
    state.answer = () =>
      reply({ isAuthorized: true, context: { team: 'blue', level: 3, tags: ['a'], map: { b: 1 } } })
    expect((await call())[0]).toBe(204)
    expect(served()).toMatchObject([
      { requestContext: { authorizer: { lambda: { team: 'blue', level: 3, tags: ['a'], map: { b: 1 } } } } },
    ])
  })

  it('gives context and principal beside each other in events of payload format 1.0', async () => {
    const { call, state, served } = await start({
      authorizer: { EnableSimpleResponses: false },
      integration: { PayloadFormatVersion: '1.0' },
    })
    state.answer = () => reply(policy(['Allow', '*']))
    await call()
    expect(served()).toMatchObject([
      { requestContext: { authorizer: { team: 'blue', principalId: 'user-42' } } },
    ])
  })

  it.each<[string, number, [string, string][]]>([
    ['allows the route', 204, [['Allow', `${ARN}/GET/tasks/7`]]],
    ['allows by a pattern', 204, [['Allow', `${ARN}/*/tasks/*`]]],
    ['allows another route', 403, [['Allow', `${ARN}/GET/tasks/8`]]],
    [
      'denies what it allows',
      403,
      [
        ['Allow', '*'],
        ['Deny', `${ARN}/GET/*`],
      ],
    ],
    ['says nothing', 403, []],
  ])('decides by the policy: one that %s comes to %i', async (_, status, statements) => {
    const { call, state } = await start({ authorizer: { EnableSimpleResponses: false } })
    state.answer = () => reply(policy(...statements))
    expect((await call())[0]).toBe(status)
  })

  it.each<[string, number, object]>([
    ['holds', 204, { IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } }],
    ['holds by the clock', 204, { DateGreaterThan: { 'aws:CurrentTime': '2026-11-01T00:00:00Z' } }],
    ['does not hold', 403, { IpAddress: { 'aws:SourceIp': '198.51.100.0/24' } }],
    ['can not be judged', 403, { StringEquals: { 'aws:SourceVpc': 'vpc-1' } }],
  ])(
    'decides by what is known of the request: a condition that %s comes to %i',
    async (_, status, Condition) => {
      const { call, state } = await start({ authorizer: { EnableSimpleResponses: false } })
      const { policyDocument, ...rest } = policy(['Allow', '*'])
      const Statement = policyDocument.Statement.map((statement) => ({ ...statement, Condition }))
      state.answer = () => reply({ ...rest, policyDocument: { ...policyDocument, Statement } })
      expect((await call())[0]).toBe(status)
    },
  )

  it.each<[string, boolean, () => InvokeResult | Promise<InvokeResult>]>([
    ['fails', true, () => ({ payload: '{"errorMessage":"boom"}', functionError: 'Unhandled' })],
    ['can not be invoked', true, () => Promise.reject(new Error('Function not found'))],
    ['answers a policy where isAuthorized is expected', true, () => reply(policy(['Allow', '*']))],
    ['answers isAuthorized in words', true, () => reply({ isAuthorized: 'true' })],
    ['answers isAuthorized where a policy is expected', false, () => reply({ isAuthorized: true })],
    ['answers nothing', true, () => ({ payload: 'null' })],
  ])('comes to 500 when it %s', async (_, EnableSimpleResponses, answer) => {
    const { call, state, served } = await start({ authorizer: { EnableSimpleResponses } })
    state.answer = answer
    expect(await call()).toEqual([500, '{"message":"Internal Server Error"}'])
    expect(served()).toEqual([])
  })

  it('comes to 500 once it has taken 10 s', async () => {
    const { call, state, clock } = await start()
    const asked = new Promise<void>((resolve) => {
      state.answer = () => {
        resolve()
        return new Promise(() => undefined)
      }
    })
    const response = call()
    await asked
    clock.advance(9_999)
    clock.advance(1)
    expect((await response)[0]).toBe(500)
  })

  it('comes to 401 when it throws Unauthorized', async () => {
    const { call, state } = await start()
    state.answer = () => ({
      payload: '{"errorType":"Error","errorMessage":"Unauthorized"}',
      functionError: 'Unhandled',
    })
    expect(await call()).toEqual([401, '{"message":"Unauthorized"}'])
  })

  it('is asked every time without a TTL', async () => {
    const { call, asked } = await start()
    await call()
    await call()
    expect(asked()).toHaveLength(2)
  })

  it('is not asked again within its TTL for the same identities, on any route, allowed or not', async () => {
    const { call, asked, state, clock } = await start({
      authorizer: { AuthorizerResultTtlInSeconds: 300 },
      routes: ['GET /a', 'GET /b'],
    })
    state.answer = () => reply({ isAuthorized: false })
    expect([(await call('/a'))[0], (await call('/b'))[0]]).toEqual([403, 403])
    expect(asked()).toHaveLength(1)
    await call('/a', { authorization: 'other' })
    expect(asked()).toHaveLength(2)
    clock.advance(299_999)
    await call('/a')
    expect(asked()).toHaveLength(2)
    clock.advance(1)
    await call('/a')
    expect(asked()).toHaveLength(3)
  })

  it('is asked for each route when $context.routeKey is among its identities', async () => {
    const { call, asked } = await start({
      authorizer: {
        AuthorizerResultTtlInSeconds: 300,
        IdentitySource: ['$request.header.Authorization', '$context.routeKey'],
      },
      routes: ['GET /a', 'GET /b'],
    })
    await call('/a')
    await call('/b')
    await call('/a')
    expect(asked()).toHaveLength(2)
  })

  it('has its kept policy looked into for every route', async () => {
    const { call, asked, state } = await start({
      authorizer: { EnableSimpleResponses: false, AuthorizerResultTtlInSeconds: 300 },
      routes: ['GET /a', 'GET /b'],
    })
    state.answer = () => reply(policy(['Allow', `${ARN}/GET/a`]))
    expect([(await call('/a'))[0], (await call('/b'))[0]]).toEqual([204, 403])
    expect(asked()).toHaveLength(1)
  })

  it('is asked again after a failure', async () => {
    const { call, asked, state } = await start({ authorizer: { AuthorizerResultTtlInSeconds: 300 } })
    state.answer = () => ({ payload: '{}', functionError: 'Unhandled' })
    await call()
    state.answer = () => reply({ isAuthorized: true })
    expect((await call())[0]).toBe(204)
    expect(asked()).toHaveLength(2)
  })
})

it('leaves OPTIONS /{proxy+} open beside a closed $default, for preflights that a function answers', async () => {
  const ApiId = 'x1y2z3abcd'
  const open = { ApiId, RouteKey: 'OPTIONS /{proxy+}', Target: 'integrations/int1' }
  const { url, fn } = await startApi(
    apiResources({
      route: { AuthorizationType: 'CUSTOM', AuthorizerId: 'auth' },
      more: [
        resource('ApiGatewayV2::Route', 'Preflight', open),
        resource('ApiGatewayV2::Authorizer', 'auth', {
          ApiId,
          AuthorizerType: 'REQUEST',
          AuthorizerUri: authorizerArn,
          AuthorizerPayloadFormatVersion: '2.0',
          IdentitySource: ['$request.header.Authorization'],
        }),
      ],
    }),
  )
  expect((await fetch(`${url}/tasks`, { method: 'OPTIONS' })).status).toBe(204)
  expect((await fetch(`${url}/tasks`)).status).toBe(401)
  expect(fn.calls.map(({ event }) => event['routeKey'])).toEqual(['OPTIONS /{proxy+}'])
})

describe('a route with AWS_IAM', () => {
  const resources = apiResources({ route: { AuthorizationType: 'AWS_IAM' } })

  it('lets nobody pass while nothing checks signatures', async () => {
    const { url, fn } = await startApi(resources)
    const response = await fetch(url)
    expect([response.status, await response.json()]).toEqual([403, { message: 'Forbidden' }])
    expect(fn.calls).toHaveLength(0)
  })

  it.each(['2.0', '1.0'])(
    'gives the identity that was checked, in payload format %s',
    async (PayloadFormatVersion) => {
      const iam = {
        accessKey: 'AKIA',
        accountId: '123456789012',
        callerId: 'AROA:s',
        cognitoIdentity: null,
        principalOrgId: null,
        userArn: 'arn:aws:sts::123456789012:assumed-role/R/s',
        userId: 'AROA:s',
      }
      const { url, fn } = await startApi(
        apiResources({ route: { AuthorizationType: 'AWS_IAM' }, integration: { PayloadFormatVersion } }),
        { iam: { authorize: () => Promise.resolve({ authorizer: { iam } }) } },
      )
      await fetch(url)
      expect(fn.calls[0]?.event['requestContext']).toMatchObject(
        PayloadFormatVersion === '2.0'
          ? { authorizer: { iam } }
          : { identity: { accessKey: 'AKIA', caller: 'AROA:s', user: 'AROA:s', userArn: iam.userArn } },
      )
    },
  )
})
