import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { type Authorization, type Authorizer, forbidden, unauthorized } from './authorization.ts'
import type { JwtAuthorizerDefinition } from './authorizer-definition.ts'
import type { HttpRoute } from './definition.ts'
import type { RoutedRequest } from './event.ts'
import { Issuer, IssuerError } from './issuer.ts'
import { identityOf } from './request-values.ts'

/** "Currently, only RSA-based algorithms are supported." */
const ALGORITHMS = ['RS256', 'RS384', 'RS512']

/** A token that is not accepted, in the words that `www-authenticate` gives for it. */
class InvalidTokenError extends Error {
  override readonly name = 'InvalidTokenError'
}

/**
 * Lets requests through that carry a token of the issuer.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
 *
 * A refusal is 401 with `www-authenticate: Bearer` when there is no token, else with
 * `Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience"`. That text is
 * documented, and those about segments, discovery and keys have been seen; the others are of our own wording.
 */
export class JwtAuthorizer implements Authorizer {
  readonly #definition: JwtAuthorizerDefinition
  readonly #clock: Clock
  readonly #log: Log
  readonly #issuer: Issuer

  constructor(definition: JwtAuthorizerDefinition, { clock, log }: { clock: Clock; log: Log }) {
    this.#definition = definition
    this.#clock = clock
    this.#log = log
    this.#issuer = new Issuer(definition.issuer, clock)
  }

  async authorize(routed: RoutedRequest, { scopes }: HttpRoute): Promise<Authorization> {
    const token = identityOf(this.#definition.identitySource, routed)
      ?.replace(/^bearer /i, '')
      .trim()
    if (!token) return unauthorized({ 'www-authenticate': 'Bearer' })
    let claims: JWTPayload
    try {
      claims = await this.#verify(token)
    } catch (error) {
      const description = describe(error)
      if (error instanceof IssuerError)
        this.#log.warn(this.#definition.path, `${error.message}: ${causes(error)}`)
      return unauthorized({ 'www-authenticate': challenge('', 'invalid_token', description) })
    }
    if (scopes.length === 0) return { authorizer: { jwt: { claims: texts(claims), scopes: null } } }
    const granted = scopesOf(claims).filter((scope) => scopes.includes(scope))
    if (granted.length === 0) {
      const description = 'the token does not have one of the required scopes'
      return forbidden({ 'www-authenticate': challenge(scopes.join(' '), 'insufficient_scope', description) })
    }
    return { authorizer: { jwt: { claims: texts(claims), scopes: granted } } }
  }

  /** @throws InvalidTokenError, IssuerError, JOSEError */
  async #verify(token: string): Promise<JWTPayload> {
    if (token.split('.').length !== 3)
      throw new InvalidTokenError('token contains an invalid number of segments')
    if (this.#definition.unreachable !== undefined)
      throw new IssuerError('OIDC discovery endpoint communication error', {
        cause: new Error(this.#definition.unreachable),
      })
    if (decodeProtectedHeader(token).kid === undefined) throw new InvalidTokenError('the token names no key')
    const { issuer, audience } = this.#definition
    const now = this.#clock.now()
    const options = { algorithms: ALGORITHMS, issuer, requiredClaims: ['exp'], currentDate: new Date(now) }
    const { payload } = await this.#withKeys((keys) => jwtVerify(token, keys, options))
    if (typeof payload.iat === 'number' && payload.iat * 1000 > now)
      throw new InvalidTokenError('the token was issued in the future')
    const audiences = payload.aud ?? payload['client_id']
    if (![audiences].flat().some((name) => typeof name === 'string' && audience.includes(name)))
      throw new InvalidTokenError('the token does not have a valid audience')
    return payload
  }

  async #withKeys<T>(verify: (keys: Awaited<ReturnType<Issuer['keys']>>) => Promise<T>): Promise<T> {
    try {
      return await verify(await this.#issuer.keys())
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      return verify(await this.#issuer.freshKeys())
    }
  }
}

const challenge = (scope: string, error: string, description: string) =>
  `Bearer scope="${scope}" error="${error}" error_description="${description}"`

function describe(error: unknown): string {
  if (error instanceof InvalidTokenError || error instanceof IssuerError) return error.message
  if (error instanceof errors.JWTExpired) return 'the token has expired'
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === 'nbf' ? 'the token is not valid yet' : `the token has no valid ${error.claim}`
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the signing method is invalid'
  if (error instanceof errors.JWKSNoMatchingKey) return 'no key of the issuer matches the token'
  return 'the token is invalid'
}

const causes = (error: Error): string =>
  error.cause instanceof Error ? [error.cause.message, causes(error.cause)].filter(Boolean).join(': ') : ''

/** `scope` is text with spaces; `scp` is that or a list. */
function scopesOf(claims: JWTPayload): string[] {
  const scopes = claims['scope'] ?? claims['scp']
  return typeof scopes === 'string'
    ? scopes.split(' ').filter(Boolean)
    : Array.isArray(scopes)
      ? scopes.map(String)
      : []
}

/** Claims are typed wider but come as text in practice: a list as `[a b]`, an object as `map[a:b]`. */
const texts = (claims: JWTPayload): Record<string, string> =>
  Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, text(value)]))

function text(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(text).join(' ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `map[${entries.map(([name, item]) => `${name}:${text(item)}`).join(' ')}]`
  }
  return String(value)
}
