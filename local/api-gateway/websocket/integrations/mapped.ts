import type { IntegrationDefinition } from '../integration-definition.ts'
import { ParameterMapping } from '../parameter-mapping.ts'
import { Payload } from '../../payload.ts'
import type { Backend, BackendAnswer } from './backend.ts'
import {
  guarded,
  type Integration,
  type IntegrationDeps,
  IntegrationError,
  type IntegrationRequest,
  type IntegrationResponse,
  type IntegrationResult,
  UNSUPPORTED,
} from './integration.ts'
import { compileResponses, type MappedResponse, selectResponse } from './response-selection.ts'
import { TemplateSet } from './template-set.ts'

/** `HTTP`, `AWS` and `MOCK`: templates make the request to the backend, and the answer to the client. */
export class MappedIntegration implements Integration {
  readonly #definition: IntegrationDefinition
  readonly #backend: Backend
  readonly #deps: IntegrationDeps
  readonly #templates: TemplateSet
  readonly #parameters: ParameterMapping
  readonly #responses: readonly MappedResponse[]

  /** @throws Error for templates, expressions and parameters that can't be read, naming them */
  constructor(definition: IntegrationDefinition, backend: Backend, deps: IntegrationDeps) {
    this.#definition = definition
    this.#backend = backend
    this.#deps = deps
    this.#templates = new TemplateSet(definition.request)
    this.#parameters = new ParameterMapping(definition.parameters, 'request')
    this.#responses = compileResponses(definition.responses)
  }

  call(request: IntegrationRequest): Promise<IntegrationResult> {
    return guarded(this.#deps, request, async () => {
      const text = this.#transform(request)
      const answer = await this.#backend.call(
        {
          body:
            this.#definition.contentHandling === 'CONVERT_TO_BINARY'
              ? Buffer.from(text, 'base64')
              : Buffer.from(text),
          isTemplated: !this.#templates.isEmpty,
          headers: this.#parameters.valuesOf('header', request),
          query: this.#parameters.valuesOf('querystring', request),
          path: this.#parameters.valuesOf('path', request),
        },
        request,
      )
      return this.#respond(answer, request)
    })
  }

  /** The body for the backend: rendered, or as it came where that is allowed. */
  #transform(request: IntegrationRequest): string {
    const { passthrough } = this.#definition
    const template = this.#templates.select({ ...request, request: request.payload })
    if (template) return template.render(inputOf(request, request.payload), this.#warn(request))
    const mayPass =
      passthrough === 'WHEN_NO_MATCH' || (passthrough === 'WHEN_NO_TEMPLATES' && this.#templates.isEmpty)
    if (mayPass) return request.payload.text
    throw new IntegrationError(
      `no request template fits, and PassthroughBehavior is ${passthrough}`,
      UNSUPPORTED,
    )
  }

  #respond(answer: BackendAnswer, request: IntegrationRequest): IntegrationResponse {
    const { statusCode, headers, body } = answer
    const response = selectResponse(this.#responses, answer)
    if (!response) {
      // Nobody waits for an answer, and none is described: the backend's status is all there is.
      if (this.#responses.length === 0 && !request.isTwoWay) return { ok: true, statusCode, headers: {} }
      throw new IntegrationError(
        `no integration response fits ${answer.error === undefined ? `the status ${statusCode}` : `the error "${answer.error}"`}`,
      )
    }
    const payload = new Payload(
      body.toString(response.contentHandling === 'CONVERT_TO_TEXT' ? 'base64' : 'utf8'),
    )
    const answered = { ...request, context: { ...request.context, status: String(statusCode) } }
    const template = response.templates.select({
      ...answered,
      request: request.payload,
      response: { statusCode, headers, payload },
    })
    const text = template ? template.render(inputOf(answered, payload), this.#warn(request)) : payload.text
    const mapped = response.parameters.valuesOf('header', {
      ...answered,
      payload,
      responseHeaders: headers,
    })
    return {
      ok: true,
      statusCode,
      headers: Object.fromEntries(
        Object.entries(mapped).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, typeof value === 'string' ? value : value.join(',')]],
        ),
      ),
      body: response.contentHandling === 'CONVERT_TO_BINARY' ? Buffer.from(text, 'base64').toString() : text,
    }
  }

  #warn({ routeKey }: IntegrationRequest): (problem: string) => void {
    const { log, source } = this.#deps
    return (problem) => log.warn(source, `route "${routeKey}": template, ${problem}`)
  }
}

const inputOf = ({ context, stageVariables, handshake }: IntegrationRequest, payload: Payload) => ({
  payload,
  context,
  stageVariables,
  ...(handshake
    ? { parameters: { header: handshake.headers ?? {}, querystring: handshake.queryStringParameters ?? {} } }
    : {}),
})
