import type { RoutedRequest } from './event.ts'
import { mappedValue } from './request-values.ts'
import type { HttpResponse } from './response.ts'

/** One change to a request or a response: `append:header.x-request-id` with `$context.requestId`. */
export interface ParameterMapping {
  readonly action: 'append' | 'overwrite' | 'remove'
  readonly location: 'header' | 'querystring' | 'path' | 'statuscode'
  /** Of the header, in lower case, or of the query parameter; empty for the others. */
  readonly name: string
  readonly value: string
}

const KEYS = {
  request: /^(append|overwrite|remove):(header|querystring)\.(.+)$|^(overwrite):(path)$/,
  response: /^(append|overwrite|remove):(header)\.(.+)$|^(overwrite):(statuscode)$/,
}

/** Headers that no mapping may change. */
const RESERVED = new RegExp(
  '^(access-control-.*|apigw-.*|authorization|connection|content-encoding|content-length|content-location|forwarded|' +
    'keep-alive|origin|proxy-authenticate|proxy-authorization|te|trailers|transfer-encoding|upgrade|x-amz-.*|x-amzn-.*|' +
    'x-forwarded-for|x-forwarded-host|x-forwarded-proto|via)$',
)

/**
 * Mappings from the entries of the template, in their order.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html
 * @throws Error for a key that AWS refuses
 */
export function parseMappings(
  of: keyof typeof KEYS,
  entries: readonly (readonly [key: string, value: unknown])[],
): ParameterMapping[] {
  return entries.map(([key, value]) => {
    const match = KEYS[of].exec(key)
    if (!match) {
      const place = of === 'request' ? 'querystring.<name> or overwrite:path' : 'overwrite:statuscode'
      throw new Error(`invalid parameter "${key}"; expected append|overwrite|remove:header.<name>, ${place}`)
    }
    const location = (match[2] ?? match[5]) as ParameterMapping['location']
    const name = location === 'header' ? (match[3] ?? '').toLowerCase() : (match[3] ?? '')
    if (location === 'header' && RESERVED.test(name))
      throw new Error(`the parameter "${key}" names a reserved header`)
    return {
      action: (match[1] ?? match[4]) as ParameterMapping['action'],
      location,
      name,
      value: typeof value === 'string' ? value : JSON.stringify(value),
    }
  })
}

/**
 * The request as the integration gets it. Every value is taken from the request as it came; one that selects what is not
 * there changes nothing.
 */
export function mapRequest(mappings: readonly ParameterMapping[], routed: RoutedRequest): RoutedRequest {
  if (mappings.length === 0) return routed
  const headers = new Map(Object.entries(routed.request.headers))
  const query = new URLSearchParams(routed.request.rawQuery)
  let { mappedPath } = routed
  for (const { action, location, name, value: text } of mappings) {
    const value = action === 'remove' ? undefined : mappedValue(text, routed)
    if (value === undefined && action !== 'remove') continue
    if (location === 'path') mappedPath = value
    else if (location === 'header') change(headers, action, name, value ?? '')
    else if (action === 'append') query.append(name, value ?? '')
    else if (action === 'overwrite') query.set(name, value ?? '')
    else query.delete(name)
  }
  const changesQuery = mappings.some(({ location }) => location === 'querystring')
  return {
    ...routed,
    ...(mappedPath === undefined ? {} : { mappedPath }),
    request: {
      ...routed.request,
      headers: Object.fromEntries(headers),
      rawQuery: changesQuery ? query.toString() : routed.request.rawQuery,
    },
  }
}

/** The response as the client gets it: the mappings for its status, of those by status. */
export function mapResponse(
  byStatus: Readonly<Record<string, readonly ParameterMapping[]>>,
  routed: RoutedRequest,
  response: HttpResponse,
): HttpResponse {
  const mappings = byStatus[String(response.statusCode)]
  if (!mappings) return response
  const headers = new Map(
    Object.entries(response.headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : value.join(','),
    ]),
  )
  let { statusCode } = response
  for (const { action, location, name, value: text } of mappings) {
    const value = action === 'remove' ? undefined : mappedValue(text, routed, response)
    if (value === undefined && action !== 'remove') continue
    if (location === 'header') change(headers, action, name, value ?? '')
    else if (/^[2-5]\d\d$/.test(value ?? '')) statusCode = Number(value)
  }
  return { ...response, statusCode, headers: Object.fromEntries(headers) }
}

function change(
  headers: Map<string, string>,
  action: ParameterMapping['action'],
  name: string,
  value: string,
): void {
  const before = headers.get(name)
  if (action === 'remove') headers.delete(name)
  else headers.set(name, action === 'append' && before !== undefined ? `${before},${value}` : value)
}
