import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { type Clock, withinTime } from '../../clock.ts'
import { ISSUER_TIMEOUT_MS, KEY_CACHE_MS } from './limits.ts'

/** The issuer gave no keys; the message is AWS's, the cause says more. */
export class IssuerError extends Error {
  override readonly name = 'IssuerError'
}

/**
 * Keys with an id that is not known are asked for again, but not more often than this: not documented, and what lets an
 * issuer on this machine be restarted with new keys.
 */
const REFRESH_COOLDOWN_MS = 30_000

/** An OpenID Connect issuer: found by its discovery document, its keys kept. */
export class Issuer {
  readonly #url: string
  readonly #clock: Clock
  #keys: { readonly fetchedAt: number; readonly select: Promise<JWTVerifyGetKey> } | undefined

  /** @param url `https://issuer.example`; `http` on this machine too */
  constructor(url: string, clock: Clock) {
    this.#url = url
    this.#clock = clock
  }

  /** @throws IssuerError */
  keys(): Promise<JWTVerifyGetKey> {
    return this.#keysNoOlderThan(KEY_CACHE_MS)
  }

  /** The keys as they are now, for a token that names one that is not among those kept. @throws IssuerError */
  freshKeys(): Promise<JWTVerifyGetKey> {
    return this.#keysNoOlderThan(REFRESH_COOLDOWN_MS)
  }

  #keysNoOlderThan(ageMs: number): Promise<JWTVerifyGetKey> {
    const now = this.#clock.now()
    if (!this.#keys || now - this.#keys.fetchedAt >= ageMs) {
      const fetched = { fetchedAt: now, select: this.#fetch() }
      this.#keys = fetched
      // A failure is not kept.
      fetched.select.catch(() => {
        if (this.#keys === fetched) this.#keys = undefined
      })
    }
    return this.#keys.select
  }

  async #fetch(): Promise<JWTVerifyGetKey> {
    const discovery = `${this.#url.replace(/\/$/, '')}/.well-known/openid-configuration`
    let jwksUri: unknown
    try {
      jwksUri = (await this.#json(discovery))['jwks_uri']
      if (typeof jwksUri !== 'string') throw new Error(`${discovery} names no jwks_uri`)
    } catch (cause) {
      throw new IssuerError('OIDC discovery endpoint communication error', { cause })
    }
    try {
      return createLocalJWKSet((await this.#json(jwksUri)) as unknown as JSONWebKeySet)
    } catch (cause) {
      throw new IssuerError('JWKS communication error', { cause })
    }
  }

  async #json(url: string): Promise<Readonly<Record<string, unknown>>> {
    const abort = new AbortController()
    const answer = fetch(url, { signal: abort.signal }).then(async (response) => {
      if (!response.ok) throw new Error(`${url} answers ${response.status}`)
      return (await response.json()) as Readonly<Record<string, unknown>>
    })
    const outcome = await withinTime(this.#clock, ISSUER_TIMEOUT_MS, answer)
    if (outcome !== 'timed-out') return outcome
    abort.abort()
    throw new Error(`${url} gives no answer within ${ISSUER_TIMEOUT_MS} ms`)
  }
}
