import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Environment } from './cloudformation/resource.ts'
import { type HostTable, SERVICES, type ServiceName, serviceHost } from './hosts.ts'

export type ServiceHandler = (request: IncomingMessage, response: ServerResponse) => void

/** AWS keeps idle lines of its services open for minutes; a frozen function finds its own alive when it thaws. */
const KEEP_ALIVE_MS = 350_000

/** The regional services on one loopback port, told apart by the Host header that a client sends anyway. */
export class Services {
  readonly #server: Server
  readonly #handlers: ReadonlyMap<string, ServiceHandler>

  constructor(handlers: Readonly<Record<ServiceName, ServiceHandler>>, { region, accountId }: Environment) {
    const hosts = SERVICES.map((name) => [serviceHost(name, region), handlers[name]] as const)
    // SDKs that know the account may put it in front.
    this.#handlers = new Map([...hosts, [serviceHost(`${accountId}.ddb`, region), handlers.dynamodb]])
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
      const host = (request.headers.host ?? '').replace(/:\d+$/, '')
      const handler = this.#handlers.get(host)
      if (handler) handler(request, response)
      else refuse(response, host)
    })
  }

  /** Listens on a free port. @returns the hosts that are served there */
  async listen(): Promise<HostTable> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', resolve)
    })
    const { port } = this.#server.address() as AddressInfo
    return Object.fromEntries([...this.#handlers.keys()].map((host) => [host, port]))
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }
}

function refuse(response: ServerResponse, host: string): void {
  const message = `"${host}" is not emulated by the local stack; ${SERVICES.join(', ')} and the APIs of the template are`
  response.writeHead(501, {
    'content-type': 'application/json',
    'x-amzn-errortype': 'NotImplementedException',
  })
  response.end(JSON.stringify({ __type: 'NotImplementedException', message }))
}
