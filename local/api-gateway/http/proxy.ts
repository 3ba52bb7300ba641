import http from 'node:http'
import https from 'node:https'
import type { RoutedRequest } from './event.ts'
import { isHopByHop } from './request.ts'
import type { HttpResponse } from './response.ts'

/**
 * An HTTP proxy integration: the request goes on to `url`, whose `{name}`s are the route's path variables, with the
 * client's query, headers and body.
 * @throws what the connection fails with, an AbortError included
 */
export async function forward(
  routed: RoutedRequest,
  { url, method, signal }: { url: string; method: string; signal: AbortSignal },
): Promise<HttpResponse> {
  const { api, request, pathParameters, mappedPath } = routed
  const target = new URL(
    url.replace(/\{([^{}+]+)\+?\}/g, (_, name: string) =>
      (pathParameters[name] ?? '').split('/').map(encodeURIComponent).join('/'),
    ),
  )
  if (mappedPath !== undefined) target.pathname = mappedPath
  if (request.rawQuery !== '')
    target.search = [target.search.slice(1), request.rawQuery].filter(Boolean).join('&')

  const { host: _host, ...headers } = request.headers
  const outgoing = (target.protocol === 'https:' ? https : http).request(target, {
    method: method === 'ANY' ? request.method : method,
    signal,
    headers: {
      ...headers,
      'content-length': String(request.body.length),
      forwarded: `for=${request.sourceIp};host=${api.domainName};proto=https`,
      via: `${request.protocol} AmazonAPIGateway`,
    },
  })
  const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
    outgoing.on('response', resolve).on('error', reject).end(request.body)
  })

  const chunks: Buffer[] = []
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk)
  const kept = Object.entries(answer.headers).flatMap(([name, value]) =>
    value === undefined || isHopByHop(name) || name === 'content-length' || name === 'set-cookie'
      ? []
      : [[name, value] as const],
  )
  return {
    statusCode: answer.statusCode ?? 502,
    headers: Object.fromEntries(kept),
    cookies: answer.headers['set-cookie'] ?? [],
    body: Buffer.concat(chunks),
  }
}
