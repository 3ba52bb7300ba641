import { compileJsonPath } from '../json-path.ts'
import { parseJson } from '../payload.ts'
import { contextVariable } from './context.ts'
import { queryValues, type RoutedRequest } from './event.ts'
import { MAX_SELECTED_BODY_BYTES } from './limits.ts'
import type { HttpResponse } from './response.ts'

const SOURCES = 'request|response|context|stageVariables'
const WHOLE = new RegExp(`^\\$((?:${SOURCES})\\.\\S+)$`)
const WITHIN = new RegExp(`\\$\\{((?:${SOURCES})\\.[^}]+)\\}`, 'g')

/**
 * What a value of a parameter mapping comes to: `$request.header.name`, `${request.path.a}-${context.requestId}` or text
 * that stands for itself.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html
 * @param response the integration's, in mappings of responses
 * @returns undefined when it selects one thing, which is not there
 */
export function mappedValue(
  text: string,
  routed: RoutedRequest,
  response?: HttpResponse,
): string | undefined {
  const [, whole] = WHOLE.exec(text) ?? []
  if (whole !== undefined) return select(whole, routed, response)
  return text.replace(WITHIN, (_, path: string) => select(path, routed, response) ?? '')
}

/** The value of one identity source, such as `$request.header.Authorization`; undefined when there is none. */
export function identityOf(source: string, routed: RoutedRequest): string | undefined {
  const [, path] = WHOLE.exec(source) ?? []
  return path === undefined ? undefined : select(path, routed)
}

/** @param path without `$` */
function select(path: string, routed: RoutedRequest, response?: HttpResponse): string | undefined {
  const { request, stage, pathParameters } = routed
  const [source = '', kind = ''] = path.split('.', 2)
  const rest = path.slice(source.length + 1)
  const name = rest.slice(kind.length + 1)
  switch (source) {
    case 'context':
      return contextVariable(routed, rest)
    case 'stageVariables':
      return stage.variables[rest]
    case 'response':
      return response && ofResponse(response, kind, name)
  }
  switch (kind) {
    case 'header':
      return request.headers[name.toLowerCase()]
    case 'querystring':
      return queryValues(request.rawQuery).get(name)?.join(',')
    case 'path':
      return name === '' ? decodeURIComponent(routed.stagePath) : pathParameters[name]
    default:
      return ofBody(request.body, rest)
  }
}

function ofResponse(response: HttpResponse, kind: string, name: string): string | undefined {
  if (kind !== 'header') return ofBody(response.body, `${kind}${name === '' ? '' : `.${name}`}`)
  const value = response.headers[name.toLowerCase()]
  return typeof value === 'string' ? value : value?.join(',')
}

/** `body` is all of it, `body.a[0].b` a place in its JSON, of which the gateway reads the first 100 KB only. */
function ofBody(body: Buffer, path: string): string | undefined {
  if (path === 'body') return body.toString()
  if (!/^body[.[]/.test(path)) return undefined
  const json = parseJson(body.subarray(0, MAX_SELECTED_BODY_BYTES).toString())
  const value = compileJsonPath(`$${path.slice('body'.length)}`)(json)
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}
