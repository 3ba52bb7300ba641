/** A number of a JSON text, with the digits that it was written with. */
export class JsonNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Marks a number while it goes through `JSON.parse`; no sensible key begins like this. */
const MARK = '\u0000number'
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g

/**
 * JSON whose numbers are `JsonNumber`s: patterns compare them as they are written.
 * @throws SyntaxError
 */
export function parseJsonKeepingNumbers(text: string): unknown {
  JSON.parse(text) // so that what follows meets well-formed JSON only
  const marked = text.replace(STRING_OR_NUMBER, (token) =>
    token.startsWith('"') ? token : JSON.stringify({ [MARK]: token }),
  )
  return JSON.parse(marked, (_key, value: unknown) => {
    const number =
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[MARK] : undefined
    return typeof number === 'string' ? new JsonNumber(number) : value
  })
}
