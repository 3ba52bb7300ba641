import { describe, expect, it } from 'vitest'
import { webSocketApis } from '../../../../local/api-gateway/websocket/definition.ts'
import type { Iam } from '../../../../local/iam/iam.ts'
import { environment, resource } from '../http/fixture.ts'
import { METHOD_ARN, policy, startAuthorized, statement, uriOf } from './authorizer-fixture.ts'
import { HANDSHAKE, fail, ok, open, raw, resources } from './fixture.ts'

const API = 'arn:aws:execute-api:eu-west-1:123456789012:w1s2k3abcd'

describe('the policy of an authorizer', () => {
  it.each([
    ['names the method', [statement(METHOD_ARN)], 101],
    ['names every route of the stage', [statement(`${API}/live/*`)], 101],
    ['names everything', [statement('*')], 101],
    ['lists the method', [statement(['arn:aws:execute-api:*:*:other/*', METHOD_ARN])], 101],
    ['allows every action', [statement('*', { Action: '*' })], 101],
    [
      'allows every action but another',
      [statement('*', { Action: undefined, NotAction: 'dynamodb:*' })],
      101,
    ],
    ['allows from where the client is', [statement('*', onlyFrom('127.0.0.0/8'))], 101],
    ['names methods as a REST API has them', [statement(`${API}/live/*/*`)], 403],
    ['names another stage', [statement(`${API}/other/*`)], 403],
    ['allows another action', [statement('*', { Action: 'execute-api:ManageConnections' })], 403],
    [
      'allows every action but this',
      [statement('*', { Action: undefined, NotAction: 'execute-api:*' })],
      403,
    ],
    ['denies it', [statement('*'), statement(METHOD_ARN, { Effect: 'Deny' })], 403],
    ['allows from elsewhere', [statement('*', onlyFrom('203.0.113.0/24'))], 403],
    ['asks for what nobody knows', [statement('*', { Condition: { StringEquals: { 'x:y': 'z' } } })], 403],
    ['says nothing', [], 403],
  ])('that %s', async (_, statements, status) => {
    const gateway = await startAuthorized()
    gateway.authorize = () => ok(policy(statements))
    expect((await raw(gateway.port)).status).toBe(status)
    expect(gateway.fn.events).toHaveLength(status === 101 ? 1 : 0)
  })

  it('gates $connect alone: a denied route is open to who is connected', async () => {
    const gateway = await startAuthorized()
    gateway.authorize = () =>
      ok(policy([statement(METHOD_ARN), statement(`${API}/live/$default`, { Effect: 'Deny' })]))
    const { client } = await open(gateway)
    client.socket.send('{}')
    await gateway.fn.saw('MESSAGE')
  })

  it('is asked for again by every handshake', async () => {
    const gateway = await startAuthorized({ authorizer: { AuthorizerResultTtlInSeconds: 300 } })
    await raw(gateway.port)
    await raw(gateway.port)
    expect(gateway.asked).toHaveLength(2)
  })
})

function onlyFrom(range: string) {
  return { Condition: { IpAddress: { 'aws:SourceIp': range } } }
}

describe('an authorizer', () => {
  it('that throws exactly "Unauthorized" makes it 401', async () => {
    const gateway = await startAuthorized()
    gateway.authorize = () => fail('Unauthorized')
    const { status, head, body } = await raw(gateway.port)
    expect([status, JSON.parse(body)]).toMatchObject([401, { message: 'Unauthorized' }])
    expect(head).toMatch(/^x-amzn-ErrorType: UnauthorizedException\r?$/m)
  })

  it.each([
    ['throws anything else', fail('unauthorized')],
    ['answers with a boolean', ok({ isAuthorized: true })],
    ['answers with nothing', { payload: '' }],
    ['answers without a principal', ok({ policyDocument: { Statement: [statement('*')] } })],
    ['answers with a policy that is none', ok(policy([{ Effect: 'Maybe' }]))],
    ['answers with a list in its context', ok(policy([statement('*')], { context: { roles: ['a'] } }))],
    ['answers with more than 8 KB', ok(policy([statement('*')], { context: { a: 'a'.repeat(8192) } }))],
  ])('that %s makes it 500', async (_, result) => {
    const gateway = await startAuthorized()
    gateway.authorize = () => result
    const { status, body } = await raw(gateway.port)
    expect([status, JSON.parse(body)]).toMatchObject([500, { message: 'Internal server error' }])
    expect(gateway.fn.events).toEqual([])
  })

  it('that gives no answer in time makes it 500', async () => {
    const gateway = await startAuthorized()
    const isAsked = new Promise<void>((resolve) => {
      gateway.authorize = () => {
        resolve()
        return new Promise(() => undefined)
      }
    })
    const answer = raw(gateway.port)
    await isAsked
    gateway.clock.advance(29_000)
    expect((await answer).status).toBe(500)
  })

  it('that the gateway may not invoke makes it 500', async () => {
    const asked: unknown[] = []
    const mayInvoke = (...args: unknown[]) => {
      asked.push(args)
      return false
    }
    const gateway = await startAuthorized({
      authorizer: { AuthorizerCredentialsArn: 'arn:aws:iam::123456789012:role/gateway' },
      overrides: { mayInvoke },
    })
    expect((await raw(gateway.port)).status).toBe(500)
    expect(gateway.asked).toEqual([])
    expect(asked).toEqual([
      [
        'arn:aws:lambda:eu-west-1:123456789012:function:authorizer',
        `${API}/authorizers/auth1`,
        'arn:aws:iam::123456789012:role/gateway',
      ],
    ])
  })

  it('is named with the stage’s variables', async () => {
    const gateway = await startAuthorized({
      authorizer: {
        AuthorizerUri: uriOf('arn:aws:lambda:eu-west-1:123456789012:function:${stageVariables.fn}'),
      },
      stage: { StageVariables: { fn: 'authorizer' } },
    })
    expect((await raw(gateway.port)).status).toBe(101)
    expect(gateway.asked).toMatchObject([{ stageVariables: { fn: 'authorizer' } }])
  })

  it('gives its context as text to the events of the connection, with the principal and a number of milliseconds', async () => {
    const gateway = await startAuthorized()
    gateway.authorize = () => {
      gateway.clock.advance(87)
      return ok(policy([statement('*')], { context: { tenant: 't1', admin: true, level: 3, none: null } }))
    }
    const { client } = await open(gateway)
    client.socket.send('{}')
    await gateway.fn.saw('MESSAGE')
    client.socket.close()
    await gateway.fn.saw('DISCONNECT')
    const authorizer = {
      principalId: 'user-42',
      integrationLatency: 87,
      tenant: 't1',
      admin: 'true',
      level: '3',
    }
    expect(gateway.fn.events.map(({ requestContext }) => requestContext['authorizer'])).toEqual([
      authorizer,
      authorizer,
      authorizer,
    ])
  })
})

describe('an identity source', () => {
  it.each([
    [['route.request.header.X-Token'], '/live', { 'x-token': 'a' }, 101],
    [['route.request.header.X-Token'], '/live', { 'x-token': '' }, 401],
    [['route.request.header.X-Token'], '/live', {}, 401],
    [['route.request.querystring.token'], '/live?token=a', {}, 101],
    [['route.request.querystring.token'], '/live?token=', {}, 401],
    [['route.request.querystring.token'], '/live?Token=a', {}, 401],
    [['route.request.querystring.token', 'route.request.header.X-Token'], '/live?token=a', {}, 401],
    [['stageVariables.secret'], '/live', {}, 101],
    [['stageVariables.missing'], '/live', {}, 401],
    [['context.stage'], '/live', {}, 101],
    [['context.identity.sourceIp'], '/live', {}, 101],
    [['context.identity.userAgent'], '/live', {}, 401],
    [['$request.header.X-Token'], '/live', { 'X-Token': 'a' }, 101],
  ])(
    '%j of %s with %j gives %i, and without one nobody is asked',
    async (IdentitySource, path, headers, status) => {
      const gateway = await startAuthorized({
        authorizer: { IdentitySource },
        stage: { StageVariables: { secret: 'a' } },
      })
      expect((await raw(gateway.port, path, { ...HANDSHAKE, ...headers })).status).toBe(status)
      expect(gateway.asked).toHaveLength(status === 101 ? 1 : 0)
    },
  )
})

describe('a definition', () => {
  it('of an authorizer that the API does not have stops the start', () => {
    const route = { AuthorizationType: 'CUSTOM', AuthorizerId: 'nobody' }
    expect(() => webSocketApis(resources({ routes: ['$connect'], route }), environment)).toThrow(
      /"\$connect" has the authorizer "nobody"/,
    )
  })

  it.each([
    [{ AuthorizerType: 'JWT' }, /takes REQUEST only/],
    [{ AuthorizerUri: 'https://example.com' }, /expected a Lambda function's/],
    [{ IdentitySource: ['cookie.a'] }, /IdentitySource has "cookie.a"/],
  ])('of %j stops the start', async (authorizer, message) => {
    await expect(startAuthorized({ authorizer })).rejects.toThrow(message)
  })

  it('of an authorizer on another route than $connect is said to be a problem, and of an eleventh authorizer', () => {
    const more = Array.from({ length: 11 }, (_, i) =>
      resource('ApiGatewayV2::Authorizer', `auth${i}`, { ApiId: 'w1s2k3abcd' }),
    )
    const route = { AuthorizationType: 'CUSTOM', ApiKeyRequired: true }
    const [definition] = webSocketApis(resources({ routes: ['ask'], route, more }), environment)
    expect(definition?.problems).toEqual([
      expect.stringMatching(/11 authorizers; expected at most 10/),
      expect.stringMatching(/route "ask" has an authorizer/),
      expect.stringMatching(/route "ask" asks for an API key/),
    ])
  })
})

describe('AWS_IAM', () => {
  it('lets everybody in where permissions are not checked', async () => {
    const gateway = await startAuthorized({ route: { AuthorizationType: 'AWS_IAM' } })
    expect((await raw(gateway.port)).status).toBe(101)
    expect(gateway.asked).toEqual([])
  })

  it('has its identity in every event', async () => {
    const principal = { accountId: '123456789012', userId: 'AIDA', arn: 'arn:aws:iam::123456789012:user/a' }
    const iam = {
      authenticate: () => ({ principal, accessKeyId: 'AKIA' }),
      authorize: () => undefined,
    } as unknown as Iam
    const gateway = await startAuthorized({
      route: { AuthorizationType: 'AWS_IAM' },
      overrides: { iam },
    })
    const { client } = await open(gateway)
    client.socket.send('{}')
    expect((await gateway.fn.saw('MESSAGE')).requestContext['identity']).toEqual({
      accessKey: 'AKIA',
      accountId: '123456789012',
      caller: 'AIDA',
      user: 'AIDA',
      userArn: principal.arn,
      sourceIp: '127.0.0.1',
    })
  })
})
