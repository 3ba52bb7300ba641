/** Something that a function said, for whoever develops it. */
export interface FunctionOutput {
  readonly functionName: string
  /** Undefined while the handler loads. */
  readonly requestId: string | undefined
  /** Since the invocation began. */
  readonly elapsedMs: number | undefined
  /** `INFO`, `ERROR`; empty for what went to a standard stream. */
  readonly level: string
  readonly text: string
}
