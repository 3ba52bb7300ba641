import type { Credentials } from './credentials.ts'
import { type Signature, Signer } from './signature.ts'

/** A call that is about to go out. */
export interface UnsignedCall {
  readonly method: string
  readonly url: URL
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/**
 * The headers of a call with those that sign it, all of them signed.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * @param now epoch milliseconds
 */
export function signedHeaders(
  { method, url, headers, body }: UnsignedCall,
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
  { region, service }: Pick<Signature, 'region' | 'service'>,
  now: number,
): Record<string, string> {
  const time = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '')
  const date = time.slice(0, 8)
  const all: Record<string, string> = {
    ...headers,
    host: url.host,
    'x-amz-date': time,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
  }
  const names = Object.keys(all).sort()
  const signature = new Signer().sign(
    { method, url: `${url.pathname}${url.search}`, rawHeaders: Object.entries(all).flat() },
    body,
    {
      accessKeyId,
      date,
      time,
      region,
      service,
      signedHeaders: names,
      signature: '',
      sessionToken,
      expires: undefined,
    },
    secretAccessKey,
  )
  const credential = `${accessKeyId}/${date}/${region}/${service}/aws4_request`
  return {
    ...all,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  }
}
