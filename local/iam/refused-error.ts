/** Why a caller is turned away; services differ in statuses and bodies for these, and some in names. */
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

  /** The name that most services have for it: `AccessDeniedException`. */
  get exception(): `${RefusalReason}Exception` {
    return `${this.reason}Exception`
  }
}
