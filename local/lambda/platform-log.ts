import type { Clock } from '../clock.ts'
import type { InvocationReport } from './environment-watcher.ts'

export interface PlatformLogOptions {
  readonly isJson: boolean
  /** What is lighter is left out of logs in JSON. */
  readonly level: 'DEBUG' | 'INFO' | 'WARN'
  readonly memoryMb: number
  /** `nodejs24.x` */
  readonly runtime: string
  readonly version: string
  readonly clock: Clock
  readonly write: (line: string, requestId: string | undefined) => void
}

const WEIGHTS = { DEBUG: 0, INFO: 1, WARN: 2 } as const

/**
 * The lines that Lambda itself writes into a function's log, as text or as JSON:
 * https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
 */
export class PlatformLog {
  readonly #options: PlatformLogOptions

  constructor(options: PlatformLogOptions) {
    this.#options = options
  }

  initStart(): void {
    const { runtime, version } = this.#options
    const runtimeVersion = `${runtime.replace(/^nodejs(\d+).*/, 'nodejs:$1')}.v0`
    this.#write(undefined, `INIT_START Runtime Version: ${runtimeVersion}`, 'INFO', 'platform.initStart', {
      initializationType: 'on-demand',
      phase: 'init',
      runtimeVersion,
      functionVersion: version,
    })
  }

  initTimeout(durationMs: number): void {
    const text = `INIT_REPORT Init Duration: ${durationMs.toFixed(2)} ms\tPhase: init\tStatus: timeout`
    this.#write(undefined, text, 'WARN', 'platform.initReport', {
      initializationType: 'on-demand',
      phase: 'init',
      status: 'timeout',
      metrics: { durationMs },
    })
  }

  start(requestId: string): void {
    const { version } = this.#options
    const text = `START RequestId: ${requestId} Version: ${version}`
    this.#write(requestId, text, 'INFO', 'platform.start', { requestId, version })
  }

  timedOut(requestId: string, timeoutMs: number): void {
    // In JSON the report says it alone.
    const seconds = (timeoutMs / 1000).toFixed(2)
    if (!this.#options.isJson)
      this.#options.write(`${this.#time()} ${requestId} Task timed out after ${seconds} seconds\n`, requestId)
  }

  end({ requestId, durationMs, initMs, memoryBytes, status }: InvocationReport): void {
    const { isJson, memoryMb } = this.#options
    const maxMemoryUsedMB = Math.ceil(memoryBytes / 1024 ** 2)
    // Since August 2025 initialization is billed too.
    const billedDurationMs = Math.ceil(durationMs + (initMs ?? 0))
    if (!isJson) this.#options.write(`END RequestId: ${requestId}`, requestId)
    const fields = [
      `REPORT RequestId: ${requestId}`,
      `Duration: ${durationMs.toFixed(2)} ms`,
      `Billed Duration: ${billedDurationMs} ms`,
      `Memory Size: ${memoryMb} MB`,
      `Max Memory Used: ${maxMemoryUsedMB} MB`,
      ...(initMs === undefined ? [] : [`Init Duration: ${initMs.toFixed(2)} ms`]),
      ...(status === 'success' ? [] : [`Status: ${status}`]),
    ]
    this.#write(requestId, fields.join('\t'), 'INFO', 'platform.report', {
      requestId,
      metrics: {
        durationMs,
        billedDurationMs,
        memorySizeMB: memoryMb,
        maxMemoryUsedMB,
        ...(initMs === undefined ? {} : { initDurationMs: initMs }),
      },
      status,
    })
  }

  #time(): string {
    return new Date(this.#options.clock.now()).toISOString()
  }

  #write(
    requestId: string | undefined,
    text: string,
    weight: keyof typeof WEIGHTS,
    type: string,
    record: object,
  ): void {
    const { isJson, level, write } = this.#options
    if (!isJson) write(text, requestId)
    else if (WEIGHTS[weight] >= WEIGHTS[level])
      write(JSON.stringify({ time: this.#time(), type, record }), requestId)
  }
}
