import type { IntegrationDefinition } from '../integration-definition.ts'
import { parseJson } from '../../payload.ts'
import { type Backend, type BackendAnswer, type BackendRequest, firstOf } from './backend.ts'
import { type IntegrationDeps, IntegrationError, type IntegrationRequest } from './integration.ts'
import { type Invocation, invokeFunction } from './lambda-invocation.ts'

/** `AWS` with a function: its event is what the template makes, and its reply the body. */
export class LambdaBackend implements Backend {
  readonly #invocation: Invocation
  readonly #deps: IntegrationDeps

  constructor(
    functionArn: string,
    { timeoutMs, credentialsArn }: IntegrationDefinition,
    deps: IntegrationDeps,
  ) {
    this.#invocation = { functionArn, timeoutMs, credentialsArn }
    this.#deps = deps
  }

  async call({ body, headers }: BackendRequest, of: IntegrationRequest): Promise<BackendAnswer> {
    const text = body.toString()
    const event = text === '' ? {} : parseJson(text)
    if (event === undefined)
      throw new IntegrationError(
        `the event for ${this.#invocation.functionArn} is no JSON: ${text.slice(0, 100)}; quote text with a template`,
      )
    // https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-integration-async.html
    const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'x-amz-invocation-type')?.[1]
    const { payload, functionError } = await invokeFunction(
      this.#invocation,
      event,
      of,
      this.#deps,
      firstOf(type) === 'Event',
    )
    const answer = { statusCode: 200, headers: {}, body: Buffer.from(payload), isFunction: true }
    return functionError ? { ...answer, error: errorMessageOf(payload) } : answer
  }
}

function errorMessageOf(payload: string): string {
  const error = parseJson(payload) as { errorMessage?: unknown } | null | undefined
  return typeof error?.errorMessage === 'string' ? error.errorMessage : ''
}
