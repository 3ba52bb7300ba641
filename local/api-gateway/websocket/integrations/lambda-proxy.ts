import { parseJson } from '../../payload.ts'
import type { IntegrationDefinition } from '../integration-definition.ts'
import {
  BAD_GATEWAY,
  guarded,
  type Integration,
  type IntegrationDeps,
  IntegrationError,
  type IntegrationRequest,
  type IntegrationResponse,
  type IntegrationResult,
} from './integration.ts'
import { functionOf, type Invocation, invokeFunction } from './lambda-invocation.ts'

/** `AWS_PROXY`: the event as it is to a function, and its reply as it is to the client. */
export class LambdaProxyIntegration implements Integration {
  readonly #invocation: Invocation
  readonly #deps: IntegrationDeps

  /** @throws Error for a URI that is no function's */
  constructor({ uri, timeoutMs, credentialsArn }: IntegrationDefinition, deps: IntegrationDeps) {
    const functionArn = functionOf(uri)
    if (functionArn === undefined) throw new Error(`the URI "${uri}" is no Lambda function's`)
    this.#invocation = { functionArn, timeoutMs, credentialsArn }
    this.#deps = deps
  }

  call(request: IntegrationRequest): Promise<IntegrationResult> {
    return guarded(this.#deps, request, async () => {
      const { payload, functionError } = await invokeFunction(
        this.#invocation,
        request.event,
        request,
        this.#deps,
      )
      // What the function threw stands in its own log.
      return functionError ? BAD_GATEWAY : this.#read(payload, request)
    })
  }

  /** A proxy reply; an unknown key or anything but an object makes it malformed, and so does none to `$connect`. */
  #read(payload: string, { routeKey }: IntegrationRequest): IntegrationResponse {
    const isHandshake = routeKey === '$connect'
    const reply = payload === '' ? null : parseJson(payload)
    if (reply === null && !isHandshake && !this.#deps.isStrict) {
      // On AWS seen to be silent for messages; a REST API would call it malformed.
      const { log, source } = this.#deps
      log.warn(source, `route "${routeKey}": the function replies with nothing; expected { statusCode: 200 }`)
      return { ok: true, statusCode: 200, headers: {} }
    }
    if (!isObject(reply)) throw malformed(`is ${payload.slice(0, 100) || 'nothing'}`)
    const unknown = Object.keys(reply).find((key) => !REPLY_KEYS.includes(key))
    if (unknown !== undefined) throw malformed(`has the key "${unknown}"`)
    const { statusCode = 200, headers, body, isBase64Encoded } = reply
    const status = Number(statusCode)
    if (!Number.isInteger(status)) throw malformed(`has the statusCode ${JSON.stringify(statusCode)}`)
    if (isHandshake && (status < 200 || status > 599))
      throw malformed(`has the statusCode ${status}, which no handshake can have`)
    if (body !== undefined && body !== null && typeof body !== 'string')
      throw malformed(`has a body of type ${typeof body}`)
    return {
      ok: true,
      statusCode: status,
      headers: isObject(headers) ? (headers as Readonly<Record<string, string>>) : {},
      ...(typeof body === 'string'
        ? { body: isBase64Encoded === true ? Buffer.from(body, 'base64').toString() : body }
        : {}),
    }
  }
}

const REPLY_KEYS = ['statusCode', 'headers', 'multiValueHeaders', 'body', 'isBase64Encoded']

const malformed = (what: string) =>
  new IntegrationError(
    `the function's reply ${what}; expected an object with ${REPLY_KEYS.join(', ')} only, body a string`,
    BAD_GATEWAY,
  )

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
