import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi'
import { onTestFinished } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { WebSocketApi, type WebSocketApiDependencies } from '../../../../local/api-gateway/websocket/api.ts'
import { webSocketApis } from '../../../../local/api-gateway/websocket/definition.ts'
import { ManualClock } from '../../../../local/clock.ts'
import type { Resource } from '../../../../local/cloudformation/resource.ts'
import type { InvokeResult } from '../../../../local/lambda/invoker.ts'
import { silentLog } from '../../../../local/log.ts'
import { environment, functionArn, resource } from '../http/fixture.ts'

export interface GatewayEvent {
  readonly headers?: Readonly<Record<string, string>>
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>
  readonly body?: string
  readonly requestContext: Readonly<Record<string, unknown>> & {
    readonly routeKey: string
    readonly eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT'
    readonly connectionId: string
  }
}

interface ApiParts {
  readonly routes?: readonly string[]
  /** Properties of every route. */
  readonly route?: Readonly<Record<string, unknown>>
  readonly stage?: Readonly<Record<string, unknown>>
  /** Template of the MOCK route `ping`. */
  readonly pong?: string
  readonly api?: Readonly<Record<string, unknown>>
  /** Properties of the function's integration. */
  readonly integration?: Readonly<Record<string, unknown>>
  /** Resources beside those, such as `routeTo` makes. */
  readonly more?: readonly Resource[]
}

const API_ID = 'w1s2k3abcd'

/** A resource of the API. */
const of = (type: string, id: string, properties: Record<string, unknown>): Resource =>
  resource(`ApiGatewayV2::${type}`, id, { ApiId: API_ID, ...properties })

interface RouteParts {
  readonly integration: Record<string, unknown>
  readonly responses?: readonly Record<string, unknown>[]
  /** Whether the client gets the answer. @default true */
  readonly isTwoWay?: boolean
  readonly route?: Readonly<Record<string, unknown>>
  /** Schemas by name. */
  readonly models?: Readonly<Record<string, unknown>>
}

/** A route with an integration of its own. */
export function routeTo(key: string, parts: RouteParts): Resource[] {
  const { integration, responses = [], isTwoWay = true, route = {}, models = {} } = parts
  return [
    of('Integration', `to ${key}`, integration),
    ...responses.map((response, index) =>
      of('IntegrationResponse', `${index} of ${key}`, {
        IntegrationId: `to ${key}`,
        IntegrationResponseKey: '$default',
        ...response,
      }),
    ),
    of('Route', `route ${key}`, {
      RouteKey: key,
      Target: `integrations/to ${key}`,
      ...(isTwoWay ? { RouteResponseSelectionExpression: '$default' } : {}),
      ...route,
    }),
    ...(isTwoWay
      ? [of('RouteResponse', `of ${key}`, { RouteId: `route ${key}`, RouteResponseKey: '$default' })]
      : []),
    ...Object.entries(models).map(([Name, Schema]) => of('Model', `model ${Name}`, { Name, Schema })),
  ]
}

/** An API `w1s2k3abcd` with one stage `live`; its routes go to one function, `ping` to a MOCK. */
export function resources({ routes = ['$connect', '$disconnect', '$default'], ...parts }: ApiParts = {}) {
  const uri = `arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/${functionArn}/invocations`
  return [
    of('Api', API_ID, {
      ProtocolType: 'WEBSOCKET',
      RouteSelectionExpression: '$request.body.action',
      ...parts.api,
    }),
    of('Integration', 'int1', { IntegrationType: 'AWS_PROXY', IntegrationUri: uri, ...parts.integration }),
    of('Integration', 'mock', {
      IntegrationType: 'MOCK',
      RequestTemplates: { $default: '{"statusCode":200}' },
      TemplateSelectionExpression: '\\$default',
    }),
    of('IntegrationResponse', 'answer', {
      IntegrationId: 'mock',
      IntegrationResponseKey: '$default',
      ResponseTemplates: { $default: parts.pong ?? '{"action":"pong"}' },
      TemplateSelectionExpression: '\\$default',
    }),
    ...routes.flatMap((RouteKey) => [
      of('Route', `route ${RouteKey}`, {
        RouteKey,
        Target: RouteKey === 'ping' ? 'integrations/mock' : 'integrations/int1',
        ...(['ping', 'ask'].includes(RouteKey) ? { RouteResponseSelectionExpression: '$default' } : {}),
        ...parts.route,
      }),
      ...(['ping', 'ask'].includes(RouteKey)
        ? [
            of('RouteResponse', `of ${RouteKey}`, {
              RouteId: `route ${RouteKey}`,
              RouteResponseKey: '$default',
            }),
          ]
        : []),
    ]),
    of('Stage', 'live', { StageName: 'live', ...parts.stage }),
    ...(parts.more ?? []),
  ]
}

/** A log that keeps what is written, and a way to wait for a line. */
export function recordingLog() {
  const lines: string[] = []
  const wake: (() => void)[] = []
  const write = (source: string, text: string) => {
    lines.push(`${source}: ${text}`)
    for (const each of wake.splice(0)) each()
  }
  /** The first line that holds a text, once it has come. */
  const wrote = async (text: string): Promise<string> => {
    for (;;) {
      const line = lines.find((each) => each.includes(text))
      if (line !== undefined) return line
      await new Promise<void>((resolve) => wake.push(resolve))
    }
  }
  return { log: { info: write, warn: write, error: write }, lines, wrote }
}

/** The function behind the API: what it saw, what it answers, and a way to wait for what it will see. */
export class FakeFunction {
  readonly events: GatewayEvent[] = []
  answer: (event: GatewayEvent) => Promise<InvokeResult> | InvokeResult = () => ok({ statusCode: 200 })
  #wake: (() => void)[] = []

  invoke(event: GatewayEvent): Promise<InvokeResult> {
    this.events.push(event)
    for (const wake of this.#wake.splice(0)) wake()
    return Promise.resolve(this.answer(event))
  }

  of(type: GatewayEvent['requestContext']['eventType']): GatewayEvent[] {
    return this.events.filter((event) => event.requestContext.eventType === type)
  }

  /** The nth event of a type, counted from 1, once it has come. */
  async saw(type: GatewayEvent['requestContext']['eventType'], nth = 1): Promise<GatewayEvent> {
    for (;;) {
      const event = this.of(type)[nth - 1]
      if (event) return event
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }
}

export const fail = (errorMessage: string): InvokeResult => ({
  payload: JSON.stringify({ errorType: 'Error', errorMessage, trace: [] }),
  functionError: 'Unhandled',
})

export const ok = (value: unknown): InvokeResult => ({ payload: JSON.stringify(value) })

/** Makes `$connect` wait. @returns what ends its waiting, with a 200 */
export function holdConnect({ fn }: Gateway): () => void {
  let end: (() => void) | undefined
  fn.answer = ({ requestContext }) =>
    requestContext.eventType === 'CONNECT'
      ? new Promise((resolve) => (end = () => resolve(ok({ statusCode: 200 }))))
      : ok({ statusCode: 200 })
  return () => end?.()
}

export async function start(
  parts: ApiParts = {},
  overrides: Partial<WebSocketApiDependencies> = {},
): Promise<Gateway> {
  const clock = new ManualClock()
  const fn = new FakeFunction()
  const [definition] = webSocketApis(resources(parts), environment)
  if (!definition) throw new Error('the resources hold no WebSocket API')
  const api = new WebSocketApi(definition, {
    clock,
    environment,
    log: silentLog,
    functions: {
      invoke: (_target, event) => fn.invoke(JSON.parse(JSON.stringify(event)) as GatewayEvent),
      invokeAsync() {
        throw new Error('a WebSocket API invokes synchronously')
      },
    },
    ...overrides,
  })
  const port = await api.listen(0)
  onTestFinished(() => api.close())
  const management = new ApiGatewayManagementApiClient({
    endpoint: `http://127.0.0.1:${port}/live`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  })
  onTestFinished(() => management.destroy())
  return { api, port, fn, clock, management }
}

export interface Gateway {
  readonly api: WebSocketApi
  readonly port: number
  readonly fn: FakeFunction
  readonly clock: ManualClock
  readonly management: ApiGatewayManagementApiClient
}

/** A client and everything it was told, in order. */
export class Client {
  readonly socket: WebSocket
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  readonly #messages: string[] = []
  #wake: (() => void)[] = []

  constructor(url: string, protocols?: string[], options: ClientOptions = {}) {
    this.socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options })
    this.socket.on('message', (data: Buffer) => {
      this.#messages.push(data.toString())
      for (const wake of this.#wake.splice(0)) wake()
    })
    this.socket.on('error', () => undefined) // the close that follows says it
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    })
    onTestFinished(() => this.socket.terminate())
  }

  async next(): Promise<string> {
    for (;;) {
      const message = this.#messages.shift()
      if (message !== undefined) return message
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }
}

/** An open connection and its id. */
export async function open(gateway: Gateway, path = '/live', options?: ClientOptions) {
  const client = new Client(`ws://127.0.0.1:${gateway.port}${path}`, undefined, options)
  await once(client.socket, 'open')
  const connectionId = gateway.fn.of('CONNECT').at(-1)?.requestContext.connectionId ?? ''
  return { client, connectionId }
}

export const HANDSHAKE = {
  Host: 'localhost',
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

/** Sends the head of a request by hand. */
export function send(port: number, path = '/live', headers: Record<string, string> = HANDSHAKE): Socket {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  socket.write([`GET ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n'))
  return socket
}

/** Sends a request by hand and gives the head of the answer and what follows it. */
export async function raw(port: number, path = '/live', headers: Record<string, string> = HANDSHAKE) {
  const socket = send(port, path, headers)
  let text = ''
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    text += chunk.toString()
    const [head, body] = text.split('\r\n\r\n')
    if (head === undefined || body === undefined) continue
    const length = /content-length: (\d+)/i.exec(head)?.[1]
    if (length === undefined || body.length >= Number(length))
      return { status: Number(head.split(' ')[1]), head, body }
  }
  throw new Error(`the connection ended after "${text}"`)
}
