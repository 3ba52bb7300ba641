import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Environment } from '../cloudformation/resource.ts'
import type { Iam } from '../iam/iam.ts'
import { RefusedError } from '../iam/refused-error.ts'
import { readBody } from '../read-body.ts'
import { SsmError } from './errors.ts'
import { MAX_NAMES, MAX_PAGE, MAX_STANDARD_VALUE_BYTES } from './limits.ts'
import type { ParameterStore } from './parameter-store.ts'

const TARGET_PREFIX = 'AmazonSSM.'

export interface SsmAuthorization {
  readonly environment: Environment
  /** Who may do what; without it anybody may do anything. */
  readonly iam?: Iam | undefined
}

type Input = Readonly<Record<string, unknown>>
type Operation = (input: Input, store: ParameterStore) => object

/**
 * `ssm.{region}.amazonaws.com`, as far as parameters go: a POST with `x-amz-target: AmazonSSM.GetParameter` and a JSON
 * body. Errors are `{"__type":"ParameterNotFound","message":"…"}`, status 400.
 */
export function ssmEndpoint(
  store: ParameterStore,
  authorization: SsmAuthorization,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    handle(request, store, authorization).then(
      (output) => answer(response, 200, output),
      (error: unknown) => {
        if (error instanceof RefusedError)
          answer(response, 400, { __type: error.exception, message: error.message })
        else if (error instanceof SsmError)
          answer(response, 400, {
            __type: error.code,
            ...(error.message ? { message: error.message } : {}),
          })
        else answer(response, 500, { __type: 'InternalServerError', message: String(error) })
      },
    )
  }
}

async function handle(
  request: IncomingMessage,
  store: ParameterStore,
  { iam, environment }: SsmAuthorization,
): Promise<object> {
  const body = await readBody(request)
  const caller = iam?.authenticate(request, body, 'ssm')
  const name = String(request.headers['x-amz-target'] ?? '').replace(TARGET_PREFIX, '')
  const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined
  if (!operation)
    throw new SsmError(
      'UnknownOperationException',
      `the operation "${name}" is not emulated; expected one of ${Object.keys(OPERATIONS).join(', ')}`,
    )
  const input = parse(body)
  for (const resource of resourcesOf(input, environment))
    if (caller) iam?.authorize(caller, { action: `ssm:${name}`, resource })
  return operation(input, store)
}

function parse(body: Buffer): Input {
  try {
    const input: unknown = JSON.parse(body.toString())
    if (typeof input === 'object' && input !== null) return input as Input
  } catch {
    // Told below, as anything else that is no object.
  }
  throw new SsmError('SerializationException', 'The request body is not a JSON object')
}

/** `arn:aws:ssm:eu-west-1:123456789012:parameter/path/name`, for each parameter or path that a call names. */
function resourcesOf({ Name, Names, Path }: Input, { partition, region, accountId }: Environment): string[] {
  const names = [Names ?? Name ?? Path].flat().map((name: unknown) => (typeof name === 'string' ? name : '*'))
  return names.map(
    (name) => `arn:${partition}:ssm:${region}:${accountId}:parameter/${name.replace(/^\/|\/$/g, '')}`,
  )
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  GetParameter: (input, store) => ({ Parameter: store.get(text(input, 'Name')) }),

  GetParameters: (input, store) => {
    const names = list(input, 'Names')
    const valid = names.filter((name) => isThere(store, name))
    return {
      Parameters: valid.map((name) => store.get(name)),
      InvalidParameters: names.filter((name) => !valid.includes(name)),
    }
  },

  GetParametersByPath: (input, store) => {
    if (input['ParameterFilters'] !== undefined)
      throw new SsmError('InvalidFilterKey', 'ParameterFilters are not emulated by the local stack')
    const path = text(input, 'Path')
    if (!path.startsWith('/'))
      throw new SsmError('ValidationException', "The parameter doesn't meet the parameter name requirements.")
    const found = store.below(path, input['Recursive'] === true)
    const from = Number(input['NextToken'] ?? 0)
    const to = from + Math.min(Number(input['MaxResults'] ?? MAX_PAGE), MAX_PAGE)
    return { Parameters: found.slice(from, to), ...(to < found.length ? { NextToken: String(to) } : {}) }
  },

  PutParameter: (input, store) => {
    const value = text(input, 'Value')
    if (Buffer.byteLength(value) > MAX_STANDARD_VALUE_BYTES && input['Tier'] !== 'Advanced')
      throw new SsmError(
        'ValidationException',
        `Standard tier parameters support a maximum parameter value of ${MAX_STANDARD_VALUE_BYTES} characters.`,
      )
    const type = input['Type'] === undefined ? undefined : text(input, 'Type')
    const { Version } = store.put(text(input, 'Name'), value, type, input['Overwrite'] === true)
    return { Version, Tier: input['Tier'] ?? 'Standard' }
  },

  DeleteParameter: (input, store) => {
    store.delete(text(input, 'Name'))
    return {}
  },
}

function isThere(store: ParameterStore, name: string): boolean {
  try {
    store.get(name)
    return true
  } catch (error) {
    if (error instanceof SsmError) return false
    throw error
  }
}

function text(input: Input, name: string): string {
  const value = input[name]
  if (typeof value === 'string' && value !== '') return value
  throw invalid(name, value, 'Member must not be null')
}

function list(input: Input, name: string): string[] {
  const value = input[name]
  if (!Array.isArray(value)) throw invalid(name, value, 'Member must not be null')
  if (value.length > MAX_NAMES)
    throw invalid(name, value, `Member must have length less than or equal to ${MAX_NAMES}`)
  return value.map(String)
}

/** `1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null` */
function invalid(name: string, value: unknown, constraint: string): SsmError {
  const shown = value === undefined ? 'null' : `'${JSON.stringify(value)}'`
  const member = name.charAt(0).toLowerCase() + name.slice(1)
  return new SsmError(
    'ValidationException',
    `1 validation error detected: Value ${shown} at '${member}' failed to satisfy constraint: ${constraint}`,
  )
}

function answer(response: ServerResponse, status: number, body: object): void {
  response
    .writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() })
    .end(JSON.stringify(body))
}
