/** Why a caller is turned away; each service has its own names, statuses and bodies for these. */
export type RefusalReason =
  | 'MissingAuthenticationToken'
  | 'IncompleteSignature'
  | 'InvalidSignature'
  | 'UnrecognizedClient'
  | 'AccessDenied'

/** A call that is not signed, not signed well, or not allowed. The message is AWS's and goes to the caller. */
export class RefusedError extends Error {
  override readonly name: string = 'RefusedError'
  readonly reason: RefusalReason
  constructor(reason: RefusalReason, message: string) {
    super(message)
    this.reason = reason
  }
}
