import type { WebSocketApiDefinition, WebSocketStage } from './definition.ts'

/** A way into an API: what a request's host and the first part of its path come to. */
export interface Entrance {
  readonly stage: WebSocketStage
  /** The host that the client used: `a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com`, or a custom domain. */
  readonly domainName: string
  /** What is left of the path: empty for a handshake, `/@connections/{id}` for the management API. */
  readonly path: string
}

/** The path of a request's URL, with a `/` at its start and none at its end, both as often as they come. */
export const pathOf = (url = ''): string => `/${(url.split('?', 1)[0] ?? '').replace(/^\/+|\/+$/g, '')}`

/**
 * The entrances of an API's own host, `/{stage}`.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
 */
export class DefaultEndpoint {
  readonly #stages: ReadonlyMap<string, WebSocketStage>
  readonly #domainName: string

  constructor({ stages, domainName, isDefaultEndpointDisabled }: WebSocketApiDefinition) {
    const open = isDefaultEndpointDisabled ? [] : stages
    this.#stages = new Map(open.map((stage) => [stage.name, stage]))
    this.#domainName = domainName
  }

  /** @returns undefined where no stage is, and everywhere when the endpoint is disabled */
  find(url: string | undefined): Entrance | undefined {
    const path = pathOf(url)
    const end = path.indexOf('/', 1)
    const stage = this.#stages.get(end < 0 ? path.slice(1) : path.slice(1, end))
    return stage && { stage, domainName: this.#domainName, path: end < 0 ? '' : path.slice(end) }
  }
}
