import type { IncomingMessage } from 'node:http'
import { clfTime } from '../clf-time.ts'

/** What the events of one connection have in common. */
export interface ConnectionContext {
  readonly apiId: string
  readonly domainName: string
  readonly stage: string
  readonly stageVariables: Readonly<Record<string, string>>
  readonly connectionId: string
  /** Epoch milliseconds. */
  readonly connectedAt: number
  readonly sourceIp: string
  readonly userAgent: string | undefined
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

const identityOf = ({ userAgent, sourceIp }: ConnectionContext) => ({
  ...(userAgent === undefined ? {} : { userAgent }),
  sourceIp,
})

/** Stage variables appear only where the stage has any. */
const variablesOf = ({ stageVariables }: ConnectionContext) =>
  Object.keys(stageVariables).length > 0 ? { stageVariables } : {}

function tail(context: ConnectionContext, { requestId }: EventMoment) {
  const { domainName, connectionId, apiId } = context
  return { identity: identityOf(context), requestId, domainName, connectionId, apiId }
}

/** Headers of one hop, which functions never see. */
const REMOVED = new Set(['connection', 'upgrade', 'content-length'])

/** The `$connect` event, in the recorded order of its fields. */
export function connectEvent(
  request: IncomingMessage,
  context: ConnectionContext,
  moment: EventMoment,
): WebSocketEvent {
  const { requestId, at } = moment
  return {
    ...headersOf(request, context),
    ...queryOf(request),
    ...variablesOf(context),
    requestContext: {
      routeKey: '$connect',
      eventType: 'CONNECT',
      extendedRequestId: requestId,
      requestTime: clfTime(at),
      messageDirection: 'IN',
      stage: context.stage,
      connectedAt: context.connectedAt,
      requestTimeEpoch: at,
      ...tail(context, moment),
    },
    isBase64Encoded: false,
  }
}

/** A message's event: no headers, no query. */
export function messageEvent(
  message: { readonly body: string; readonly messageId: string; readonly routeKey: string },
  context: ConnectionContext,
  moment: EventMoment,
): WebSocketEvent {
  const { requestId, at } = moment
  return {
    ...variablesOf(context),
    requestContext: {
      routeKey: message.routeKey,
      messageId: message.messageId,
      eventType: 'MESSAGE',
      extendedRequestId: requestId,
      requestTime: clfTime(at),
      messageDirection: 'IN',
      stage: context.stage,
      connectedAt: context.connectedAt,
      requestTimeEpoch: at,
      ...tail(context, moment),
    },
    body: message.body,
    isBase64Encoded: false,
  }
}

/** The `$disconnect` event: of the headers only these four are left, all but one of them empty. */
export function disconnectEvent(
  close: { readonly code: number; readonly reason: string },
  context: ConnectionContext,
  moment: EventMoment,
): WebSocketEvent {
  const { requestId, at } = moment
  const headers = { Host: context.domainName, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' }
  return {
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    ...variablesOf(context),
    requestContext: {
      routeKey: '$disconnect',
      disconnectStatusCode: close.code,
      eventType: 'DISCONNECT',
      extendedRequestId: requestId,
      requestTime: clfTime(at),
      messageDirection: 'IN',
      disconnectReason: close.reason,
      stage: context.stage,
      connectedAt: context.connectedAt,
      requestTimeEpoch: at,
      ...tail(context, moment),
    },
    isBase64Encoded: false,
  }
}

/** Names as they came over the wire, the hop's own headers left out, the gateway's added. */
function headersOf({ rawHeaders }: IncomingMessage, context: ConnectionContext) {
  const multi: Record<string, string[]> = {}
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (!REMOVED.has(name.toLowerCase())) (multi[name] ??= []).push(rawHeaders[i + 1] ?? '')
  }
  const hostName = Object.keys(multi).find((name) => name.toLowerCase() === 'host') ?? 'Host'
  multi[hostName] = [context.domainName]
  multi['X-Amzn-Trace-Id'] = [traceId(context.connectedAt)]
  multi['X-Forwarded-For'] = [context.sourceIp]
  multi['X-Forwarded-Port'] = ['443']
  multi['X-Forwarded-Proto'] = ['https']
  const headers = Object.fromEntries(
    Object.entries(multi).map(([name, values]) => [name, values.at(-1) ?? '']),
  )
  return { headers, multiValueHeaders: multi }
}

/** Both maps, or neither when the URL has no query. */
function queryOf({ url = '' }: IncomingMessage) {
  const { searchParams } = new URL(url, 'http://localhost')
  const names = [...new Set(searchParams.keys())]
  if (names.length === 0) return {}
  return {
    queryStringParameters: Object.fromEntries(
      names.map((name) => [name, searchParams.getAll(name).at(-1) ?? '']),
    ),
    multiValueQueryStringParameters: Object.fromEntries(
      names.map((name) => [name, searchParams.getAll(name)]),
    ),
  }
}

/** `Root=1-69230f0a-3d1f0b7c0d5a4e1b2c3d4e5f` */
function traceId(atMs: number): string {
  const seconds = Math.floor(atMs / 1000).toString(16)
  return `Root=1-${seconds}-${crypto.randomUUID().replaceAll('-', '').slice(0, 24)}`
}
