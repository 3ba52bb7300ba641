import { type IncomingMessage, type Server, createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Clock, withinTime } from '../../clock.ts'
import type { Environment } from '../../cloudformation/resource.ts'
import type { HostTable } from '../../hosts.ts'
import type { FunctionInvoker } from '../../lambda/invoker.ts'
import type { Log } from '../../log.ts'
import type { Throttle } from '../throttle.ts'
import type { ConnectAuthorizer } from './authorizer.ts'
import type { WebSocketApiDefinition } from './definition.ts'
import { Disconnects } from './disconnects.ts'
import { Expiry } from './expiry.ts'
import { Handshakes } from './handshake.ts'
import type { IntegrationDeps } from './integrations/integration.ts'
import { CLOSE_GRACE_MS, KEEP_ALIVE_MS } from './limits.ts'
import { ManagementApi } from './management-api.ts'
import { Messages } from './messages.ts'
import { RequestThrottle } from './request-throttle.ts'
import { Routes } from './routes.ts'
import { RunningWork } from './running-work.ts'
import { Sockets } from './sockets.ts'

export interface WebSocketApiDependencies {
  readonly functions: FunctionInvoker
  readonly clock: Clock
  readonly log: Log
  readonly environment: Environment
  /** Hosts that are served on this machine, for integrations to call. @default none */
  readonly hosts?: () => HostTable
  /** Whether the gateway may invoke a function for a route. @default always */
  readonly mayInvoke?: NonNullable<IntegrationDeps['mayInvoke']>
  /** The account's bucket, shared with every other API and with `@connections`. */
  readonly throttle?: Throttle
  /** Decides on handshakes. @default everybody may try */
  readonly authorizer?: ConnectAuthorizer
  readonly maxBufferedBytes?: number
}

/** One WebSocket API behind one port: the sockets of every stage, and the management API beside them. */
export class WebSocketApi {
  readonly definition: WebSocketApiDefinition
  readonly #deps: WebSocketApiDependencies
  readonly #server: Server
  readonly #management: ManagementApi
  readonly #handshakes: Handshakes
  readonly #sockets: Sockets
  readonly #disconnects: Disconnects
  readonly #expiry: Expiry
  readonly #routes: Routes
  readonly #streams = new Set<Socket>()
  readonly #work: RunningWork
  #isClosed = false

  constructor(definition: WebSocketApiDefinition, deps: WebSocketApiDependencies) {
    const { clock, log, authorizer, maxBufferedBytes } = deps
    const source = definition.logicalId
    this.definition = definition
    this.#deps = deps
    this.#work = new RunningWork((error) => log.error(source, `the gateway failed: ${String(error)}`))
    for (const problem of definition.problems) log.warn(source, problem)
    this.#routes = new Routes(definition, { ...deps, source, apiId: definition.apiId })
    const routes = this.#routes
    const throttle = new RequestThrottle(definition.stages, deps.throttle, clock)
    const messages = new Messages({ clock, log, source, throttle, routes })
    this.#handshakes = new Handshakes(definition, { clock, log, throttle, routes, authorizer })
    this.#disconnects = new Disconnects(routes.get('$disconnect'), { clock, work: this.#work })
    this.#sockets = new Sockets({
      clock,
      log,
      source,
      onMessage: (connection, body) => this.#work.track(messages.route(connection, body)),
      onEnd: (context, why) => this.#disconnects.send(context, why),
    })
    this.#expiry = new Expiry(clock, () => this.#sockets)
    this.#management = new ManagementApi({
      find: (stage, id) => this.#sockets.find(stage, id),
      hasStage: (name) => definition.stages.some((stage) => stage.name === name),
      clock,
      log,
      throttle: deps.throttle,
      source,
      ...(maxBufferedBytes === undefined ? {} : { maxBufferedBytes }),
    })
    this.#server = this.#createServer()
  }

  /**
   * @param port 0 for any free one
   * @returns the port
   * @throws the socket's error, such as EADDRINUSE
   */
  async listen(port: number, host = '127.0.0.1'): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    this.#expiry.start()
    return (this.#server.address() as AddressInfo).port
  }

  /** Closes every connection and stops listening; `$disconnect` runs for each, and 2 s are left to it. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#expiry.stop()
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#sockets.close()
    for (const stream of this.#streams) stream.destroy()
    const { clock, log } = this.#deps
    const drained = closed.then(() => this.#work.drain())
    if ((await withinTime(clock, CLOSE_GRACE_MS, drained)) === 'timed-out')
      log.warn(this.definition.logicalId, `closed while ${this.#work.size} handlers still run`)
    this.#routes.close()
  }

  #createServer(): Server {
    const server = createServer((request, response) => {
      if (this.#management.handle(request, response)) return
      const known = this.#handshakes.stageOf(request) !== undefined
      response.writeHead(known ? 426 : 403, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ message: known ? 'Upgrade Required' : 'Forbidden' }))
    })
    server.keepAliveTimeout = KEEP_ALIVE_MS
    server.on('connection', (stream) => {
      this.#streams.add(stream)
      stream.on('close', () => this.#streams.delete(stream))
    })
    server.on('upgrade', (request, socket, head) => {
      this.#work.track(this.#upgrade(request, socket, head))
    })
    server.on('clientError', (_error, socket) => socket.destroy())
    return server
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      const accepted = await this.#handshakes.run(request, socket)
      if (!accepted) return
      if (accepted.isClientGone) this.#disconnects.send(accepted.context, { code: 1006, reason: '' })
      else this.#sockets.upgrade(request, socket, head, accepted)
    } catch (error) {
      socket.destroy()
      throw error
    }
  }
}
