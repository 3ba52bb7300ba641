import { withStageVariables } from '../../stage-variables.ts'
import type { IntegrationDefinition } from '../integration-definition.ts'
import { type Parameter, ParameterMapping } from '../parameter-mapping.ts'
import { type Backend, type BackendAnswer, type BackendRequest, firstOf } from './backend.ts'
import type { HttpClient } from './http-client.ts'
import {
  guarded,
  type Integration,
  type IntegrationDeps,
  IntegrationError,
  type IntegrationRequest,
  type IntegrationResult,
} from './integration.ts'

/** An HTTP server somewhere: what a request to it looks like. */
export class HttpBackend implements Backend {
  readonly #definition: IntegrationDefinition
  readonly #client: HttpClient
  readonly #apiId: string

  /** @throws Error for a URI that is no URL, or that goes through a VPC link */
  constructor(definition: IntegrationDefinition, client: HttpClient, { apiId }: IntegrationDeps) {
    const { uri, connectionType } = definition
    if (connectionType === 'VPC_LINK') throw new Error('it goes through a VPC link, which is not emulated')
    if (!/^https?:\/\//.test(uri) && !uri.startsWith('${stageVariables.'))
      throw new Error(`the URI "${uri}" is no http or https URL`)
    this.#definition = definition
    this.#client = client
    this.#apiId = apiId
  }

  call({ body, headers, query, path }: BackendRequest, of: IntegrationRequest): Promise<BackendAnswer> {
    const { uri, timeoutMs } = this.#definition
    return this.#client.send({
      url: urlOf(withStageVariables(uri, of.stageVariables), path, query),
      method: this.#methodFor(of),
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        'user-agent': `AmazonAPIGateway_${this.#apiId}`,
        'x-amzn-apigateway-api-id': this.#apiId,
        ...present(headers),
      },
      body,
      timeoutMs,
    })
  }

  /** `ANY` is the client's own: that of a handshake, or what carries a message. */
  #methodFor({ handshake }: IntegrationRequest): string {
    const { method } = this.#definition
    return method === 'ANY' ? (handshake ? 'GET' : 'POST') : method
  }
}

/** Headers of one hop, and those that the call sets itself. */
const NOT_PASSED = new Set([
  'connection',
  'upgrade',
  'host',
  'content-length',
  'transfer-encoding',
  'keep-alive',
])

/**
 * `HTTP_PROXY`: the message as it is to a server, and the answer's body as it is to the client. A handshake passes its
 * headers and query on, and the server's status decides about it.
 */
export class HttpProxyIntegration implements Integration {
  readonly #definition: IntegrationDefinition
  readonly #backend: HttpBackend
  readonly #deps: IntegrationDeps
  readonly #parameters: ParameterMapping

  /** @throws Error for parameters that can't be read */
  constructor(definition: IntegrationDefinition, client: HttpClient, deps: IntegrationDeps) {
    this.#definition = definition
    this.#backend = new HttpBackend(definition, client, deps)
    this.#deps = deps
    this.#parameters = new ParameterMapping(definition.parameters, 'request')
  }

  call(request: IntegrationRequest): Promise<IntegrationResult> {
    return guarded(this.#deps, request, async () => {
      const { payload, handshake } = request
      const { statusCode, headers, body } = await this.#backend.call(
        {
          body:
            this.#definition.contentHandling === 'CONVERT_TO_BINARY'
              ? Buffer.from(payload.text, 'base64')
              : Buffer.from(payload.text),
          isTemplated: false,
          headers: {
            ...passed(handshake?.multiValueHeaders),
            ...lowerCased(this.#parameters.valuesOf('header', request)),
          },
          query: {
            ...handshake?.multiValueQueryStringParameters,
            ...this.#parameters.valuesOf('querystring', request),
          },
          path: this.#parameters.valuesOf('path', request),
        },
        request,
      )
      return {
        ok: true,
        statusCode,
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, values]) => [name, values.join(', ')]),
        ),
        body: body.toString(),
      }
    })
  }
}

function passed(headers: Readonly<Record<string, readonly string[]>> = {}): Record<string, Parameter> {
  const lower = Object.entries(headers).map(([name, values]) => [name.toLowerCase(), values] as const)
  return Object.fromEntries(lower.filter(([name]) => !NOT_PASSED.has(name)))
}

const lowerCased = (parameters: Readonly<Record<string, Parameter>>) =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name.toLowerCase(), value]))

function present(headers: Readonly<Record<string, Parameter>>): Record<string, string | readonly string[]> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.toLowerCase(), value]],
    ),
  )
}

/** Puts path parameters into `{name}` and appends the query. @throws IntegrationError for what is no URL then */
function urlOf(
  uri: string,
  path: Readonly<Record<string, Parameter>>,
  query: Readonly<Record<string, Parameter>>,
): URL {
  const filled = uri.replace(/\{(\w+)\+?\}/g, (_, name: string) =>
    encodeURIComponent(firstOf(path[name]) ?? ''),
  )
  if (!URL.canParse(filled)) throw new IntegrationError(`"${filled}" is no URL`)
  const url = new URL(filled)
  for (const [name, value] of Object.entries(query))
    for (const each of typeof value === 'string' ? [value] : (value ?? []))
      url.searchParams.append(name, each)
  return url
}
