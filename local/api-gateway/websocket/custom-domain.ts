import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../clock.ts'
import type { Resource } from '../../cloudformation/resource.ts'
import { listen } from '../../listen.ts'
import type { WebSocketApi } from './api.ts'
import { type Entrance, pathOf } from './entrance.ts'
import { type GatewayListeners, createGatewayServer } from './gateway-server.ts'
import { refuse } from './management-api.ts'
import { FORBIDDEN, refuseHandshake } from './refusal.ts'
import { newConnectionId, newRequestId } from './identifiers.ts'

/** An `AWS::ApiGatewayV2::DomainName` with the mappings that lead from it to WebSocket APIs. */
export interface CustomDomainDefinition {
  readonly logicalId: string
  /** `ws.example.com` */
  readonly name: string
  readonly mappings: readonly ApiMapping[]
  /** What is not served as on AWS, in words for the developer. */
  readonly problems: readonly string[]
}

export interface ApiMapping {
  /** `chat`, `chat/v2`; empty for the root. */
  readonly key: string
  readonly apiId: string
  readonly stage: string
}

/** Documented characters and length; several segments are joined with slashes. */
const MAPPING_KEY = /^[A-Za-z0-9$\-_.+!*'()/]{0,300}$/

/** Paths at the root that API Gateway keeps for checking its own health. */
const RESERVED: ReadonlySet<string> = new Set(['/ping', '/sping'])

/**
 * The custom domain names of the template that lead to its WebSocket APIs.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-custom-domain-names.html
 * @param apiIds ids of the WebSocket APIs
 */
export function customDomains(
  resources: readonly Resource[],
  apiIds: ReadonlySet<string>,
): CustomDomainDefinition[] {
  const mappings = resources.filter(({ type }) => type === 'AWS::ApiGatewayV2::ApiMapping')
  return resources
    .filter(({ type }) => /^AWS::ApiGateway(V2)?::DomainName$/.test(type))
    .map((domain) => toDefinition(domain, mappings, apiIds))
    .filter((domain) => domain.mappings.length > 0)
}

function toDefinition(
  { logicalId, path, physicalId: name }: Resource,
  all: readonly Resource[],
  apiIds: ReadonlySet<string>,
): CustomDomainDefinition {
  const problems: string[] = []
  const mappings = all
    .filter(({ properties }) => properties['DomainName'] === name)
    .flatMap(({ path: mapping, properties }): ApiMapping[] => {
      const { ApiId, Stage, ApiMappingKey = '' } = properties
      const key = String(ApiMappingKey)
      if (!MAPPING_KEY.test(key))
        problems.push(
          `${mapping}: ApiMappingKey is "${key}"; expected at most 300 of A-Z a-z 0-9 $-_.+!*'()/`,
        )
      if (apiIds.has(String(ApiId))) return [{ key, apiId: String(ApiId), stage: String(Stage) }]
      problems.push(
        `${mapping}: "${name}/${key}" leads to no WebSocket API, and custom domains to others are not emulated`,
      )
      return []
    })
  if (mappings.length > 0 && problems.length > 0)
    problems.push(`${path}: a custom domain of WebSocket APIs can lead to no others`)
  return { logicalId, name, mappings, problems }
}

interface Found {
  readonly api: WebSocketApi
  readonly entrance: Entrance
}

export interface CustomDomainDependencies {
  readonly clock: Clock
  /** Looks an API up by its id, for each request anew. */
  readonly findApi: (apiId: string) => WebSocketApi | undefined
}

/** A custom domain on a port of its own, whatever host is asked for there. */
export class CustomDomain {
  #definition: CustomDomainDefinition
  readonly #deps: CustomDomainDependencies
  readonly #server: Server

  constructor(definition: CustomDomainDefinition, deps: CustomDomainDependencies) {
    this.#definition = definition
    this.#deps = deps
    const listeners: GatewayListeners = {
      request: (request, response) => this.#handle(request, response),
      upgrade: (request, socket, head) => this.#upgrade(request, socket, head),
    }
    this.#server = createGatewayServer(listeners, deps.clock)
  }

  get definition(): CustomDomainDefinition {
    return this.#definition
  }

  /** Leads elsewhere from now on: connections that are open stay where they are. */
  update(definition: CustomDomainDefinition): void {
    this.#definition = definition
  }

  /** @returns the port @throws the socket's error, such as EADDRINUSE */
  listen(port: number): Promise<number> {
    return listen(this.#server, port)
  }

  /** Stops listening; the connections are the APIs' to close. Idempotent. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  /** The mapping with the longest key that the path begins with. */
  #find(url: string | undefined): Found | undefined {
    const path = pathOf(url)
    const { mappings, name } = this.#definition
    const [best] = mappings
      .filter(({ key }) => key === '' || path === `/${key}` || path.startsWith(`/${key}/`))
      .sort((a, b) => b.key.length - a.key.length)
    const api = this.#deps.findApi(best?.apiId ?? '')
    const stage = api?.definition.stages.find((each) => each.name === best?.stage)
    if (!best || !api || !stage) return undefined
    const rest = best.key === '' ? path : path.slice(best.key.length + 1)
    return { api, entrance: { stage, domainName: name, path: rest === '/' ? '' : rest } }
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    if (RESERVED.has(pathOf(request.url))) {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('healthy')
      return
    }
    const found = this.#find(request.url)
    if (found) found.api.handle(request, response, found.entrance)
    else refuse(response, 403, 'ForbiddenException', FORBIDDEN.message)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const found = RESERVED.has(pathOf(request.url)) ? undefined : this.#find(request.url)
    if (found) {
      found.api.upgrade(request, socket, head, found.entrance)
      return
    }
    const now = this.#deps.clock.now()
    socket.on('error', () => undefined) // nobody waits for the answer any more
    refuseHandshake(socket, FORBIDDEN, { connectionId: newConnectionId(now), requestId: newRequestId(now) })
  }
}
