import { hash } from 'node:crypto'

/** A request as it came: an `IncomingMessage` is one. */
export interface HttpMessage {
  readonly method?: string | undefined
  /** Path and query, as sent. */
  readonly url?: string | undefined
  /** Names and values in turn, as sent. */
  readonly rawHeaders: readonly string[]
}

export const sha256 = (data: string | Uint8Array): string => hash('sha256', data, 'hex')

/** Everything but RFC 3986's unreserved characters as `%XX`. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/**
 * The text that both sides of a signature of version 4 make of a request, for any service but S3.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function canonicalRequest(
  { method = 'GET', url = '/', rawHeaders }: HttpMessage,
  signedHeaders: readonly string[],
  bodyHash: string,
): string {
  const at = url.indexOf('?')
  const path = at === -1 ? url : url.slice(0, at)
  const query = at === -1 ? '' : url.slice(at + 1)
  return [
    method,
    canonicalPath(path),
    canonicalQuery(query),
    ...canonicalHeaders(rawHeaders, signedHeaders),
    '',
    signedHeaders.join(';'),
    bodyHash,
  ].join('\n')
}

/** Normalized, then escaped a second time, as every service but S3 has it: `%3D` counts as `%253D`, `@` as `%40`. */
function canonicalPath(path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(encode(segment))
  }
  const end = segments.length > 0 && path.endsWith('/') ? '/' : ''
  return `/${segments.join('/')}${end}`
}

/** Sorted by name, then by value, as escaped; the signature itself is left out. */
function canonicalQuery(query: string): string {
  if (query === '') return ''
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=')
      const name = at === -1 ? pair : pair.slice(0, at)
      return [encode(decode(name)), encode(decode(at === -1 ? '' : pair.slice(at + 1)))] as const
    })
    .filter(([name]) => name !== 'X-Amz-Signature')
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

export function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // half an escape: nobody can have signed it decoded
  }
}

/** One line per header; values of a header that came several times are joined, folded lines and runs of blanks are one blank. */
function canonicalHeaders(rawHeaders: readonly string[], signed: readonly string[]): string[] {
  const values = new Map<string, string>(signed.map((name) => [name, '']))
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    const before = values.get(name)
    if (before === undefined) continue
    const value = (rawHeaders[i + 1] ?? '').trim().replace(/\s+/g, ' ')
    values.set(name, before === '' ? value : `${before},${value}`)
  }
  return signed.map((name) => `${name}:${values.get(name) ?? ''}`)
}
