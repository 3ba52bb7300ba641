import { createHash } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { describe, expect, it } from 'vitest'
import type { HttpMessage } from '../../../local/iam/canonical-request.ts'
import { type RefusedError } from '../../../local/iam/refused-error.ts'
import { Signer, readSignature } from '../../../local/iam/signature.ts'
import { Sha256 } from './sha256.ts'

const NOW = Date.UTC(2015, 7, 30, 12, 36, 0)
const SCOPE = { region: 'us-east-1', service: 'execute-api' }
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const HOST = 'a1b2c3d4e5.execute-api.us-east-1.amazonaws.com'

const signer = new SignatureV4({
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET },
  ...SCOPE,
  sha256: Sha256,
})

interface Sent {
  readonly method?: string
  readonly path?: string
  readonly query?: Record<string, string | string[]>
  readonly headers?: Record<string, string>
  readonly body?: string
}

type Signed = Awaited<ReturnType<typeof signer.sign>>

const request = ({ method = 'GET', path = '/', query = {}, headers = {}, body }: Sent) => ({
  method,
  protocol: 'https:',
  hostname: HOST,
  path,
  query,
  headers: { host: HOST, ...headers },
  ...(body === undefined ? {} : { body }),
})

/** As it comes over the wire: the SDK's request handler escapes the query, the path it has escaped before it signs. */
function onWire({ method, path, query = {}, headers }: Signed): HttpMessage {
  const text = Object.entries(query)
    .flatMap(([name, value]) => [value ?? []].flat().map((each) => `${escape(name)}=${escape(each)}`))
    .join('&')
  return {
    method,
    url: text === '' ? path : `${path}?${text}`,
    rawHeaders: Object.entries(headers).flat(),
  }
}

const escape = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

/** What is signed, and what we say it should be. */
function compare(message: HttpMessage, body = '', scope = SCOPE, now = NOW) {
  const signature = readSignature(message, scope, [now])
  return { signed: signature.signature, expected: new Signer().sign(message, body, signature, SECRET) }
}

const CASES: Record<string, Sent> = {
  'a plain GET': {},
  'a connection id that ends in %3D, which is escaped again': {
    method: 'POST',
    path: '/dev/@connections/TXzPWdnOjoECGjA%3D',
    headers: { 'content-type': 'application/octet-stream' },
    body: 'hello',
  },
  'the @ of @connections as %40': { path: '/dev/%40connections/TXz_-dnOjoECGjA%3D' },
  'dots and empty segments of a path': { path: '/a/./b/../c//d/' },
  'reserved and unreserved characters of a path': { path: "/-._~!$&'()*+,;=:@" },
  'UTF-8 in a path': { path: '/%E1%88%B4' },
  'a query sorted by name, then by value': { query: { b: '2', a: ['2', '1'], A: '3', 'a-b': '' } },
  'reserved characters of a query': { query: { "q!'()*": 'a b+c&d=e/f', ü: 'ö' } },
  'runs of blanks in a header': { headers: { 'x-text': '  a   b\t c  ', 'x-empty': '' } },
  'a JSON body': {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'DynamoDB_20120810.GetItem' },
    body: '{"TableName":"T"}',
  },
}

describe('a signature in the Authorization header', () => {
  it.each(Object.entries(CASES))('is the one that the SDK makes: %s', async (_name, sent) => {
    const signed = await signer.sign(request(sent), { signingDate: new Date(NOW) })
    const { signed: theirs, expected } = compare(onWire(signed), sent.body)
    expect(expected).toBe(theirs)
  })

  it('is the one of the example in the documentation', () => {
    const message: HttpMessage = {
      method: 'GET',
      url: '/?Action=ListUsers&Version=2010-05-08',
      rawHeaders: [
        ...['Host', 'iam.amazonaws.com'],
        ...['Content-Type', 'application/x-www-form-urlencoded; charset=utf-8'],
        ...['X-Amz-Date', '20150830T123600Z'],
        'Authorization',
        'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
      ],
    }
    const { signed, expected } = compare(message, '', { region: 'us-east-1', service: 'iam' })
    expect(expected).toBe(signed)
  })

  it('takes the values of a header that came several times as one list', async () => {
    const signed = await signer.sign(request({ headers: { 'x-list': 'a,b' } }), {
      signingDate: new Date(NOW),
    })
    const message = onWire(signed)
    const at = message.rawHeaders.indexOf('x-list')
    const rawHeaders = [
      ...message.rawHeaders.slice(0, at),
      ...['X-List', 'a', 'x-list', ' b '],
      ...message.rawHeaders.slice(at + 2),
    ]
    const { signed: theirs, expected } = compare({ ...message, rawHeaders })
    expect(expected).toBe(theirs)
  })

  it('counts the time of the Date header where there is no X-Amz-Date', () => {
    const message = header({ date: ['Date', 'Sun, 30 Aug 2015 12:36:00 GMT'] })
    expect(readSignature(message, SCOPE, [NOW]).time).toBe('20150830T123600Z')
  })

  it.each([
    ['another body', 'hello', 'hallo'],
    ['no body', 'hello', ''],
  ])('is not the one of %s', async (_name, sent, came) => {
    const signed = await signer.sign(request({ method: 'POST', body: sent }), { signingDate: new Date(NOW) })
    const { signed: theirs, expected } = compare(onWire(signed), came)
    expect(expected).not.toBe(theirs)
  })

  it.each(['UNSIGNED-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'])(
    'is not taken with %s in the place of the body’s hash, which is for S3 alone',
    async (hash) => {
      const sent = request({ method: 'POST', body: 'hello', headers: { 'x-amz-content-sha256': hash } })
      const signed = await signer.sign(sent, { signingDate: new Date(NOW) })
      const { signed: theirs, expected } = compare(onWire(signed), 'hello')
      expect(expected).not.toBe(theirs)
    },
  )
})

describe('a signature in the query', () => {
  it.each(Object.entries(CASES).filter(([, { body }]) => body === undefined))(
    'is the one that the SDK makes: %s',
    async (_name, sent) => {
      const signed = await signer.presign(request(sent), { signingDate: new Date(NOW), expiresIn: 60 })
      const { signed: theirs, expected } = compare(onWire(signed))
      expect(expected).toBe(theirs)
    },
  )

  it('holds for as long as it says', async () => {
    const signed = await signer.presign(request({}), { signingDate: new Date(NOW), expiresIn: 60 })
    const read = (at: number) => readSignature(onWire(signed), SCOPE, [at])
    expect(read(NOW + 60_000).expires).toBe(60)
    expect(() => read(NOW + 61_000)).toThrow('Signature expired: 20150830T123600Z is now earlier than')
  })

  it('carries the session token', async () => {
    const session = new SignatureV4({
      credentials: { accessKeyId: 'ASIAEXAMPLE', secretAccessKey: SECRET, sessionToken: 'to/ken==' },
      ...SCOPE,
      sha256: Sha256,
    })
    const message = onWire(await session.presign(request({}), { signingDate: new Date(NOW) }))
    const signature = readSignature(message, SCOPE, [NOW])
    expect(signature.sessionToken).toBe('to/ken==')
    expect(new Signer().sign(message, '', signature, SECRET)).toBe(signature.signature)
  })

  it('is refused where it would hold for longer than a week', async () => {
    const signed = onWire(await signer.presign(request({}), { signingDate: new Date(NOW), expiresIn: 60 }))
    const url = (signed.url ?? '').replace('X-Amz-Expires=60', 'X-Amz-Expires=604801')
    expect(() => readSignature({ ...signed, url }, SCOPE, [NOW])).toThrow('from 0 to 604800, a week')
  })

  it('is refused without one of its parameters', async () => {
    const signed = onWire(await signer.presign(request({}), { signingDate: new Date(NOW) }))
    const url = (signed.url ?? '').replace('X-Amz-Credential', 'X-Other')
    expect(() => readSignature({ ...signed, url }, SCOPE, [NOW])).toThrow(
      "AWS query-string parameters must include 'X-Amz-Credential'. ",
    )
  })
})

const CREDENTIAL = 'AKIDEXAMPLE/20150830/us-east-1/execute-api/aws4_request'

function header({
  authorization = `AWS4-HMAC-SHA256 Credential=${CREDENTIAL}, SignedHeaders=host;x-amz-date, Signature=00`,
  date = ['X-Amz-Date', '20150830T123600Z'],
}: {
  authorization?: string
  date?: string[]
} = {}): HttpMessage {
  return { method: 'GET', url: '/', rawHeaders: ['Host', HOST, ...date, 'Authorization', authorization] }
}

const withCredential = (credential: string) =>
  header({
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host;x-amz-date, Signature=00`,
  })

const hashOf = (text: string) => createHash('sha256').update(text).digest('base64')

describe('a signature is refused', () => {
  it.each<[string, HttpMessage, RefusedError['reason'], string]>([
    [
      'that is not there',
      { method: 'GET', url: '/', rawHeaders: [] },
      'MissingAuthenticationToken',
      'Missing Authentication Token',
    ],
    [
      'that is a bearer token',
      header({ authorization: 'Bearer abc' }),
      'IncompleteSignature',
      `Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '${hashOf('Bearer abc')}'.`,
    ],
    [
      'of the asymmetric version 4A',
      header({ authorization: 'AWS4-ECDSA-P256-SHA256 Credential=a/b/c/d' }),
      'IncompleteSignature',
      "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'. ",
    ],
    [
      'without its parts',
      header({ authorization: `AWS4-HMAC-SHA256 Credential=${CREDENTIAL}`, date: [] }),
      'IncompleteSignature',
      "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) Authorization=",
    ],
    [
      'whose credential has too few parts',
      withCredential('AKIDEXAMPLE'),
      'IncompleteSignature',
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIDEXAMPLE'",
    ],
    [
      'whose credential ends in another word',
      withCredential('AKIDEXAMPLE/20150830/us-east-1/execute-api/aws4'),
      'InvalidSignature',
      "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws4'. ",
    ],
    [
      'for another Region',
      withCredential('AKIDEXAMPLE/20150830/eu-west-1/execute-api/aws4_request'),
      'InvalidSignature',
      'Credential should be scoped to a valid region. ',
    ],
    [
      'for another service',
      withCredential('AKIDEXAMPLE/20150830/us-east-1/dynamodb/aws4_request'),
      'InvalidSignature',
      "Credential should be scoped to correct service: 'execute-api'. ",
    ],
    [
      'of another day than its date',
      withCredential('AKIDEXAMPLE/20150829/us-east-1/execute-api/aws4_request'),
      'InvalidSignature',
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' != '20150830', from '20150830T123600Z'.",
    ],
    [
      'whose date has another form',
      header({ date: ['X-Amz-Date', '2015-08-30T12:36:00Z'] }),
      'IncompleteSignature',
      "Date must be in ISO-8601 'basic format'. Got '2015-08-30T12:36:00Z'. See http://en.wikipedia.org/wiki/ISO_8601",
    ],
    [
      'that leaves the host out',
      header({
        authorization: `AWS4-HMAC-SHA256 Credential=${CREDENTIAL}, SignedHeaders=x-amz-date, Signature=00`,
      }),
      'InvalidSignature',
      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    ],
  ])('%s', (_name, message, reason, text) => {
    const refusal: unknown = catchError(() => readSignature(message, SCOPE, [NOW]))
    expect(refusal).toMatchObject({ reason, message: expect.stringContaining(text) as string })
  })

  it('five minutes and a second after it was made, and as long before', () => {
    const read = (...times: number[]) => readSignature(header(), SCOPE, times)
    expect(read(NOW + 300_000).time).toBe('20150830T123600Z')
    expect(read(NOW - 300_000).time).toBe('20150830T123600Z')
    expect(() => read(NOW + 301_000)).toThrow(
      'Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)',
    )
    expect(() => read(NOW - 301_000)).toThrow(
      'Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)',
    )
  })

  it('by all of several clocks, in the words of the first', () => {
    const read = (...times: number[]) => readSignature(header(), SCOPE, times)
    expect(read(NOW + 7_200_000, NOW).time).toBe('20150830T123600Z')
    expect(read(NOW, NOW - 7_200_000).time).toBe('20150830T123600Z')
    expect(() => read(NOW + 301_000, NOW - 301_000)).toThrow('Signature expired')
    expect(() => read(NOW - 301_000, NOW + 301_000)).toThrow('Signature not yet current')
  })
})

function catchError(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
