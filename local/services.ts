import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { Environment } from './cloudformation/resource.ts'
import { type HostTable, SERVICES, type ServiceName, inAnyRegion, serviceHost, usualHost } from './hosts.ts'
import type { Clock } from './clock.ts'
import { datedBy } from './dated-responses.ts'
import { listen } from './listen.ts'
import type { Log } from './log.ts'

export type ServiceHandler = (request: IncomingMessage, response: ServerResponse) => void

export interface ServicesOptions {
  readonly environment: Environment
  /** Whether the app leaves its Region to whoever deploys it: then a function that names one can only mean its own. */
  readonly isRegionOpen: boolean
  readonly clock: Clock
  readonly log: Log
}

/** AWS keeps idle lines of its services open for minutes; a frozen function finds its own alive when it thaws. */
const KEEP_ALIVE_MS = 350_000

/** The regional services on one loopback port, told apart by the Host header that a client sends anyway. */
export class Services {
  readonly #server: Server
  readonly #handlers: ReadonlyMap<string, ServiceHandler>

  constructor(
    handlers: Readonly<Record<ServiceName, ServiceHandler>>,
    { environment: { region, accountId }, isRegionOpen, clock, log }: ServicesOptions,
  ) {
    const hosts = SERVICES.map((name) => [serviceHost(name, region), handlers[name]] as const)
    // SDKs that know the account may put it in front.
    const own = [...hosts, [serviceHost(`${accountId}.ddb`, region), handlers.dynamodb] as const]
    const elsewhere = own.map(([host, handler]) => [inAnyRegion(host), handler] as const)
    this.#handlers = new Map(isRegionOpen ? [...own, ...elsewhere] : own)
    const named = new Set<string>()
    this.#server = createServer(
      { keepAliveTimeout: KEEP_ALIVE_MS, ...datedBy(clock) },
      (request, response) => {
        const host = usualHost((request.headers.host ?? '').replace(/:\d+$/, ''))
        const handler = this.#handlers.get(host) ?? this.#handlers.get(inAnyRegion(host))
        if (handler && !this.#handlers.has(host) && !named.has(host)) {
          named.add(host)
          log.warn('services', otherRegion(host, region))
        }
        if (handler) handler(request, response)
        else refuse(response, host)
      },
    )
  }

  /** Listens on a free port. @returns the hosts that are served there */
  async listen(): Promise<HostTable> {
    const port = await listen(this.#server, 0)
    return Object.fromEntries([...this.#handlers.keys()].map((host) => [host, port]))
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }
}

const otherRegion = (host: string, region: string) =>
  `a function calls "${host}", and the app says nowhere in which Region it runs; it is answered from "${region}". ` +
  'Deployed to another Region the call would not find this stack; --region sets the one meant'

function refuse(response: ServerResponse, host: string): void {
  const message = `"${host}" is not emulated by the local stack; ${SERVICES.join(', ')} and the APIs of the template are`
  response.writeHead(501, {
    'content-type': 'application/json',
    'x-amzn-errortype': 'NotImplementedException',
  })
  response.end(JSON.stringify({ __type: 'NotImplementedException', message }))
}
