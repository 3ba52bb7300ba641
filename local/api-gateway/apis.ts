import type { Clock } from '../clock.ts'
import { type HostTable, inAnyRegion } from '../hosts.ts'
import { HttpApi } from './http/api.ts'
import type { HttpApiDefinition } from './http/definition.ts'
import { WebSocketApi } from './websocket/api.ts'
import { CustomDomain, type CustomDomainDefinition } from './websocket/custom-domain.ts'
import type { WebSocketApiDefinition } from './websocket/definition.ts'

export type Api = WebSocketApi | HttpApi
export type ApiDefinition = WebSocketApiDefinition | HttpApiDefinition

/** A stage of an API that runs, at its own endpoint or at a custom domain. */
export interface RunningApi {
  /** Of the API, or of the custom domain. */
  readonly logicalId: string
  readonly protocol: 'WEBSOCKET' | 'HTTP'
  readonly stage: string
  /** `ws://localhost:4501/dev`, `http://localhost:4502` */
  readonly url: string
  /** Base of the management API, for WebSocket APIs. */
  readonly callbackUrl?: string
}

/** A port that somebody else listens on. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError'
  readonly port: number
  constructor(port: number, what: string, cause: unknown) {
    super(`port ${port} is taken (${what}); choose another first port with --port`, { cause })
    this.port = port
  }
}

export const isWebSocketApi = (definition: ApiDefinition): definition is WebSocketApiDefinition =>
  'routeSelectionExpression' in definition

export interface ApisOptions {
  readonly make: (definition: ApiDefinition) => Api
  readonly clock: Clock
  /** Port of the first API; each further one gets the next. 0: any free ones. */
  readonly firstPort: number
  /** Whether the app left its Region open: the hosts are served in every one then. */
  readonly isRegionOpen: boolean
}

/** The APIs of a stack and the custom domains before them. On AWS each has a host; here each has a port. */
export class Apis {
  readonly #options: ApisOptions
  readonly #apis = new Map<string, { readonly api: Api; readonly port: number }>()
  readonly #domains = new Map<string, { readonly domain: CustomDomain; readonly port: number }>()
  #nextPort: number

  constructor(options: ApisOptions) {
    this.#options = options
    this.#nextPort = options.firstPort
  }

  get running(): RunningApi[] {
    return [
      ...[...this.#apis.values()].flatMap(({ api, port }) => stagesOf(api, port)),
      ...[...this.#domains.values()].flatMap(({ domain, port }) => mappingsOf(domain.definition, port)),
    ]
  }

  get hosts(): HostTable {
    const { isRegionOpen } = this.#options
    const ofApis = [...this.#apis.values()].map(({ api, port }) => {
      const { domainName } = api.definition
      return [isRegionOpen ? inAnyRegion(domainName) : domainName, port] as const
    })
    const ofDomains = [...this.#domains].map(([name, { port }]) => [name, port] as const)
    return Object.fromEntries([...ofApis, ...ofDomains])
  }

  /**
   * Serves these APIs and domains and no others: connections to those that were there stay open.
   * @throws PortTakenError
   */
  async update(
    definitions: readonly ApiDefinition[],
    domains: readonly CustomDomainDefinition[] = [],
  ): Promise<void> {
    const ids = new Set(definitions.map(({ apiId }) => apiId))
    for (const [apiId, { api }] of this.#apis) {
      if (ids.has(apiId)) continue
      this.#apis.delete(apiId)
      await api.close()
    }
    for (const definition of definitions) {
      const api = this.#apis.get(definition.apiId)?.api
      if (api instanceof WebSocketApi && isWebSocketApi(definition)) api.update(definition)
      else if (api instanceof HttpApi && !isWebSocketApi(definition)) api.update(definition)
      else await this.#start(definition)
    }
    await this.#updateDomains(domains)
  }

  async close(): Promise<void> {
    for (const { domain } of [...this.#domains.values()].toReversed()) await domain.close()
    for (const { api } of [...this.#apis.values()].toReversed()) await api.close()
  }

  async #updateDomains(definitions: readonly CustomDomainDefinition[]): Promise<void> {
    const names = new Set(definitions.map(({ name }) => name))
    for (const [name, { domain }] of this.#domains) {
      if (names.has(name)) continue
      this.#domains.delete(name)
      await domain.close()
    }
    for (const definition of definitions) {
      const { name, logicalId } = definition
      const known = this.#domains.get(name)
      if (known) known.domain.update(definition)
      else {
        const domain = new CustomDomain(definition, { clock: this.#options.clock, findApi: this.#findApi })
        this.#domains.set(name, { domain, port: await this.#listen(domain, `custom domain ${logicalId}`) })
      }
    }
  }

  readonly #findApi = (apiId: string): WebSocketApi | undefined => {
    const api = this.#apis.get(apiId)?.api
    return api instanceof WebSocketApi ? api : undefined
  }

  async #start(definition: ApiDefinition): Promise<void> {
    const api = this.#options.make(definition)
    const protocol = isWebSocketApi(definition) ? 'WebSocket' : 'HTTP'
    const port = await this.#listen(api, `${protocol} API ${definition.logicalId}`)
    this.#apis.set(definition.apiId, { api, port })
  }

  async #listen(server: Api | CustomDomain, what: string): Promise<number> {
    const wanted = this.#options.firstPort === 0 ? 0 : this.#nextPort++
    try {
      return await server.listen(wanted)
    } catch (error) {
      await server.close()
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      throw new PortTakenError(wanted, what, error)
    }
  }
}

const mappingsOf = ({ logicalId, mappings }: CustomDomainDefinition, port: number): RunningApi[] =>
  mappings.map(({ key, stage }) => {
    const base = key === '' ? `localhost:${port}` : `localhost:${port}/${key}`
    return { logicalId, protocol: 'WEBSOCKET', stage, url: `ws://${base}`, callbackUrl: `http://${base}` }
  })

function stagesOf({ definition }: Api, port: number): RunningApi[] {
  const { logicalId, stages } = definition
  return stages.map(({ name: stage }) => {
    const path = stage === '$default' ? '' : `/${stage}`
    const base = `localhost:${port}${path}`
    return isWebSocketApi(definition)
      ? { logicalId, protocol: 'WEBSOCKET', stage, url: `ws://${base}`, callbackUrl: `http://${base}` }
      : { logicalId, protocol: 'HTTP', stage, url: `http://${base}` }
  })
}
