/** What goes back to the client; header names in lower case. */
export interface HttpResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  /** One `set-cookie` each. */
  readonly cookies: readonly string[]
  readonly body: Buffer
}

/** A function's reply that is no response; the client gets 500, the log says why. */
export class MalformedReplyError extends Error {}

/** A response that the gateway makes itself, such as 404 `{"message":"Not Found"}`. */
export function gatewayResponse(statusCode: number, message: string): HttpResponse {
  return {
    statusCode,
    headers: { 'content-type': 'application/json' },
    cookies: [],
    body: Buffer.from(JSON.stringify({ message })),
  }
}

/**
 * The response in a function's reply.
 *
 * Format 2.0 infers one from a reply without `statusCode`: 200, `application/json`, the reply as the body, a string as it
 * is. Format 1.0 needs the `statusCode`.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 * @param payload the reply as JSON text; empty when the handler gave `undefined`
 * @throws MalformedReplyError
 */
export function lambdaResponse(payload: string, format: '1.0' | '2.0'): HttpResponse {
  const reply = parse(payload)
  if (isRecord(reply) && 'statusCode' in reply) return structuredResponse(reply, format)
  if (format === '1.0')
    throw new MalformedReplyError('the reply has no statusCode, which payload format 1.0 needs')
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    cookies: [],
    // What AWS sends for no reply at all is not documented; the Node.js runtime itself turns `undefined` into null.
    body: Buffer.from(typeof reply === 'string' ? reply : payload === '' ? 'null' : payload),
  }
}

function parse(payload: string): unknown {
  if (payload === '') return null
  try {
    return JSON.parse(payload)
  } catch (cause) {
    throw new MalformedReplyError('the reply is not JSON', { cause })
  }
}

function structuredResponse(reply: Readonly<Record<string, unknown>>, format: '1.0' | '2.0'): HttpResponse {
  const statusCode = readStatus(reply['statusCode'])
  const body = reply['body'] ?? ''
  if (typeof body !== 'string') {
    throw new MalformedReplyError(
      `the reply's body is of type ${typeof body}; expected a string: JSON.stringify it`,
    )
  }
  const headers: Record<string, string | string[]> = readHeaders(reply['headers'])
  if (format === '1.0') Object.assign(headers, readMultiValueHeaders(reply['multiValueHeaders']))
  if (body !== '' && !('content-type' in headers)) headers['content-type'] = 'text/plain; charset=utf-8'
  return {
    statusCode,
    headers,
    cookies: format === '2.0' ? readCookies(reply['cookies']) : [],
    body: Buffer.from(body, reply['isBase64Encoded'] === true ? 'base64' : 'utf8'),
  }
}

/** A number, or digits in a string. */
function readStatus(value: unknown): number {
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599) {
    throw new MalformedReplyError(
      `the reply's statusCode is ${JSON.stringify(value)}; expected an integer from 200 to 599`,
    )
  }
  return status
}

/** Set by the server that sends the response, whatever the function says. */
const OURS = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade'])

function readHeaders(value: unknown): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, header] of recordEntries(value, 'headers')) {
    const text = scalar(header, `headers[${JSON.stringify(name)}]`)
    if (!OURS.has(name.toLowerCase())) headers[checkedName(name)] = text
  }
  return headers
}

function readMultiValueHeaders(value: unknown): Record<string, string[]> {
  const headers: Record<string, string[]> = {}
  for (const [name, list] of recordEntries(value, 'multiValueHeaders')) {
    const where = `multiValueHeaders[${JSON.stringify(name)}]`
    if (!Array.isArray(list)) throw new MalformedReplyError(`the reply's ${where} is not a list`)
    if (!OURS.has(name.toLowerCase())) headers[checkedName(name)] = list.map((item) => scalar(item, where))
  }
  return headers
}

function readCookies(value: unknown): string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new MalformedReplyError("the reply's cookies are not a list of strings")
  return value.map((cookie) => scalar(cookie, 'cookies'))
}

function recordEntries(value: unknown, what: string): [string, unknown][] {
  if (value === undefined || value === null) return []
  if (!isRecord(value)) throw new MalformedReplyError(`the reply's ${what} are not an object`)
  return Object.entries(value)
}

function checkedName(name: string): string {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
    throw new MalformedReplyError(`the reply has an invalid header name ${JSON.stringify(name)}`)
  }
  return name.toLowerCase()
}

function scalar(value: unknown, where: string): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    throw new MalformedReplyError(`the reply's ${where} holds ${JSON.stringify(value)}; expected a string`)
  }
  const text = String(value)
  if (/[^\t\x20-\x7e\x80-\xff]/.test(text)) {
    throw new MalformedReplyError(`the reply's ${where} has a character that headers cannot carry`)
  }
  return text
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
