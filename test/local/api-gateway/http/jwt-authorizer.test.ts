import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT, exportJWK, generateKeyPair } from 'jose'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ManualClock } from '../../../../local/clock.ts'
import { apiResources, resource, startApi } from './fixture.ts'

type Keys = Awaited<ReturnType<typeof generateKeyPair>>
let keys: Keys
let others: Keys
let elliptic: Keys

beforeAll(async () => {
  ;[keys, others, elliptic] = await Promise.all([
    generateKeyPair('RS256'),
    generateKeyPair('RS256'),
    generateKeyPair('ES256'),
  ])
})

/** An OpenID provider on this machine, with the public keys that it has at the moment. */
async function startIssuer() {
  const asked: string[] = []
  const state = { keys: { k1: keys } as Record<string, Keys>, isSilent: false, status: 200 }
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (state.isSilent) return
    void (async () => {
      const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const jwks = Object.entries(state.keys).map(async ([kid, { publicKey }]) => ({
        ...(await exportJWK(publicKey)),
        kid,
        use: 'sig',
      }))
      const body = request.url?.endsWith('/jwks')
        ? { keys: await Promise.all(jwks) }
        : { issuer, jwks_uri: `${issuer}/jwks` }
      response.writeHead(state.status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, state }
}

/** Claims to add, or to leave out where undefined. */
type Claims = Readonly<Record<string, unknown>>

const AUDIENCE = 'client-1'
const NOW = Math.floor(new ManualClock().now() / 1000)

async function start({
  route = {},
  authorizer = {},
  integration = {},
}: Partial<Record<'route' | 'authorizer' | 'integration', Record<string, unknown>>> = {}) {
  const issuer = await startIssuer()
  const api = await startApi(
    apiResources({
      integration,
      route: { AuthorizationType: 'JWT', AuthorizerId: 'auth', ...route },
      more: [
        resource('ApiGatewayV2::Authorizer', 'auth', {
          ApiId: 'x1y2z3abcd',
          AuthorizerType: 'JWT',
          IdentitySource: ['$request.header.Authorization'],
          JwtConfiguration: { Issuer: issuer.url, Audience: [AUDIENCE, 'client-2'] },
          ...authorizer,
        }),
      ],
    }),
  )
  const token = (
    claims: Claims = {},
    header: { alg?: string; kid?: string } = { kid: 'k1' },
    signer = keys,
  ) =>
    new SignJWT({
      iss: issuer.url,
      aud: AUDIENCE,
      sub: 'user-42',
      iat: NOW,
      exp: NOW + 60,
      ...claims,
    })
      .setProtectedHeader({ alg: 'RS256', ...header })
      .sign(signer.privateKey)
  const call = async (authorization?: string) => {
    const response = await fetch(`${api.url}/`, {
      headers: authorization === undefined ? {} : { authorization },
    })
    return [response.status, await response.text(), response.headers.get('www-authenticate')]
  }
  return { ...api, issuer, token, call }
}

const refused = (description: string) => [
  401,
  '{"message":"Unauthorized"}',
  `Bearer scope="" error="invalid_token" error_description="${description}"`,
]

describe('a JWT authorizer', () => {
  it('lets a token of the issuer through, with or without Bearer before it', async () => {
    const { call, token, fn } = await start()
    expect((await call(`Bearer ${await token()}`))[0]).toBe(204)
    expect((await call(`bearer ${await token()}`))[0]).toBe(204)
    expect((await call(await token()))[0]).toBe(204)
    expect(fn.calls).toHaveLength(3)
  })

  it('gives claims as text, lists as [a b], and null scopes for a route without scopes', async () => {
    const { call, token, fn } = await start()
    const claims = { groups: ['a', 'b'], admin: true, address: { zip: 1, city: 'x' }, scope: 'tasks.read' }
    await call(`Bearer ${await token(claims)}`)
    expect(fn.calls[0]?.event['requestContext']).toMatchObject({
      authorizer: {
        jwt: {
          claims: {
            sub: 'user-42',
            aud: AUDIENCE,
            exp: String(NOW + 60),
            groups: '[a b]',
            admin: 'true',
            address: 'map[city:x zip:1]',
          },
          scopes: null,
        },
      },
    })
  })

  it('gives claims and scopes without jwt in events of payload format 1.0', async () => {
    const { call, token, fn } = await start({ integration: { PayloadFormatVersion: '1.0' } })
    await call(`Bearer ${await token()}`)
    expect(fn.calls[0]?.event['requestContext']).toMatchObject({
      authorizer: { claims: { sub: 'user-42' }, scopes: null },
    })
  })

  it('answers 401 with a bare challenge when there is no token, without asking the issuer', async () => {
    const { call, issuer } = await start()
    expect(await call()).toEqual([401, '{"message":"Unauthorized"}', 'Bearer'])
    expect(issuer.asked).toEqual([])
  })

  it.each<[string, Claims, string]>([
    ['another audience', { aud: 'somebody' }, 'the token does not have a valid audience'],
    ['no audience', { aud: undefined }, 'the token does not have a valid audience'],
    [
      'an audience that is not ours beside a client_id that is',
      { aud: 'x', client_id: AUDIENCE },
      'the token does not have a valid audience',
    ],
    ['another issuer', { iss: 'https://evil.example' }, 'the token has no valid iss'],
    ['a time that is over', { exp: NOW }, 'the token has expired'],
    ['no end', { exp: undefined }, 'the token has no valid exp'],
    ['a start to come', { nbf: NOW + 5 }, 'the token is not valid yet'],
    ['an issue to come', { iat: NOW + 5 }, 'the token was issued in the future'],
  ])('answers 401 to %s', async (_, claims, description) => {
    const { call, token, fn } = await start()
    expect(await call(`Bearer ${await token(claims)}`)).toEqual(refused(description))
    expect(fn.calls).toHaveLength(0)
  })

  it('takes client_id for the audience when there is no aud, and one of several audiences', async () => {
    const { call, token } = await start()
    expect((await call(await token({ aud: undefined, client_id: 'client-2' })))[0]).toBe(204)
    expect((await call(await token({ aud: ['x', 'client-2'] })))[0]).toBe(204)
  })

  it('answers 401 to tokens that nobody signed, or somebody else, or with another algorithm', async () => {
    const { call, token, issuer } = await start()
    issuer.state.keys = { k1: keys, ec: elliptic }
    const none = (await token()).split('.')
    const [, payload = ''] = none
    const unsigned = `${Buffer.from('{"alg":"none","kid":"k1"}').toString('base64url')}.${payload}.`
    expect(await call('Bearer not-a-token')).toEqual(refused('token contains an invalid number of segments'))
    expect(await call(unsigned)).toEqual(refused('the signing method is invalid'))
    expect(await call(await token({}, { kid: 'k1' }, others))).toEqual(refused('the token is invalid'))
    expect(await call(await token({}, { kid: 'k9' }, others))).toEqual(
      refused('no key of the issuer matches the token'),
    )
    expect(await call(await token({}, {}))).toEqual(refused('the token names no key'))
    expect(await call(await token({}, { alg: 'ES256', kid: 'ec' }, elliptic))).toEqual(
      refused('the signing method is invalid'),
    )
    expect(await call('a.b.c')).toEqual(refused('the token is invalid'))
  })

  it('wants one of the scopes of the route, in scope or scp: else 403', async () => {
    const { call, token, fn } = await start({ route: { AuthorizationScopes: ['tasks.read', 'tasks.write'] } })
    expect(await call(await token({ scope: 'tasks.readonly email' }))).toEqual([
      403,
      '{"message":"Forbidden"}',
      'Bearer scope="tasks.read tasks.write" error="insufficient_scope" error_description="the token does not have one of the required scopes"',
    ])
    expect((await call(await token()))[0]).toBe(403)
    expect((await call(await token({ scope: 'email tasks.write' })))[0]).toBe(204)
    expect((await call(await token({ scp: ['tasks.read'] })))[0]).toBe(204)
    expect(fn.calls[0]?.event['requestContext']).toMatchObject({
      authorizer: { jwt: { scopes: ['tasks.write'] } },
    })
  })

  it('reads the token from the query when that is the identity source', async () => {
    const { url, token, fn } = await start({ authorizer: { IdentitySource: ['$request.querystring.token'] } })
    expect((await fetch(`${url}/?token=${await token()}`)).status).toBe(204)
    expect((await fetch(url, { headers: { authorization: await token() } })).status).toBe(401)
    expect(fn.calls).toHaveLength(1)
  })

  it('keeps the keys for two hours, and asks anew for a key that it does not know', async () => {
    const { call, token, issuer, clock } = await start()
    const rounds = () => issuer.asked.filter((path) => path === '/jwks').length
    const later = () => ({ iat: undefined, exp: Math.floor(clock.now() / 1000) + 60 })
    await call(await token())
    await call(await token())
    expect([rounds(), issuer.asked[0]]).toEqual([1, '/.well-known/openid-configuration'])
    issuer.state.keys = { k2: others }
    clock.advance(30_000)
    expect((await call(await token(later(), { kid: 'k2' }, others)))[0]).toBe(204)
    expect(rounds()).toBe(2)
    expect((await call(await token(later())))[0]).toBe(401)
    expect(rounds()).toBe(2)
    clock.advance(2 * 60 * 60 * 1000 - 1)
    await call(await token(later(), { kid: 'k2' }, others))
    expect(rounds()).toBe(2)
    clock.advance(1)
    await call(await token(later(), { kid: 'k2' }, others))
    expect(rounds()).toBe(3)
  })

  it('answers 401 when the issuer fails, and asks it again the next time', async () => {
    const { call, token, issuer } = await start()
    issuer.state.status = 500
    expect(await call(await token())).toEqual(refused('OIDC discovery endpoint communication error'))
    issuer.state.status = 200
    expect((await call(await token()))[0]).toBe(204)
  })

  it('answers 401 once the issuer has said nothing for 1.5 s', async () => {
    const { call, token, issuer, clock } = await start()
    issuer.state.isSilent = true
    const answer = call(await token())
    await expect.poll(() => issuer.asked.length).toBe(1)
    clock.advance(1_499)
    clock.advance(1)
    expect(await answer).toEqual(refused('OIDC discovery endpoint communication error'))
  })

  it('accepts no token of a user pool that the template makes, asks nobody, and says so at the start', async () => {
    const said: string[] = []
    const log = {
      info: () => undefined,
      error: () => undefined,
      warn: (_: string, text: string) => said.push(text),
    }
    const resources = apiResources({
      route: { AuthorizationType: 'JWT', AuthorizerId: 'auth' },
      more: [
        resource('Cognito::UserPool', 'eu-west-1_AbCdEfGhI', {}),
        resource('ApiGatewayV2::Authorizer', 'auth', {
          ApiId: 'x1y2z3abcd',
          AuthorizerType: 'JWT',
          JwtConfiguration: {
            Issuer: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI',
            Audience: [AUDIENCE],
          },
        }),
      ],
    })
    const { url, fn } = await startApi(resources, { log })
    expect(said).toEqual([
      expect.stringMatching(
        /^authorizer "Test\/auth" answers 401 to every token: the user pool "Test\/eu-west-1_AbCdEfGhI" is made on AWS only/,
      ),
    ])
    const response = await fetch(url, { headers: { authorization: 'a.b.c' } })
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([
      401,
      'Bearer scope="" error="invalid_token" error_description="OIDC discovery endpoint communication error"',
    ])
    expect(said[1]).toContain('is made on AWS only')
    expect(fn.calls).toHaveLength(0)
  })
})
