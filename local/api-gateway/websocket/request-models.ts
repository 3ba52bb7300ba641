import draft4, { type ValidateFunction } from 'ajv-draft-04'
import type { Resource } from '../../cloudformation/resource.ts'
import { SelectionExpression } from './expressions.ts'
import type { Payload } from '../payload.ts'

/** A route's request models: JSON schemas of draft 4 by the key that the expression gives. */
export interface RequestModelsDefinition {
  /** Without one nothing is validated. */
  readonly expression: string
  readonly schemas: Readonly<Record<string, unknown>>
}

/**
 * @param models every model of the API
 * @returns undefined for a route that validates nothing
 * @throws Error for a model that the API does not have
 */
export function readRequestModels(
  { properties }: Resource,
  models: readonly Resource[],
): RequestModelsDefinition | undefined {
  const { ModelSelectionExpression, RequestModels } = properties
  if (typeof ModelSelectionExpression !== 'string') return undefined
  const named = Object.entries((RequestModels ?? {}) as Readonly<Record<string, string>>)
  return {
    expression: ModelSelectionExpression,
    schemas: Object.fromEntries(
      named.map(([key, name]) => [
        key,
        models.find((model) => model.properties['Name'] === name)?.properties['Schema'],
      ]),
    ),
  }
}

const DEFAULT = '$default'

/**
 * Validates messages before any backend sees them:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-request-validation.html
 */
export class RequestModels {
  readonly #expression: SelectionExpression
  readonly #validators: ReadonlyMap<string, ValidateFunction>

  /** @throws Error for an expression or a schema that can't be read, naming it */
  constructor({ expression, schemas }: RequestModelsDefinition) {
    this.#expression = new SelectionExpression(expression)
    const ajv = new draft4.default({ strict: false, allErrors: true, logger: false, validateFormats: false })
    this.#validators = new Map(
      Object.entries(schemas).map(([key, schema]) => {
        try {
          return [key, ajv.compile(parsed(schema))]
        } catch (cause) {
          throw new Error(`the model "${key}" can not be read: ${(cause as Error).message}`, { cause })
        }
      }),
    )
  }

  /** @returns what is wrong with the message, in words, as `$context.error.validationErrorString` has it; else undefined */
  problemOf(payload: Payload): string | undefined {
    const key = this.#expression.select({ request: payload }) ?? ''
    const validate = this.#validators.get(key) ?? this.#validators.get(DEFAULT)
    if (!validate) return `no model has the key "${key}", and there is no $default`
    if (payload.json === undefined) return 'the message is no JSON'
    if (validate(payload.json)) return undefined
    const problems = (validate.errors ?? []).map(
      ({ instancePath, message = '' }) => `${instancePath === '' ? 'the message' : instancePath} ${message}`,
    )
    return `[${problems.join(', ')}]`
  }
}

/** CloudFormation takes a schema as JSON, or as text of JSON. */
function parsed(schema: unknown): object {
  const value: unknown = typeof schema === 'string' ? JSON.parse(schema) : schema
  if (typeof value === 'object' && value !== null) return value
  throw new Error(
    `its schema is ${schema === undefined ? 'missing' : JSON.stringify(schema)}; expected a JSON schema of draft 4`,
  )
}
