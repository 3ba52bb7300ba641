import { format } from 'node:util'
import { errorAsJson, ownFields } from './errors.ts'
import type { LogLine } from './protocol.ts'

/** In the order of their weight. */
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const
type Level = (typeof LEVELS)[number]

const METHODS = {
  trace: 'TRACE',
  debug: 'DEBUG',
  log: 'INFO',
  info: 'INFO',
  warn: 'WARN',
  error: 'ERROR',
  fatal: 'FATAL',
} as const satisfies Record<string, Level>

/** Which invocation a line belongs to. */
export interface LogSubject {
  readonly requestId: string
  readonly tenantId?: string | undefined
  /** `performance.now()` */
  readonly begun: number
}

export interface RuntimeLogOptions {
  readonly post: (line: LogLine) => void
  readonly subject: () => LogSubject | undefined
}

/**
 * Takes over `console` and the standard streams: lines as the runtime writes them, with time, request id and level, or
 * as JSON where the function's `LoggingConfig` says so. They are sent as messages, so that freezing loses none.
 * https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
 */
export class RuntimeLog {
  readonly #options: RuntimeLogOptions
  readonly #isJson = process.env['AWS_LAMBDA_LOG_FORMAT']?.toUpperCase() === 'JSON'

  constructor(options: RuntimeLogOptions) {
    this.#options = options
    const least = LEVELS.indexOf((process.env['AWS_LAMBDA_LOG_LEVEL'] ?? 'TRACE').toUpperCase() as Level)
    const methods = console as unknown as Record<string, (...args: unknown[]) => void>
    for (const [method, level] of Object.entries(METHODS))
      methods[method] = LEVELS.indexOf(level) < least ? () => undefined : (...args) => this.#say(level, args)
    for (const stream of [process.stdout, process.stderr])
      stream.write = (chunk: Uint8Array | string, ...rest: unknown[]) => {
        const text = Buffer.from(chunk as string)
          .toString()
          .replace(/\n$/, '')
        this.#post(text, { level: '', text })
        const done = rest.find((each) => typeof each === 'function') as (() => void) | undefined
        if (done) process.nextTick(done)
        return true
      }
  }

  /** A failure as the runtime itself writes it down: `Invoke Error`, `Uncaught Exception`. */
  error(title: string, thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    const args = this.#isJson ? [error] : [title, `\t${errorAsJson(thrown)}`]
    this.#post(this.#frame('ERROR', args), undefined)
  }

  #say(level: Level, args: unknown[]): void {
    this.#post(this.#frame(level, args), { level, text: format(...args) })
  }

  #post(framed: string, said: LogLine['said']): void {
    const { post, subject } = this.#options
    const begun = subject()?.begun
    post({
      type: 'log',
      framed,
      said,
      elapsedMs: begun === undefined ? undefined : performance.now() - begun,
    })
  }

  #frame(level: Level, args: unknown[]): string {
    const timestamp = new Date().toISOString()
    const { requestId, tenantId } = this.#options.subject() ?? {}
    if (!this.#isJson) return [timestamp, String(requestId), level, format(...args)].join('\t')
    const entry = { timestamp, level, requestId, ...(tenantId === undefined ? {} : { tenantId }) }
    return args.length === 1 ? jsonOfOne(entry, args[0]) : jsonOfMany(entry, args)
  }
}

/** A single argument stays the object that it is. */
function jsonOfOne(entry: object, message: unknown): string {
  try {
    return JSON.stringify({ ...entry, message }, (_key, value: unknown) =>
      value instanceof Error ? { ...errorFields(value), ...ownFields(value) } : value,
    )
  } catch {
    return JSON.stringify({ ...entry, message: format(message) }) // circular, or a BigInt in it
  }
}

/** Several become text; the first error among them is told apart. */
function jsonOfMany(entry: object, args: unknown[]): string {
  const error = args.find((arg) => arg instanceof Error)
  return JSON.stringify({ ...entry, message: format(...args), ...(error ? errorFields(error) : {}) })
}

const errorFields = (error: Error) => ({
  errorType: error.constructor.name,
  errorMessage: error.message,
  stackTrace: error.stack?.split('\n') ?? [],
})
