/**
 * Where the parts of a stack write what they have to say. A line belongs to a source: a function's name, an API's
 * logical id, `dynamodb`, `stack`. What goes to the screen and what to the file is decided by whoever makes the log.
 */
export interface Log {
  /** Detail: written to the log file. */
  info(source: string, text: string): void
  /** Something the developer should see now: on the screen too. */
  warn(source: string, text: string): void
  /** A failure in the developer's code or configuration: on the screen too. */
  error(source: string, text: string): void
}

export const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }
