import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Clock, withinTime } from '../../clock.ts'
import type { Environment } from '../../cloudformation/resource.ts'
import { Faults } from '../../faults.ts'
import type { HostTable } from '../../hosts.ts'
import type { Iam } from '../../iam/iam.ts'
import type { FunctionInvoker } from '../../lambda/invoker.ts'
import { listen } from '../../listen.ts'
import type { Log } from '../../log.ts'
import type { Throttle } from '../throttle.ts'
import type { UsagePlans } from '../usage-plans.ts'
import type { ConnectAuthorizer } from './authorizer.ts'
import { LOST } from './connection.ts'
import type { WebSocketApiDefinition } from './definition.ts'
import { Disconnects } from './disconnects.ts'
import { DefaultEndpoint, type Entrance } from './entrance.ts'
import { Expiry } from './expiry.ts'
import { type GatewayListeners, createGatewayServer } from './gateway-server.ts'
import { Handshakes } from './handshake.ts'
import type { IntegrationDeps } from './integrations/integration.ts'
import { CLOSE_GRACE_MS } from './limits.ts'
import { IamConnectAuthorizer } from './iam-authorizer.ts'
import { LambdaAuthorizer } from './lambda-authorizer.ts'
import type { LossNotice } from './loss-notice.ts'
import { ManagementApi, refuse, refuseRoute } from './management-api.ts'
import { Messages } from './messages.ts'
import { FORBIDDEN, UPGRADE_REQUIRED } from './refusal.ts'
import { RequestLog } from './request-log.ts'
import { RequestThrottle } from './request-throttle.ts'
import { Routes } from './routes.ts'
import { RunningWork } from './running-work.ts'
import { Sockets } from './sockets.ts'
import { TroubledPosts } from './troubled-posts.ts'

export interface WebSocketApiDependencies {
  readonly functions: FunctionInvoker
  readonly clock: Clock
  readonly log: Log
  readonly environment: Environment
  /** Hosts that are served on this machine, for integrations to call. @default none */
  readonly hosts?: () => HostTable
  /** Whether the gateway may invoke a function for a route. @default always */
  readonly mayInvoke?: NonNullable<IntegrationDeps['mayInvoke']>
  /** The account's bucket, shared with every other API and with `@connections`. @default no limit */
  readonly throttle?: Throttle
  /** The account's bucket for new connections, shared with every other WebSocket API. @default no limit */
  readonly newConnections?: Throttle
  /** Who may do what; without it anybody may do anything. */
  readonly iam?: Iam | undefined
  /** The account's API keys and usage plans. @default none, and no key is any good */
  readonly usagePlans?: UsagePlans
  /** Bytes that may wait for a client before posts to it get 429. @default 1 MiB */
  readonly maxBufferedBytes?: number
  /** When a line that broke without a close frame is noticed. @default immediately */
  readonly lossNotice?: LossNotice
  /** Whether doubtful input gets an error where AWS's answer is not known. @default false */
  readonly isStrict?: boolean
  /** @default none */
  readonly faults?: Faults | undefined
  /** How long a post takes, in milliseconds of the clock. @default 0 */
  readonly postDelayMs?: number | undefined
}

/** What an API does by its definition. */
interface Behaviour {
  readonly endpoint: DefaultEndpoint
  readonly routes: Routes
  readonly messages: Messages
  readonly handshakes: Handshakes
  readonly disconnects: Disconnects
}

/** One WebSocket API behind one port: the sockets of every stage, and the management API beside them. */
export class WebSocketApi {
  readonly #deps: WebSocketApiDependencies
  readonly #server: Server
  readonly #management: ManagementApi
  readonly #sockets: Sockets
  readonly #expiry: Expiry
  readonly #work: RunningWork
  #definition: WebSocketApiDefinition
  #behaviour: Behaviour
  #isClosed = false

  constructor(definition: WebSocketApiDefinition, deps: WebSocketApiDependencies) {
    const { clock, log, environment, iam, maxBufferedBytes, isStrict, lossNotice = 'immediately' } = deps
    const { faults, postDelayMs: delayMs = 0 } = deps
    const source = definition.logicalId
    this.#deps = deps
    this.#work = new RunningWork((error) => log.error(source, `the gateway failed: ${String(error)}`))
    this.#definition = definition
    this.#behaviour = this.#read(definition)
    this.#sockets = new Sockets({
      clock,
      log,
      source,
      lossNotice,
      onMessage: (connection, body) => this.#work.track(this.#behaviour.messages.route(connection, body)),
      onEnd: (context, why) => this.#behaviour.disconnects.send(context, why),
    })
    this.#expiry = new Expiry(clock, () => this.#sockets)
    this.#management = new ManagementApi({
      find: (stage, id) => this.#sockets.find(stage, id),
      clock,
      log,
      throttle: deps.throttle,
      source,
      maxBufferedBytes,
      isStrict,
      arn: `arn:${environment.partition}:execute-api:${environment.region}:${environment.accountId}:${definition.apiId}`,
      iam,
      trouble:
        faults || delayMs > 0
          ? new TroubledPosts({ clock, faults: faults ?? new Faults(), delayMs })
          : undefined,
    })
    const listeners: GatewayListeners = {
      request: (request, response) => {
        this.handle(request, response, this.#behaviour.endpoint.find(request.url))
      },
      upgrade: (request, socket, head) => {
        this.upgrade(request, socket, head, this.#behaviour.endpoint.find(request.url))
      },
    }
    this.#server = createGatewayServer(listeners, clock)
  }

  get definition(): WebSocketApiDefinition {
    return this.#definition
  }

  /** Serves another definition of the API from the next event on; connections stay open, and so does the port. */
  update(definition: WebSocketApiDefinition): void {
    const { routes } = this.#behaviour
    this.#definition = definition
    this.#behaviour = this.#read(definition)
    void this.#work.drain().then(() => routes.close())
  }

  /** @param port 0 for any free one @returns the port @throws the socket's error, such as EADDRINUSE */
  async listen(port: number): Promise<number> {
    const taken = await listen(this.#server, port)
    this.#expiry.start()
    return taken
  }

  /** Answers a request that is no handshake. @param entrance undefined for a path that leads nowhere */
  handle(request: IncomingMessage, response: ServerResponse, entrance: Entrance | undefined): void {
    if (entrance && ManagementApi.serves(entrance.path))
      void this.#management.handle(request, response, entrance)
    else if (entrance && entrance.path !== '') refuseRoute(request, response, entrance.path)
    else {
      const { status, type = '', message } = entrance ? UPGRADE_REQUIRED : FORBIDDEN
      refuse(response, status, type, message)
    }
  }

  /** Opens a connection, or refuses to. @param entrance undefined for a path that leads nowhere */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, entrance: Entrance | undefined): void {
    this.#work.track(this.#upgrade(request, socket, head, entrance))
  }

  /** Closes every connection and stops listening; `$disconnect` runs for each, and 2 s are left to it. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#expiry.stop()
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#sockets.close()
    this.#behaviour.handshakes.close()
    this.#server.closeAllConnections()
    const { clock, log } = this.#deps
    const drained = closed.then(() => this.#work.drain())
    if ((await withinTime(clock, CLOSE_GRACE_MS, drained)) === 'timed-out')
      log.warn(this.definition.logicalId, `closed while ${this.#work.size} handlers still run`)
    this.#behaviour.routes.close()
  }

  #read(definition: WebSocketApiDefinition): Behaviour {
    const { clock, log, throttle: account, newConnections, usagePlans } = this.#deps
    const { logicalId: source, apiId, stages, problems, connectAccess } = definition
    for (const problem of problems) log.warn(source, problem)
    if (connectAccess.isKeyRequired)
      for (const [path, { value }] of usagePlans?.generated ?? [])
        log.warn(source, `the template gives the API key "${path}" no Value; here it is ${value}`)
    const requestLog = new RequestLog(stages, { clock, log, source })
    const routes = new Routes(definition, { ...this.#deps, source, apiId }, requestLog)
    const throttle = new RequestThrottle(stages, { clock, account, newConnections })
    const authorizer = connectAuthorizer(definition, this.#deps)
    return {
      endpoint: new DefaultEndpoint(definition),
      routes,
      messages: new Messages({ clock, log, source, throttle, routes, requestLog }),
      handshakes: new Handshakes(definition, {
        clock,
        log,
        throttle,
        routes,
        requestLog,
        authorizer,
        usagePlans,
      }),
      disconnects: new Disconnects(routes.get('$disconnect'), {
        clock,
        requestLog,
        work: this.#work,
        faults: this.#deps.faults,
      }),
    }
  }

  async #upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    entrance: Entrance | undefined,
  ): Promise<void> {
    const { handshakes, disconnects } = this.#behaviour
    try {
      const accepted = await handshakes.run(request, socket, entrance)
      if (!accepted) return
      const isOpen = !accepted.isClientGone && this.#sockets.upgrade(request, socket, head, accepted)
      // $connect was told of a connection, so $disconnect is too.
      if (!isOpen) disconnects.send(accepted.context, LOST)
    } catch (error) {
      socket.destroy()
      throw error
    }
  }
}

function connectAuthorizer(
  { connectAccess, apiId }: WebSocketApiDefinition,
  deps: WebSocketApiDependencies,
): ConnectAuthorizer | undefined {
  const { authorization } = connectAccess
  switch (authorization.type) {
    case 'none':
      return undefined
    case 'iam':
      return deps.iam && new IamConnectAuthorizer(deps.iam, deps.environment)
    case 'lambda':
      return new LambdaAuthorizer(authorization, { ...deps, apiId })
  }
}
