import http from 'node:http'
import type { Socket } from 'node:net'
import type { Environment } from '../../cloudformation/resource.ts'
import { withinTime } from '../../clock.ts'
import { datedBy } from '../../dated-responses.ts'
import { FunctionThrottledError } from '../../lambda/invoker.ts'
import { listen } from '../../listen.ts'
import { withStageVariables } from '../stage-variables.ts'
import { RouteThrottles, type Throttle } from '../throttle.ts'
import { sourceArn } from './authorizer-event.ts'
import { Authorizers, type AuthorizerDependencies } from './authorizers.ts'
import { isPreflight, preflightResponse, withCors } from './cors.ts'
import type { HttpApiDefinition, HttpRoute, HttpStage } from './definition.ts'
import { type RoutedRequest, eventV2 } from './event.ts'
import { eventV1 } from './event-v1.ts'
import type { HttpIntegration, LambdaIntegration } from './integration-definition.ts'
import { MAX_HEADER_BYTES, MAX_LAMBDA_EVENT_BYTES } from './limits.ts'
import { mapRequest, mapResponse } from './parameter-mapping.ts'
import { forward } from './proxy.ts'
import { httpRequestId } from './request-id.ts'
import { type IntegrationOutcome, RequestLog } from './request-log.ts'
import { readRequest, RequestRefusedError, type HttpRequest } from './request.ts'
import { gatewayResponse, lambdaResponse, MalformedReplyError, type HttpResponse } from './response.ts'
import { selectRoute } from './routes.ts'
import { type ServiceCaller, callService } from './service-integration.ts'

export interface HttpApiDependencies extends AuthorizerDependencies {
  readonly environment: Environment
  /** What integrations with AWS services go to. */
  readonly services: ServiceCaller
  /** The account's bucket, shared with every other API; without it only the stages' own throttles hold. */
  readonly throttle?: Throttle
}

/**
 * One HTTP API behind one port, every stage of it: `$default` at the root, any other under `/{stage}`.
 */
export class HttpApi {
  readonly #dependencies: HttpApiDependencies
  readonly #server: http.Server
  #definition: HttpApiDefinition
  #throttles: RouteThrottles
  #authorizers: Authorizers
  #requestLog: RequestLog

  constructor(definition: HttpApiDefinition, dependencies: HttpApiDependencies) {
    this.#definition = definition
    this.#dependencies = dependencies
    this.#throttles = new RouteThrottles(dependencies.clock)
    this.#authorizers = new Authorizers(dependencies)
    this.#requestLog = this.#newRequestLog()
    for (const problem of definition.problems) dependencies.log.warn(definition.logicalId, problem)
    // The server's own limit counts names too and only keeps memory bounded; the gateway's is in `readRequest`.
    const options = { maxHeaderSize: 8 * MAX_HEADER_BYTES, ...datedBy(dependencies.clock) }
    this.#server = http.createServer(options, (message, reply) => {
      this.#serve(message, reply).catch((error: unknown) => {
        dependencies.log.info(definition.logicalId, `connection lost before the response: ${String(error)}`)
        reply.destroy()
      })
    })
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
      refuseBytes(error, socket),
    )
  }

  get definition(): HttpApiDefinition {
    return this.#definition
  }

  /** Serves another definition of the API from the next request on, behind the same port. */
  update(definition: HttpApiDefinition): void {
    this.#definition = definition
    this.#throttles = new RouteThrottles(this.#dependencies.clock)
    this.#authorizers = new Authorizers(this.#dependencies)
    this.#requestLog = this.#newRequestLog()
    for (const problem of definition.problems) this.#dependencies.log.warn(definition.logicalId, problem)
  }

  /** @param port 0 for any free one @returns the port @throws the socket's error, such as EADDRINUSE */
  listen(port: number): Promise<number> {
    return listen(this.#server, port)
  }

  /** Stops listening and cuts what is still open; does nothing when closed already. */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  #newRequestLog(): RequestLog {
    const { clock, log } = this.#dependencies
    const { stages, logicalId } = this.#definition
    return new RequestLog(stages, { clock, log, source: logicalId })
  }

  async #serve(message: http.IncomingMessage, reply: http.ServerResponse): Promise<void> {
    const { clock, log } = this.#dependencies
    const time = clock.now()
    const requestId = httpRequestId(time)
    const response = await this.#respond(message, { requestId, time })
    const { headers, cookies, body, statusCode } = response
    const bodiless = statusCode === 204 || statusCode === 304
    reply.writeHead(statusCode, {
      ...(headers as Record<string, string | string[]>),
      ...(cookies.length > 0 ? { 'set-cookie': [...cookies] } : {}),
      ...(bodiless ? {} : { 'content-length': body.length }),
      'apigw-requestid': requestId,
    })
    reply.end(bodiless || message.method === 'HEAD' ? undefined : body)
    log.info(
      this.definition.logicalId,
      `${message.method ?? ''} ${message.url ?? ''} ${statusCode} ${clock.now() - time} ms ${requestId}`,
    )
  }

  async #respond(
    message: http.IncomingMessage,
    arrival: { requestId: string; time: number },
  ): Promise<HttpResponse> {
    let request: HttpRequest
    try {
      request = await readRequest(message, arrival)
    } catch (error) {
      if (error instanceof RequestRefusedError) return gatewayResponse(error.statusCode, error.message)
      throw error
    }
    const { cors } = this.definition
    if (cors && isPreflight(request)) return preflightResponse(cors, request)
    const response = await this.#route(request)
    return cors ? withCors(cors, request, response) : response
  }

  async #route(request: HttpRequest): Promise<HttpResponse> {
    const { throttle, environment } = this.#dependencies
    if (throttle && !throttle.take()) return gatewayResponse(429, 'Too Many Requests')

    const staged = selectStage(this.definition.stages, request.path)
    if (!staged) return gatewayResponse(404, 'Not Found')
    let match
    try {
      match = selectRoute(this.definition.routes, request.method, staged.path)
    } catch (error) {
      if (error instanceof URIError) return gatewayResponse(400, 'Bad Request')
      throw error
    }
    if (!match) return gatewayResponse(404, 'Not Found')
    const { stage } = staged
    const routeKey = match.route.key.text
    const routed: RoutedRequest = {
      api: this.definition,
      stage,
      environment,
      request,
      stagePath: staged.path,
      routeKey,
      pathParameters: match.pathParameters,
    }
    const refuse = (response: HttpResponse) => {
      this.#requestLog.write(routed, response)
      return response
    }
    if (!this.#throttles.take(stage, routeKey)) return refuse(gatewayResponse(429, 'Too Many Requests'))
    const authorization = await this.#authorizers.authorize(routed, match.route)
    if ('refusal' in authorization) return refuse(authorization.refusal)
    return this.#integrate(match.route, { ...routed, ...authorization })
  }

  /** Runs the integration against its time limit, and turns its failures into what the client gets to see of them. */
  async #integrate({ integration }: HttpRoute, routed: RoutedRequest): Promise<HttpResponse> {
    const { clock, log } = this.#dependencies
    const source = this.definition.logicalId
    const { timeoutMs, requestMappings, responseMappings } = integration
    const abort = new AbortController()
    const startedAt = clock.now()
    const done = (response: HttpResponse, outcome: Omit<IntegrationOutcome, 'latency'>) => {
      this.#requestLog.write(routed, response, { latency: clock.now() - startedAt, ...outcome })
      return response
    }
    try {
      const call = this.#call(integration, mapRequest(requestMappings, routed), abort.signal)
      const outcome = await withinTime(clock, timeoutMs, call)
      if (outcome !== 'timed-out') {
        const status = integration.type === 'lambda' ? 200 : outcome.statusCode
        return done(mapResponse(responseMappings, routed, outcome), { status })
      }
      abort.abort()
      const error = `no answer from the integration within ${timeoutMs} ms`
      log.warn(source, `${routed.routeKey}: ${error}`)
      return done(gatewayResponse(503, 'Service Unavailable'), { error })
    } catch (cause) {
      const error = cause instanceof Error ? cause.message : String(cause)
      log.error(source, `${routed.routeKey}: ${error}`)
      // Reported for throttled functions and unreachable backends; a reply that is no response is documented as 500.
      const isBusy = cause instanceof FunctionThrottledError || integration.type === 'proxy'
      const response = isBusy
        ? gatewayResponse(503, 'Service Unavailable')
        : gatewayResponse(500, 'Internal Server Error')
      return done(response, { error })
    }
  }

  async #call(
    integration: HttpIntegration,
    routed: RoutedRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const { services } = this.#dependencies
    switch (integration.type) {
      case 'lambda':
        return this.#invoke(integration, routed)
      case 'proxy': {
        const url = withStageVariables(integration.url, routed.stage.variables)
        return forward(routed, { url, method: integration.method, signal })
      }
      case 'service':
        return callService(integration, routed, services)
      case 'missing':
        this.#dependencies.log.warn(this.definition.logicalId, integration.reason)
        return gatewayResponse(501, integration.reason)
    }
  }

  /** @throws MalformedReplyError, FunctionThrottledError, FunctionNotFoundError */
  async #invoke(
    { target, payloadFormat, credentialsArn }: LambdaIntegration,
    routed: RoutedRequest,
  ): Promise<HttpResponse> {
    const { functions, mayInvoke } = this.#dependencies
    const arn = withStageVariables(target, routed.stage.variables)
    if (mayInvoke && !mayInvoke(arn, sourceArn(routed), credentialsArn))
      throw new Error(`the gateway has no permission to invoke ${arn}`)
    const event = payloadFormat === '2.0' ? eventV2(routed) : eventV1(routed)
    if (Buffer.byteLength(JSON.stringify(event)) > MAX_LAMBDA_EVENT_BYTES) {
      return gatewayResponse(413, 'Request Entity Too Large')
    }
    const { payload, functionError } = await functions.invoke(arn, event)
    if (functionError !== undefined) throw new MalformedReplyError(`the function failed: ${payload}`)
    return lambdaResponse(payload, payloadFormat)
  }
}

/** A named stage by the first segment, else `$default`; the path that is left for the routes. */
function selectStage(
  stages: readonly HttpStage[],
  path: string,
): { stage: HttpStage; path: string } | undefined {
  const first = path.split('/')[1] ?? ''
  const named = stages.find((s) => s.name === first && s.name !== '$default')
  if (named) return { stage: named, path: path.slice(first.length + 1) || '/' }
  const fallback = stages.find((s) => s.name === '$default')
  return fallback && { stage: fallback, path }
}

/** Bytes that are no HTTP, or headers beyond what the server holds. */
function refuseBytes(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [line, message] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', 'Request Header Fields Too Large']
      : ['400 Bad Request', 'Bad Request']
  const body = JSON.stringify({ message })
  socket.end(
    `HTTP/1.1 ${line}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
