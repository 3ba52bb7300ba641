import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import {
  type ConnectionId,
  type EpochMillis,
  type UserId,
  connectionId,
  epochMillis,
  taskId,
  userId,
} from '../../protocol/ids.ts'
import { SUBPROTOCOL } from '../../protocol/messages.ts'
import type { Opening } from '../core/connect.ts'
import type { Sender } from '../core/handle-message.ts'
import type { TaskRequest, TaskResponse } from '../core/tasks.ts'

/** What the three WebSocket events have in common, as far as it is used. */
interface WebSocketContext {
  readonly connectionId: string
  readonly requestId: string
  /** Repeated in every event of a connection that an authorizer let in. */
  readonly authorizer?: { readonly principalId?: string }
}

/**
 * `$connect`: `{"headers":{…},"multiValueQueryStringParameters":{"channel":["tasks"]},"requestContext":{"routeKey":"$connect","eventType":"CONNECT","connectedAt":1795425102789,"connectionId":"TXzPWdnOjoECGjA=",…},"isBase64Encoded":false}`.
 * The query's maps are absent when the URL has none.
 */
export interface ConnectEvent {
  /** Names as they came over the wire. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly multiValueQueryStringParameters?: Readonly<Record<string, readonly string[] | undefined>> | null
  readonly requestContext: WebSocketContext & { readonly eventType: 'CONNECT'; readonly connectedAt: number }
}

/** A message: `{"requestContext":{"routeKey":"$default","eventType":"MESSAGE","messageId":"…",…},"body":"{…}","isBase64Encoded":false}`: no headers, no query. */
export interface MessageEvent {
  readonly requestContext: WebSocketContext & { readonly eventType: 'MESSAGE' }
  readonly body?: string
  readonly isBase64Encoded?: boolean
}

/** `$disconnect`: `{"headers":{…four…},"requestContext":{"routeKey":"$disconnect","eventType":"DISCONNECT","disconnectStatusCode":1001,"disconnectReason":"",…},"isBase64Encoded":false}` */
export interface DisconnectEvent {
  readonly requestContext: WebSocketContext & { readonly eventType: 'DISCONNECT' }
}

/** The reply of a WebSocket route: any other key makes API Gateway send an error frame. */
export interface RouteReply {
  readonly statusCode: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export function openingOf({ requestContext, multiValueQueryStringParameters }: ConnectEvent): Opening {
  const id = connectionId(requestContext.connectionId)
  return {
    id,
    user: userOf(requestContext.authorizer?.principalId, id),
    connectedAt: epochMillis(requestContext.connectedAt),
    channels: multiValueQueryStringParameters?.['channel'] ?? [],
    afters: multiValueQueryStringParameters?.['after'] ?? [],
  }
}

const PROTOCOL_HEADER = 'Sec-WebSocket-Protocol'

/** Accepts our subprotocol where it is offered: a browser closes a line on which none of those it offered was. */
export function acceptedProtocol({ headers = {} }: ConnectEvent): Pick<RouteReply, 'headers'> {
  const offered = Object.entries(headers).flatMap(([name, value = '']) =>
    name.toLowerCase() === PROTOCOL_HEADER.toLowerCase() ? value.split(',').map((one) => one.trim()) : [],
  )
  return offered.includes(SUBPROTOCOL) ? { headers: { [PROTOCOL_HEADER]: SUBPROTOCOL } } : {}
}

export function senderOf({ requestContext }: MessageEvent): Sender {
  const id = connectionId(requestContext.connectionId)
  return {
    connectionId: id,
    user: userOf(requestContext.authorizer?.principalId, id),
    requestId: requestContext.requestId,
  }
}

/** The text of a message; undefined for a binary one, which only an API that accepts them can let through. */
export const textOf = ({ body, isBase64Encoded }: MessageEvent): string | undefined =>
  isBase64Encoded === true ? undefined : (body ?? '')

/** Whom an authorizer let in, else a guest's name that is the same in every event of the connection. */
function userOf(principalId: string | undefined, id: ConnectionId): UserId {
  return userId(principalId ?? `guest-${id.replace(/[^A-Za-z0-9]/g, '').slice(2, 8)}`)
}

/** A request of the HTTP API, payload format 2.0. */
export function taskRequestOf(event: APIGatewayProxyEventV2): TaskRequest {
  const body = event.isBase64Encoded ? Buffer.from(event.body ?? '', 'base64').toString('utf8') : event.body
  return {
    route: event.routeKey,
    id: taskId(event.pathParameters?.['id'] ?? ''),
    query: event.queryStringParameters ?? {},
    ifMatch: event.headers['if-match'],
    body,
  }
}

const JSON_TYPE = 'application/json'
const PROBLEM_TYPE = 'application/problem+json'
/** The offset of `tasks` that a page of tasks joins on to. */
const OFFSET_HEADER = 'openline-offset'

/** A task carries its version as its ETag; a problem names the request, for whoever reads the logs. */
export function httpReply(response: TaskResponse, requestId: string): APIGatewayProxyStructuredResultV2 {
  if ('code' in response) {
    const body = { type: `urn:openline:problem:${response.code}`, ...response, requestId }
    return {
      statusCode: response.status,
      headers: { 'content-type': PROBLEM_TYPE },
      body: JSON.stringify(body),
    }
  }
  const { status: statusCode, ...content } = response
  if ('task' in content) {
    const { task } = content
    const headers = { 'content-type': JSON_TYPE, etag: `"${task.version}"` }
    const created = statusCode === 201 ? { location: `/tasks/${task.id}` } : {}
    return { statusCode, headers: { ...headers, ...created }, body: JSON.stringify(task) }
  }
  if (statusCode === 204) return { statusCode }
  const headers = {
    'content-type': JSON_TYPE,
    ...('offset' in content ? { [OFFSET_HEADER]: String(content.offset) } : {}),
  }
  return { statusCode, headers, body: JSON.stringify(content) }
}

/** A moment of a DynamoDB stream record: whole seconds since the epoch. */
export const streamTime = (seconds: number | undefined, otherwise: EpochMillis): EpochMillis =>
  seconds === undefined ? otherwise : epochMillis(seconds * 1000)
