import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { type AccessLog, accessLogs } from '../access-log.ts'
import { requestContext } from './context.ts'
import type { HttpStage } from './definition.ts'
import type { RoutedRequest } from './event.ts'
import type { HttpResponse } from './response.ts'

/** What became of a request at its integration. */
export interface IntegrationOutcome {
  readonly latency: number
  /** What the integration answered; 200 when a function did, whatever status it gave. */
  readonly status?: number
  readonly error?: string
}

/** The access logs of an API's stages: one line for each request to a route. */
export class RequestLog {
  readonly #logs: ReadonlyMap<string, AccessLog>
  readonly #clock: Clock

  constructor(
    stages: readonly HttpStage[],
    { clock, log, source }: { readonly clock: Clock; readonly log: Log; readonly source: string },
  ) {
    this.#clock = clock
    this.#logs = accessLogs(stages, { log, source })
  }

  write(routed: RoutedRequest, response: HttpResponse, integration?: IntegrationOutcome): void {
    const accessLog = this.#logs.get(routed.stage.name)
    if (!accessLog) return
    const { latency, status, error } = integration ?? {}
    accessLog.write({
      ...requestContext(routed),
      status: response.statusCode,
      responseLength: response.body.length,
      responseLatency: this.#clock.now() - routed.request.time,
      integrationLatency: latency,
      integrationStatus: status,
      integrationErrorMessage: error,
      integration: { latency, integrationStatus: status, error },
      ...(error === undefined ? {} : { error: { message: error, messageString: JSON.stringify(error) } }),
    })
  }
}
