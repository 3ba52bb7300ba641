import type { Environment } from '../../cloudformation/resource.ts'
import { clfTime } from '../clf-time.ts'
import type { AuthorizerContext } from './authorization.ts'
import type { HttpApiDefinition, HttpStage } from './definition.ts'
import type { HttpRequest } from './request.ts'

/** Everything about a request that an event is made of. */
export interface RoutedRequest {
  readonly api: HttpApiDefinition
  readonly stage: HttpStage
  readonly environment: Environment
  readonly request: HttpRequest
  /** The path without the stage, encoded: `/tasks/a%20b`. */
  readonly stagePath: string
  /** `POST /tasks` */
  readonly routeKey: string
  readonly pathParameters: Readonly<Record<string, string>>
  /** What is known of the caller once the authorizer has let it through. */
  readonly authorizer?: AuthorizerContext
  /** What `overwrite:path` put in the place of the path. */
  readonly mappedPath?: string
}

/**
 * The event of payload format 2.0. Keys without a value are absent.
 *
 * ```json
 * {"version":"2.0","routeKey":"POST /tasks/{id}","rawPath":"/tasks/a b","rawQueryString":"a=1&a=2","cookies":["sid=abc"],
 *  "headers":{"content-length":"17","content-type":"application/json","host":"x1y2z3abcd.execute-api.eu-west-1.amazonaws.com"},
 *  "queryStringParameters":{"a":"1,2"},
 *  "requestContext":{"accountId":"123456789012","apiId":"x1y2z3abcd","domainName":"x1y2z3abcd.execute-api.eu-west-1.amazonaws.com",
 *   "domainPrefix":"x1y2z3abcd","http":{"method":"POST","path":"/tasks/a b","protocol":"HTTP/1.1","sourceIp":"127.0.0.1","userAgent":"curl/8.9"},
 *   "requestId":"LV7fzho-BHcEJPw=","routeKey":"POST /tasks/{id}","stage":"$default","time":"23/Nov/2026:09:11:42 +0000","timeEpoch":1795425102067},
 *  "body":"{\"name\":\"hello\"}","pathParameters":{"id":"a b"},"isBase64Encoded":false}
 * ```
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function eventV2(routed: RoutedRequest): Record<string, unknown> {
  const { api, stage, request, routeKey } = routed
  const { cookie, ...headers } = Object.fromEntries(
    gatewayHeaders(routed).map(([name, value]) => [name.toLowerCase(), value]),
  )
  const path = decodedPath(routed)
  const query = joined(request.rawQuery)
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: request.rawQuery,
    ...(cookie === undefined ? {} : { cookies: cookie.split(';').map((c) => c.trim()) }),
    headers,
    ...(isEmpty(query) ? {} : { queryStringParameters: query }),
    requestContext: {
      accountId: routed.environment.accountId,
      apiId: api.apiId,
      ...(routed.authorizer ? { authorizer: authorizerOf(routed.authorizer) } : {}),
      domainName: api.domainName,
      domainPrefix: api.apiId,
      http: {
        method: request.method,
        path,
        protocol: request.protocol,
        sourceIp: request.sourceIp,
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId: request.requestId,
      routeKey,
      stage: stage.name,
      time: clfTime(request.time),
      timeEpoch: request.time,
    },
    ...(isEmpty(routed.pathParameters) ? {} : { pathParameters: routed.pathParameters }),
    ...(isEmpty(stage.variables) ? {} : { stageVariables: stage.variables }),
    ...(request.body.length === 0 ? {} : { body: encodedBody(request) }),
    isBase64Encoded: isBase64Encoded(request),
  }
}

/**
 * HTTP APIs decode the path, `rawPath` included, where REST APIs do not
 * (github.com/middleapi/standard-server/pull/93, from captures of live APIs).
 */
export function decodedPath({ request, mappedPath }: RoutedRequest): string {
  return mappedPath ?? decodeURIComponent(request.path)
}

/** Without the principal, which only events of payload format 1.0 have. */
function authorizerOf(context: AuthorizerContext): object {
  return 'lambda' in context ? { lambda: context.lambda } : context
}

/** The headers that a function sees: the client's, with those that the gateway sets. */
export function gatewayHeaders({ api, request }: RoutedRequest): [name: string, value: string][] {
  const forwardedFor = request.headers['x-forwarded-for']
  const own: [string, string][] = [
    ['Content-Length', String(request.body.length)],
    ['Host', api.domainName],
    ['X-Amzn-Trace-Id', request.headers['x-amzn-trace-id'] ?? traceId(request)],
    [
      'X-Forwarded-For',
      forwardedFor === undefined ? request.sourceIp : `${forwardedFor}, ${request.sourceIp}`,
    ],
    // As on AWS, where there is no plain HTTP: a function that insists on https works here too.
    ['X-Forwarded-Port', '443'],
    ['X-Forwarded-Proto', 'https'],
  ]
  const owned = new Set(own.map(([name]) => name.toLowerCase()))
  const clients = Object.entries(request.headers).filter(([name]) => !owned.has(name))
  return [...clients, ...own].sort(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
}

function traceId(request: HttpRequest): string {
  const random = Buffer.from(request.requestId, 'base64url').toString('hex').padEnd(24, '0').slice(-24)
  return `Root=1-${Math.floor(request.time / 1000).toString(16)}-${random}`
}

/**
 * Which bodies are text is not documented. Live APIs were seen to pass these on as text and everything else, a form, a
 * body without a content type and `application/problem+json` among it, in base64 (github.com/ministackorg/ministack/pull/766).
 */
const TEXT_CONTENT_TYPE = /^\s*(text\/[^;]*|application\/(json|xml|javascript))\s*(;|$)/i

export function isBase64Encoded(request: HttpRequest): boolean {
  return request.body.length > 0 && !TEXT_CONTENT_TYPE.test(request.headers['content-type'] ?? '')
}

export function encodedBody(request: HttpRequest): string {
  return request.body.toString(isBase64Encoded(request) ? 'base64' : 'utf8')
}

/** `a=1&a=2&b=` gives `{"a":"1,2","b":""}`. */
function joined(rawQuery: string): Record<string, string> {
  return Object.fromEntries([...queryValues(rawQuery)].map(([name, values]) => [name, values.join(',')]))
}

/** Decoded names and values, in order. */
export function queryValues(rawQuery: string): Map<string, string[]> {
  const values = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(rawQuery))
    values.set(name, [...(values.get(name) ?? []), value])
  return values
}

export function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0
}
