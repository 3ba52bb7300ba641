/** An error as SSM words it; all of these are answered with 400. */
export class SsmError extends Error {
  override readonly name = 'SsmError'
  /** `ParameterNotFound` */
  readonly code: string
  constructor(code: string, message = '') {
    super(message)
    this.code = code
  }
}
