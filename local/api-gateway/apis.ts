import { type HostTable, inAnyRegion } from '../hosts.ts'
import { HttpApi } from './http/api.ts'
import type { HttpApiDefinition } from './http/definition.ts'
import { WebSocketApi } from './websocket/api.ts'
import type { WebSocketApiDefinition } from './websocket/definition.ts'

export type Api = WebSocketApi | HttpApi
export type ApiDefinition = WebSocketApiDefinition | HttpApiDefinition

/** An API that runs. */
export interface RunningApi {
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
  /** Port of the first API; each further one gets the next. 0: any free ones. */
  readonly firstPort: number
  /** Whether the app left its Region open: the hosts are served in every one then. */
  readonly isRegionOpen: boolean
}

/** The APIs of a stack. On AWS each has a host of its own; here each has a port of its own. */
export class Apis {
  readonly #options: ApisOptions
  readonly #apis = new Map<string, { readonly api: Api; readonly port: number }>()
  #nextPort: number

  constructor(options: ApisOptions) {
    this.#options = options
    this.#nextPort = options.firstPort
  }

  get running(): RunningApi[] {
    return [...this.#apis.values()].flatMap(({ api, port }) => stagesOf(api, port))
  }

  get hosts(): HostTable {
    const { isRegionOpen } = this.#options
    return Object.fromEntries(
      [...this.#apis.values()].map(({ api, port }) => {
        const { domainName } = api.definition
        return [isRegionOpen ? inAnyRegion(domainName) : domainName, port]
      }),
    )
  }

  /**
   * Serves these APIs and no others: connections to those that were there stay open.
   * @throws PortTakenError
   */
  async update(definitions: readonly ApiDefinition[]): Promise<void> {
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
  }

  async close(): Promise<void> {
    for (const { api } of [...this.#apis.values()].toReversed()) await api.close()
  }

  async #start(definition: ApiDefinition): Promise<void> {
    const { make, firstPort } = this.#options
    const api = make(definition)
    const wanted = firstPort === 0 ? 0 : this.#nextPort++
    try {
      this.#apis.set(definition.apiId, { api, port: await api.listen(wanted) })
    } catch (error) {
      await api.close()
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      const protocol = isWebSocketApi(definition) ? 'WebSocket' : 'HTTP'
      throw new PortTakenError(wanted, `${protocol} API ${definition.logicalId}`, error)
    }
  }
}

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
