import type { Log } from '../log.ts'
import { compileJsonPath } from './json-path.ts'

/** `AccessLogSettings` of a stage. */
export interface AccessLogSettings {
  /** Of a log group, or of a Firehose stream. */
  readonly destinationArn: string
  /** One line in any format, such as JSON or CLF: `$context.identity.sourceIp … "$context.routeKey" $context.status`. */
  readonly format: string
}

/** Documented as 3 KB: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html */
const MAX_FORMAT_BYTES = 3 * 1024

/** @returns undefined for a stage that keeps no access log */
export function readAccessLogSettings(settings: unknown): AccessLogSettings | undefined {
  const { DestinationArn, Format } = (settings ?? {}) as Readonly<Record<string, unknown>>
  return typeof DestinationArn === 'string' && typeof Format === 'string'
    ? { destinationArn: DestinationArn, format: Format }
    : undefined
}

/** What a stage's variables of the access log are: the event's request context, and what became of the request. */
export type AccessContext = Readonly<Record<string, unknown>>

const VARIABLE = /\$context((?:\.\w+)+)/g

/**
 * The access log of a stage: a line per request, in the stage's own format.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-logging.html
 */
export class AccessLog {
  readonly #group: string
  readonly #log: Log
  readonly #parts: readonly (string | ((context: AccessContext) => unknown))[]

  /** @throws Error for a format that API Gateway refuses */
  constructor({ destinationArn, format }: AccessLogSettings, log: Log) {
    if (!/\$context\.(extendedRequestId|requestId)\b/.test(format))
      throw new Error(`the access log format "${format}" lacks $context.requestId, which it must contain`)
    const bytes = Buffer.byteLength(format)
    if (bytes > MAX_FORMAT_BYTES)
      throw new Error(`the access log format has ${bytes} bytes; expected at most ${MAX_FORMAT_BYTES}`)
    this.#group = groupOf(destinationArn)
    this.#log = log
    const parts: (string | ((context: AccessContext) => unknown))[] = []
    let from = 0
    for (const match of format.matchAll(VARIABLE)) {
      parts.push(format.slice(from, match.index), compileJsonPath(`$${match[1] ?? ''}`))
      from = match.index + match[0].length
    }
    this.#parts = [...parts, format.slice(from)]
  }

  /** Writes a line; what is not known is `-`. */
  write(context: AccessContext): void {
    const line = this.#parts.map((part) => (typeof part === 'string' ? part : textOf(part(context)))).join('')
    this.#log.info(this.#group, line)
  }
}

/** The access logs of stages, by the stage's name. A log whose format API Gateway refuses is reported, and not kept. */
export function accessLogs(
  stages: readonly { readonly name: string; readonly accessLog?: AccessLogSettings | undefined }[],
  { log, source }: { readonly log: Log; readonly source: string },
): ReadonlyMap<string, AccessLog> {
  const logs = new Map<string, AccessLog>()
  for (const { name, accessLog } of stages) {
    if (!accessLog) continue
    try {
      logs.set(name, new AccessLog(accessLog, log))
    } catch (error) {
      log.warn(source, `stage "${name}" keeps no access log: ${(error as Error).message}`)
    }
  }
  return logs
}

function textOf(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** The name in `arn:aws:logs:eu-west-1:123456789012:log-group:name:*` or `arn:aws:firehose:…:deliverystream/name`. */
function groupOf(arn: string): string {
  const [, group] = /:log-group:(.+?)(?::\*)?$/.exec(arn) ?? []
  return group ?? arn.split('/').at(-1) ?? arn
}
