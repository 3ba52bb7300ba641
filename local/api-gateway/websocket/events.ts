import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { clfTime } from '../clf-time.ts'

/** What the events of one connection have in common. */
export interface ConnectionContext {
  readonly apiId: string
  /** The host that the client used. */
  readonly domainName: string
  readonly stage: string
  readonly stageVariables: Readonly<Record<string, string>>
  readonly connectionId: string
  /** Epoch milliseconds. */
  readonly connectedAt: number
  readonly sourceIp: string
  readonly userAgent: string | undefined
  /** What the authorizer said, the same in every event: `{ principalId: 'user-42', integrationLatency: 87, tenant: 't1' }` */
  readonly authorizer?: Readonly<Record<string, unknown>>
  /** Of IAM authorization and API keys: joins `identity` in every event. */
  readonly identity?: Readonly<Record<string, unknown>>
}

/** An event of a connection, as a function gets it. */
export interface WebSocketEvent {
  /** Fresh for each event, and as `$context` open to templates. */
  readonly requestContext: Record<string, unknown>
  readonly [name: string]: unknown
}

/** Of one event: its id and moment. */
export interface EventMoment {
  readonly requestId: string
  readonly at: number
}

/** Stage variables appear only where the stage has any. */
const variablesOf = ({ stageVariables }: ConnectionContext) =>
  Object.keys(stageVariables).length > 0 ? { stageVariables } : {}

/** Only with an authorizer; it stands right behind what the event is about. */
const authorizerOf = ({ authorizer }: ConnectionContext) => (authorizer === undefined ? {} : { authorizer })

/** From `identity` on, all request contexts are alike. */
function tail(
  { identity, userAgent, sourceIp, domainName, connectionId, apiId }: ConnectionContext,
  requestId: string,
) {
  return {
    identity: { ...identity, ...(userAgent === undefined ? {} : { userAgent }), sourceIp },
    requestId,
    domainName,
    connectionId,
    apiId,
  }
}

/** `requestContext` of `$connect` and of its authorizer, in the recorded order of its fields. */
function connectContext(context: ConnectionContext, { requestId, at }: EventMoment) {
  return {
    routeKey: '$connect',
    ...authorizerOf(context),
    eventType: 'CONNECT',
    extendedRequestId: requestId,
    requestTime: clfTime(at),
    messageDirection: 'IN',
    stage: context.stage,
    connectedAt: context.connectedAt,
    requestTimeEpoch: at,
    ...tail(context, requestId),
  }
}

/** The `$connect` event. */
export function connectEvent(
  request: IncomingMessage,
  context: ConnectionContext,
  moment: EventMoment,
): WebSocketEvent {
  return {
    ...headersOf(request, context),
    ...queryOf(request),
    ...variablesOf(context),
    requestContext: connectContext(context, moment),
    isBase64Encoded: false,
  }
}

/**
 * What a Lambda authorizer gets, whole: the `$connect` event with the headers of the hop, and with stage variables even
 * where there are none.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html
 * @param methodArn `arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/$connect`
 */
export function authorizerEvent(
  request: IncomingMessage,
  context: ConnectionContext,
  moment: EventMoment,
  methodArn: string,
): WebSocketEvent {
  return {
    type: 'REQUEST',
    methodArn,
    ...headersOf(request, context, HOP_HEADERS),
    ...queryOf(request),
    stageVariables: context.stageVariables,
    requestContext: connectContext(context, moment),
  }
}

/** A message's event: no headers, no query. */
export function messageEvent(
  message: { readonly body: string; readonly messageId: string; readonly routeKey: string },
  context: ConnectionContext,
  { requestId, at }: EventMoment,
): WebSocketEvent {
  return {
    ...variablesOf(context),
    requestContext: {
      routeKey: message.routeKey,
      ...authorizerOf(context),
      messageId: message.messageId,
      eventType: 'MESSAGE',
      extendedRequestId: requestId,
      requestTime: clfTime(at),
      messageDirection: 'IN',
      stage: context.stage,
      connectedAt: context.connectedAt,
      requestTimeEpoch: at,
      ...tail(context, requestId),
    },
    body: message.body,
    isBase64Encoded: false,
  }
}

/** The `$disconnect` event: of the headers only these four are left, all but one of them empty. */
export function disconnectEvent(
  close: { readonly code: number; readonly reason: string },
  context: ConnectionContext,
  { requestId, at }: EventMoment,
): WebSocketEvent {
  const headers = { Host: context.domainName, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' }
  return {
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    ...variablesOf(context),
    requestContext: {
      routeKey: '$disconnect',
      disconnectStatusCode: close.code,
      ...authorizerOf(context),
      eventType: 'DISCONNECT',
      extendedRequestId: requestId,
      requestTime: clfTime(at),
      messageDirection: 'IN',
      disconnectReason: close.reason,
      stage: context.stage,
      connectedAt: context.connectedAt,
      requestTimeEpoch: at,
      ...tail(context, requestId),
    },
    isBase64Encoded: false,
  }
}

/** Headers of one hop: functions never see what the client sent, authorizers see what the gateway's front-end makes of it. */
const HOP_HEADERS: Readonly<Record<string, string>> = {
  Connection: 'upgrade',
  'content-length': '0',
  Upgrade: 'websocket',
}
const OF_HOP: ReadonlySet<string> = new Set(Object.keys(HOP_HEADERS).map((name) => name.toLowerCase()))

/**
 * Names as they came over the wire, in the order of the alphabet, as in every recorded event; the gateway's own added.
 * Two headers of one name in different case are one, under the first one's name.
 */
function headersOf(
  { rawHeaders }: IncomingMessage,
  context: ConnectionContext,
  more: Readonly<Record<string, string>> = {},
) {
  const found = new Map<string, { readonly name: string; values: string[] }>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const key = name.toLowerCase()
    if (OF_HOP.has(key)) continue
    const value = rawHeaders[i + 1] ?? ''
    const known = found.get(key)
    if (known) known.values.push(value)
    else found.set(key, { name, values: [value] })
  }
  const forwarded = [...(found.get('x-forwarded-for')?.values ?? []), context.sourceIp].join(', ')
  const own = {
    ...more,
    [found.get('host')?.name ?? 'Host']: context.domainName,
    'X-Amzn-Trace-Id': traceId(context.connectedAt),
    'X-Forwarded-For': forwarded,
    'X-Forwarded-Port': '443',
    'X-Forwarded-Proto': 'https',
  }
  for (const [name, value] of Object.entries(own)) found.set(name.toLowerCase(), { name, values: [value] })
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, header]) => header)
  return {
    headers: Object.fromEntries(sorted.map(({ name, values }) => [name, values.at(-1) ?? ''])),
    multiValueHeaders: Object.fromEntries(sorted.map(({ name, values }) => [name, values])),
  }
}

/** Both maps, or neither when the URL has no query. */
function queryOf({ url = '' }: IncomingMessage) {
  const parameters = queryParameters(url)
  const names = [...new Set(parameters.keys())]
  if (names.length === 0) return {}
  return {
    queryStringParameters: Object.fromEntries(
      names.map((name) => [name, parameters.getAll(name).at(-1) ?? '']),
    ),
    multiValueQueryStringParameters: Object.fromEntries(names.map((name) => [name, parameters.getAll(name)])),
  }
}

export const queryParameters = (url: string): URLSearchParams =>
  new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '')

/** `Root=1-69230f0a-3d1f0b7c0d5a4e1b2c3d4e5f` */
function traceId(atMs: number): string {
  const seconds = Math.floor(atMs / 1000).toString(16)
  return `Root=1-${seconds}-${randomUUID().replaceAll('-', '').slice(0, 24)}`
}
