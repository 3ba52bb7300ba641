import type { LogLine } from './runtime/protocol.ts'

/** Who is told what happens in an execution environment. */
export interface EnvironmentWatcher {
  onLog(line: LogLine, requestId: string | undefined): void
  /** A failure in the developer's code, by its stack where it has one. */
  onError(stack: string, requestId: string | undefined, elapsedMs: number): void
  /** The handler could not be loaded. */
  onInitError(stack: string): void
  /** Loading took too long, and is done once more by the first invocation. */
  onInitTimeout(): void
  onStart(requestId: string): void
  /** An invocation is over; the next, if there is one, has begun. */
  onEnd(report: InvocationReport): void
}

export interface InvocationReport {
  readonly requestId: string
  readonly durationMs: number
  /** Of the environment's first invocation only: how long the handler took to load. */
  readonly initMs: number | undefined
  /** The most that was seen so far. */
  readonly memoryBytes: number
  readonly status: 'success' | 'error' | 'timeout'
}
