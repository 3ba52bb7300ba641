import type { ErrorCode } from '../protocol/errors.ts'

/** Codes of the server, and those that only a client knows. */
export type OpenlineErrorCode =
  | ErrorCode
  /** `close` was called. */
  | 'closed'
  /** The line ended with a close code after which coming back makes no sense. */
  | 'refused'
  /** Offline, and as many publications wait as may. */
  | 'queue_full'
  /** A snapshot could not be read. */
  | 'snapshot_failed'

/** What went wrong for good; whatever may mend itself is tried again and not told. */
export class OpenlineError extends Error {
  override readonly name = 'OpenlineError'
  readonly code: OpenlineErrorCode
  /** Names the request in the server's logs, where there was one. */
  readonly requestId: string | undefined

  constructor(code: OpenlineErrorCode, message: string, requestId?: string) {
    super(message)
    this.code = code
    this.requestId = requestId
  }
}
