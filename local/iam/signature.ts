import { createHash, createHmac } from 'node:crypto'
import { type HttpMessage, canonicalRequest, decode, sha256 } from './canonical-request.ts'
import { RefusedError } from './refused-error.ts'

/** How far the caller's clock may be off: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html */
const MAX_SKEW_MS = 5 * 60 * 1000
/** Seven days: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html */
const MAX_EXPIRES_SECONDS = 7 * 24 * 60 * 60
const ALGORITHM = 'AWS4-HMAC-SHA256'

/** What a signature has to be for. */
export interface Scope {
  /** Undefined for any. */
  readonly region: string | undefined
  /** The signing name: `dynamodb`, `execute-api`. */
  readonly service: string
}

/** What a request says of its signature, in its `Authorization` header or in its query. */
export interface Signature {
  readonly accessKeyId: string
  readonly region: string
  readonly service: string
  /** `20261123` */
  readonly date: string
  /** `20261123T091142Z` */
  readonly time: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly sessionToken: string | undefined
  /** Seconds that a presigned URL holds; undefined for a signed header. */
  readonly expires: number | undefined
}

/** Whether a request tries to say who it is from. */
export const isSigned = (request: HttpMessage): boolean =>
  headerOf(request, 'authorization') !== undefined || queryOf(request).has('X-Amz-Algorithm')

/**
 * Reads a signature and checks all of it that needs no key: its form, its scope, its time.
 * @param times by any of which it may be fresh, epoch milliseconds; a refusal speaks of the first
 * @throws RefusedError
 */
export function readSignature(request: HttpMessage, scope: Scope, times: readonly number[]): Signature {
  const authorization = headerOf(request, 'authorization')
  const query = authorization === undefined ? queryOf(request) : undefined
  if (query && !query.has('X-Amz-Algorithm'))
    throw new RefusedError('MissingAuthenticationToken', 'Missing Authentication Token')
  const signature = query ? fromQuery(query) : fromHeader(request, authorization ?? '')
  if (!signature.signedHeaders.includes('host'))
    throw new RefusedError(
      'InvalidSignature',
      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    )
  if (scope.region !== undefined && signature.region !== scope.region)
    throw new RefusedError('InvalidSignature', 'Credential should be scoped to a valid region. ')
  if (signature.service !== scope.service)
    throw new RefusedError(
      'InvalidSignature',
      `Credential should be scoped to correct service: '${scope.service}'. `,
    )
  checkTime(signature, times)
  return signature
}

function fromHeader(request: HttpMessage, authorization: string): Signature {
  const [algorithm = '', ...rest] = authorization.split(' ')
  const given = new Map<string, string>()
  for (const part of rest.join(' ').split(',')) {
    const at = part.indexOf('=')
    if (at !== -1) given.set(part.slice(0, at).trim(), part.slice(at + 1).trim())
    else if (algorithm !== ALGORITHM || part.trim() !== '')
      throw new RefusedError(
        'IncompleteSignature',
        `Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '${digest(authorization)}'.`,
      )
  }
  checkAlgorithm(algorithm)
  const time = headerOf(request, 'x-amz-date') ?? basicFormat(headerOf(request, 'date'))
  const missing = ['Credential', 'Signature', 'SignedHeaders']
    .filter((name) => !given.get(name))
    .map((name) => `Authorization header requires '${name}' parameter. `)
  if (time === undefined)
    missing.push("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
  if (missing.length > 0 || time === undefined)
    throw new RefusedError(
      'IncompleteSignature',
      `${missing.join('')}(Hashed with SHA-256 and encoded with Base64) Authorization=${digest(authorization)}`,
    )
  return {
    ...readCredential(given.get('Credential') ?? ''),
    time,
    signedHeaders: (given.get('SignedHeaders') ?? '').toLowerCase().split(';'),
    signature: given.get('Signature') ?? '',
    sessionToken: headerOf(request, 'x-amz-security-token'),
    expires: undefined,
  }
}

function fromQuery(query: ReadonlyMap<string, string>): Signature {
  checkAlgorithm(query.get('X-Amz-Algorithm') ?? '')
  const missing = ['Credential', 'Signature', 'SignedHeaders', 'Date']
    .map((name) => `X-Amz-${name}`)
    .filter((name) => !query.get(name))
  if (missing.length > 0)
    throw new RefusedError(
      'IncompleteSignature',
      missing.map((name) => `AWS query-string parameters must include '${name}'. `).join(''),
    )
  const expires = Number(query.get('X-Amz-Expires') ?? MAX_SKEW_MS / 1000)
  if (!(expires >= 0 && expires <= MAX_EXPIRES_SECONDS))
    throw new RefusedError(
      'IncompleteSignature',
      `X-Amz-Expires must be a number of seconds from 0 to ${MAX_EXPIRES_SECONDS}, a week`,
    )
  return {
    ...readCredential(query.get('X-Amz-Credential') ?? ''),
    time: query.get('X-Amz-Date') ?? '',
    signedHeaders: (query.get('X-Amz-SignedHeaders') ?? '').toLowerCase().split(';'),
    signature: query.get('X-Amz-Signature') ?? '',
    sessionToken: query.get('X-Amz-Security-Token'),
    expires,
  }
}

/** The asymmetric version 4A is told apart by this too: it is not emulated. */
function checkAlgorithm(algorithm: string): void {
  if (algorithm !== ALGORITHM)
    throw new RefusedError('IncompleteSignature', `Unsupported AWS 'algorithm': '${algorithm}'. `)
}

function readCredential(credential: string): Pick<Signature, 'accessKeyId' | 'date' | 'region' | 'service'> {
  const [accessKeyId = '', date = '', region = '', service = '', terminator, ...more] = credential.split('/')
  if (terminator === undefined || more.length > 0)
    throw new RefusedError(
      'IncompleteSignature',
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential}'`,
    )
  if (terminator !== 'aws4_request')
    throw new RefusedError(
      'InvalidSignature',
      `Credential should be scoped with a valid terminator: 'aws4_request', not '${terminator}'. `,
    )
  return { accessKeyId, date, region, service }
}

function checkTime({ date, time, expires }: Signature, times: readonly number[]): void {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time)?.slice(1).map(Number)
  if (!parts)
    throw new RefusedError(
      'IncompleteSignature',
      `Date must be in ISO-8601 'basic format'. Got '${time}'. See http://en.wikipedia.org/wiki/ISO_8601`,
    )
  if (!time.startsWith(date) || date.length !== 8)
    throw new RefusedError(
      'InvalidSignature',
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${date}' != '${time.slice(0, 8)}', from '${time}'.`,
    )
  const [year = 0, month = 1, day, hour, minute, second] = parts
  const signedAt = Date.UTC(year, month - 1, day, hour, minute, second)
  const lifetime = expires === undefined ? MAX_SKEW_MS : expires * 1000
  if (times.some((now) => now <= signedAt + lifetime && signedAt - MAX_SKEW_MS <= now)) return
  const [now = 0] = times
  if (signedAt + lifetime < now) {
    const allowed = expires === undefined ? '5 min.' : `${expires} s`
    throw new RefusedError(
      'InvalidSignature',
      `Signature expired: ${time} is now earlier than ${basic(now - lifetime)} (${basic(now)} - ${allowed})`,
    )
  }
  throw new RefusedError(
    'InvalidSignature',
    `Signature not yet current: ${time} is still later than ${basic(now + MAX_SKEW_MS)} (${basic(now)} + 5 min.)`,
  )
}

/** `20261123T091142Z` */
const basic = (at: number) => `${new Date(at).toISOString().replace(/[-:]/g, '').slice(0, 15)}Z`

function basicFormat(httpDate: string | undefined): string | undefined {
  const at = Date.parse(httpDate ?? '')
  return Number.isNaN(at) ? httpDate : basic(at)
}

const digest = (text: string) => createHash('sha256').update(text).digest('base64')

export function headerOf({ rawHeaders }: HttpMessage, wanted: string): string | undefined {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2)
    if (rawHeaders[i]?.toLowerCase() === wanted) return rawHeaders[i + 1]
  return undefined
}

function queryOf({ url = '' }: HttpMessage): Map<string, string> {
  const at = url.indexOf('?')
  if (at === -1) return new Map()
  return new Map(
    url
      .slice(at + 1)
      .split('&')
      .map((pair) => {
        const [name = '', value = ''] = pair.split(/=(.*)/s)
        return [decode(name), decode(value)]
      }),
  )
}

/** Derived keys change once a day for each secret and scope; beyond this many all are derived anew. */
const MAX_KEYS = 1_000

/** Makes signatures, and keeps the keys that it derives from secrets. */
export class Signer {
  readonly #keys = new Map<string, Buffer>()

  /**
   * The signature that a request should have. The body's own hash is what counts: services other than S3 know neither
   * `UNSIGNED-PAYLOAD` nor the streaming forms, and a signature made with those does not match
   * (github.com/apache/opendal-reqsign/issues/346).
   */
  sign(
    request: HttpMessage,
    body: string | Uint8Array,
    signature: Signature,
    secretAccessKey: string,
  ): string {
    const { date, region, service, time, signedHeaders } = signature
    const scope = `${date}/${region}/${service}/aws4_request`
    const canonical = canonicalRequest(request, signedHeaders, sha256(body))
    const text = `${ALGORITHM}\n${time}\n${scope}\n${sha256(canonical)}`
    return createHmac('sha256', this.#key(secretAccessKey, scope)).update(text).digest('hex')
  }

  #key(secretAccessKey: string, scope: string): Buffer {
    const id = `${secretAccessKey}/${scope}`
    const known = this.#keys.get(id)
    if (known) return known
    const key = scope
      .split('/')
      .reduce<string | Buffer>(
        (secret, part) => createHmac('sha256', secret).update(part).digest(),
        `AWS4${secretAccessKey}`,
      )
    if (this.#keys.size >= MAX_KEYS) this.#keys.clear()
    this.#keys.set(id, key as Buffer)
    return key as Buffer
  }
}
