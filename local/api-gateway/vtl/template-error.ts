/** A template that can't be read, or that fails as it runs; says where. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'

  /** @param offset into the source, in UTF-16 units */
  constructor(problem: string, source: string, offset: number, options?: ErrorOptions) {
    super(`${placeOf(source, offset)}: ${problem}`, options)
  }
}

/** `line 3, column 14` */
export function placeOf(source: string, offset: number): string {
  const before = source.slice(0, offset).split('\n')
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
}
