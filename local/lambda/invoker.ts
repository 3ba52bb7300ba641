/** What an invocation gives back, as the Invoke API says it: the HTTP status is 200 even when the function failed. */
export interface InvokeResult {
  /** The reply or the error object as JSON text; empty when the handler gave `undefined`. */
  readonly payload: string
  /** Present when the function threw, timed out, exited or could not be loaded. */
  readonly functionError?: 'Unhandled'
  /** `$LATEST`, or the number of the version that ran. */
  readonly executedVersion?: string
  /** The last 4 KB of what the invocation logged, when that was asked for. */
  readonly logTail?: string
}

/** What an invocation may bring with it beside the event. */
export interface InvokeOptions {
  /** Version or alias, where the target does not name one. */
  readonly qualifier?: string | undefined
  /** JSON text, decoded from the header `X-Amz-Client-Context`. */
  readonly clientContext?: string | undefined
  readonly tenantId?: string | undefined
  readonly requestId?: string
  readonly traceId?: string | undefined
  readonly wantsLogTail?: boolean
}

/** The function has no free concurrency: the Invoke API's 429 `TooManyRequestsException`. */
export class FunctionThrottledError extends Error {
  override readonly name = 'TooManyRequestsException'
}

/** No function has that name or ARN: the Invoke API's 404 `ResourceNotFoundException`. */
export class FunctionNotFoundError extends Error {
  override readonly name = 'ResourceNotFoundException'
}

/** How the other emulators reach functions. `target` is a name, an ARN or an ARN with qualifier. */
export interface FunctionInvoker {
  /**
   * Synchronous invocation; resolves with the function's reply or function error.
   * @param event anything that JSON can carry; it is serialized before the function sees it
   * @throws FunctionThrottledError, FunctionNotFoundError
   */
  invoke(target: string, event: unknown, options?: InvokeOptions): Promise<InvokeResult>
  /**
   * Asynchronous invocation (`InvocationType: Event`): accepted at once, tried up to three times, then handed to the
   * function's dead-letter queue and failure destination; its success goes to the success destination.
   * @throws FunctionNotFoundError
   */
  invokeAsync(target: string, event: unknown, options?: InvokeOptions): void
}
