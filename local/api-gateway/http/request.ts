import type { IncomingMessage } from 'node:http'
import { MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES } from './limits.ts'

/** A client's request as the gateway sees it, before stage and route are known. */
export interface HttpRequest {
  readonly method: string
  /** Encoded, as on the request line: `/dev/tasks/a%20b`. */
  readonly path: string
  /** Without `?`, untouched; empty when there is none. */
  readonly rawQuery: string
  /** Names lower-cased, duplicates joined with `,` (cookies with `; `), hop-by-hop headers left out. */
  readonly headers: Readonly<Record<string, string>>
  /** As they came, in order, hop-by-hop headers left out. */
  readonly headerPairs: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  /** `HTTP/1.1` */
  readonly protocol: string
  readonly sourceIp: string
  /** Epoch milliseconds of arrival. */
  readonly time: number
  /** 16 characters; also the `apigw-requestid` of the response. */
  readonly requestId: string
}

/** The client asked for more than the gateway takes; it gets `statusCode` and `message`. */
export class RequestRefusedError extends Error {
  readonly statusCode: number

  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
])

export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name.toLowerCase())
}

/**
 * Reads a request whole. A body over the limit is read to its end and thrown away, so that the client has written it
 * all when the answer comes and sees 413 and no broken pipe.
 * @throws RequestRefusedError 413 or 431
 */
export async function readRequest(
  message: IncomingMessage,
  { requestId, time }: { requestId: string; time: number },
): Promise<HttpRequest> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= MAX_PAYLOAD_BYTES) chunks.push(chunk)
    else chunks.length = 0
  }
  if (bytes > MAX_PAYLOAD_BYTES) throw new RequestRefusedError(413, 'Request Entity Too Large')

  const method = message.method ?? 'GET'
  const target = (message.url ?? '/').replace(/^https?:\/\/[^/?]*/i, '')
  const headerPairs = pairs(message.rawHeaders).filter(([name]) => !isHopByHop(name))
  const valueBytes = headerPairs.reduce((sum, [, value]) => sum + Buffer.byteLength(value, 'latin1'), 0)
  if (`${method} ${target} HTTP/1.1`.length + valueBytes > MAX_HEADER_BYTES) {
    // Status by RFC 6585; the documentation gives the limit and no status.
    throw new RequestRefusedError(431, 'Request Header Fields Too Large')
  }

  const [path = '', ...query] = target.split('?')
  return {
    method,
    path: path.startsWith('/') ? path : `/${path}`,
    rawQuery: query.join('?'),
    headers: joinHeaders(headerPairs),
    headerPairs,
    body: Buffer.concat(chunks),
    protocol: `HTTP/${message.httpVersion}`,
    sourceIp: (message.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    time,
    requestId,
  }
}

function pairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i] ?? '', raw[2 * i + 1] ?? ''])
}

function joinHeaders(headerPairs: readonly (readonly [string, string])[]): Record<string, string> {
  const joined = new Map<string, string>()
  for (const [rawName, value] of headerPairs) {
    const name = rawName.toLowerCase()
    const before = joined.get(name)
    joined.set(name, before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ','}${value}`)
  }
  return Object.fromEntries(joined)
}
