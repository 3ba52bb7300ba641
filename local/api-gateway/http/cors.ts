import type { CorsConfiguration } from './definition.ts'
import type { HttpRequest } from './request.ts'
import type { HttpResponse } from './response.ts'

/** A preflight is an OPTIONS request with `Origin` and `Access-Control-Request-Method`. */
export function isPreflight(request: HttpRequest): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.headers['origin'] !== undefined &&
    request.headers['access-control-request-method'] !== undefined
  )
}

/**
 * The gateway's own answer to a preflight, whether or not the API has an OPTIONS route: 204, without CORS headers when
 * the origin is not allowed.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
 */
export function preflightResponse(cors: CorsConfiguration, request: HttpRequest): HttpResponse {
  const origin = allowedOrigin(cors, request.headers['origin'])
  const headers: Record<string, string> = {}
  if (origin !== undefined) {
    headers['access-control-allow-origin'] = origin
    if (cors.allowCredentials) headers['access-control-allow-credentials'] = 'true'
    if (cors.allowMethods.length > 0) headers['access-control-allow-methods'] = cors.allowMethods.join(',')
    if (cors.allowHeaders.length > 0) headers['access-control-allow-headers'] = cors.allowHeaders.join(',')
    if (cors.maxAge !== undefined) headers['access-control-max-age'] = String(cors.maxAge)
  }
  return { statusCode: 204, headers, cookies: [], body: Buffer.alloc(0) }
}

/** Replaces whatever the integration said about CORS with what the API is configured to say. */
export function withCors(
  cors: CorsConfiguration,
  request: HttpRequest,
  response: HttpResponse,
): HttpResponse {
  const headers = Object.fromEntries(
    Object.entries(response.headers).filter(([name]) => !name.startsWith('access-control-')),
  )
  const origin = allowedOrigin(cors, request.headers['origin'])
  if (origin !== undefined) {
    headers['access-control-allow-origin'] = origin
    if (cors.allowCredentials) headers['access-control-allow-credentials'] = 'true'
    if (cors.exposeHeaders.length > 0) headers['access-control-expose-headers'] = cors.exposeHeaders.join(',')
  }
  return { ...response, headers }
}

/** What `access-control-allow-origin` says to this origin; undefined when it is not allowed or none was sent. */
function allowedOrigin(cors: CorsConfiguration, origin: string | undefined): string | undefined {
  if (origin === undefined) return undefined
  if (cors.allowOrigins.includes('*')) return '*'
  const allowed = cors.allowOrigins.some(
    (pattern) =>
      pattern === origin || (/^https?:\/\/\*$/.test(pattern) && origin.startsWith(pattern.slice(0, -1))),
  )
  return allowed ? origin : undefined
}
