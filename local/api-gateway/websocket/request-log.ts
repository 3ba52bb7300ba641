import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { type AccessLog, accessLogs } from '../access-log.ts'
import type { WebSocketStage } from './definition.ts'
import type { IntegrationResult } from './integrations/integration.ts'

/** What became of a request that the gateway refused by itself. */
export interface GatewayRefusal {
  readonly status: number
  readonly message?: string | undefined
  /** Of a message that fits no model. */
  readonly validationError?: string
}

/** What the gateway calls its own answers: `BAD_REQUEST_BODY` */
const RESPONSE_TYPES: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST_BODY',
  401: 'UNAUTHORIZED',
  403: 'ACCESS_DENIED',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'THROTTLED',
  500: 'API_CONFIGURATION_ERROR',
  502: 'INTEGRATION_FAILURE',
  504: 'INTEGRATION_TIMEOUT',
}

/** The access logs of an API's stages: one line for each CONNECT, MESSAGE and DISCONNECT. */
export class RequestLog {
  readonly #logs: ReadonlyMap<string, AccessLog>
  readonly #clock: Clock

  constructor(
    stages: readonly WebSocketStage[],
    { clock, log, source }: { readonly clock: Clock; readonly log: Log; readonly source: string },
  ) {
    this.#clock = clock
    this.#logs = accessLogs(stages, { log, source })
  }

  /** Calls a backend, and writes what became of that once it has answered. */
  integrated(
    context: Readonly<Record<string, unknown>>,
    call: () => Promise<IntegrationResult>,
  ): Promise<IntegrationResult> {
    const log = this.#logOf(context)
    return log ? this.#integrated(log, context, call) : call()
  }

  /** Writes a request that no backend was asked about. @param context made only where a log is kept */
  refused(stage: string, context: () => Readonly<Record<string, unknown>>, refusal: GatewayRefusal): void {
    this.#logs.get(stage)?.write({ ...context(), status: refusal.status, error: errorOf(refusal) })
  }

  /** Writes what needed no backend: a handshake without a `$connect` route, an end without a `$disconnect` route. */
  passed(stage: string, context: () => Readonly<Record<string, unknown>>): void {
    this.#logs.get(stage)?.write({ ...context(), status: 200 })
  }

  async #integrated(
    log: AccessLog,
    context: Readonly<Record<string, unknown>>,
    call: () => Promise<IntegrationResult>,
  ): Promise<IntegrationResult> {
    const startedAt = this.#clock.now()
    const result = await call()
    const latency = this.#clock.now() - startedAt
    const integration = result.ok
      ? { status: result.statusCode, integrationStatus: 200, latency }
      : { status: result.statusCode, integrationStatus: result.statusCode, latency, error: result.error }
    log.write({
      ...context,
      status: result.statusCode,
      integration,
      integrationLatency: latency,
      ...(result.ok ? {} : { error: errorOf({ status: result.statusCode, message: result.message }) }),
    })
    return result
  }

  #logOf({ stage }: Readonly<Record<string, unknown>>): AccessLog | undefined {
    return typeof stage === 'string' ? this.#logs.get(stage) : undefined
  }
}

const errorOf = ({ status, message, validationError }: GatewayRefusal) => ({
  message,
  messageString: message === undefined ? undefined : JSON.stringify(message),
  responseType: RESPONSE_TYPES[status],
  validationErrorString: validationError,
})
