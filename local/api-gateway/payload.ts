/** A message, or what a backend answers: text that is parsed once, and only when somebody asks. */
export class Payload {
  readonly text: string
  #json: { readonly value: unknown } | undefined

  constructor(text: string) {
    this.text = text
  }

  /** Parsed; undefined for text that is no JSON. Shared by all who ask: not to be changed. */
  get json(): unknown {
    this.#json ??= { value: parseJson(this.text) }
    return this.#json.value
  }
}

/** @returns undefined for text that is no JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // text that is no JSON has no fields to ask for
  }
}
