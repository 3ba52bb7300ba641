import type { ContentHandling, IntegrationResponseDefinition } from '../integration-definition.ts'
import { ParameterMapping } from '../parameter-mapping.ts'
import type { BackendAnswer } from './backend.ts'
import { TemplateSet } from './template-set.ts'

/** An integration response, read once. */
export interface MappedResponse {
  /** Undefined for `$default`. */
  readonly pattern: RegExp | undefined
  readonly templates: TemplateSet
  readonly parameters: ParameterMapping
  readonly contentHandling: ContentHandling | undefined
}

/** @throws Error for what can't be read, naming the response */
export function compileResponses(definitions: readonly IntegrationResponseDefinition[]): MappedResponse[] {
  return definitions.map((definition) => {
    const { key, contentHandling } = definition
    try {
      return {
        pattern: key === '$default' ? undefined : patternOf(key),
        templates: new TemplateSet(definition),
        parameters: new ParameterMapping(definition.parameters, 'response'),
        contentHandling,
      }
    } catch (cause) {
      throw new Error(`the integration response "${key}": ${(cause as Error).message}`, { cause })
    }
  })
}

/** `/2\d\d/` matches as a whole; anything without slashes is itself. */
const patternOf = (key: string) => {
  const [, source = key.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')] = /^\/(.*)\/$/s.exec(key) ?? []
  return new RegExp(`^(?:${source})$`, 's')
}

/**
 * By status for HTTP and MOCK, by the error for functions: the explicit patterns in the order of the template, then
 * `$default`. A function's success has no error to match, and is `$default`'s alone.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-integration-responses.html
 */
export function selectResponse(
  responses: readonly MappedResponse[],
  { statusCode, error, isFunction }: BackendAnswer,
): MappedResponse | undefined {
  const value = isFunction ? error : String(statusCode)
  const matching =
    value === undefined ? undefined : responses.find(({ pattern }) => pattern?.test(value) ?? false)
  return matching ?? responses.find(({ pattern }) => pattern === undefined)
}
