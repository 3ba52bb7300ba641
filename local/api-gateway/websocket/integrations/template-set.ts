import { type Sources, SelectionExpression } from '../expressions.ts'
import type { Templates } from '../integration-definition.ts'
import { MappingTemplate } from '../mapping-template.ts'

const DEFAULT = '$default'

/** The templates of an integration's request, or of one of its responses, with the expression that selects one. */
export class TemplateSet {
  readonly #expression: SelectionExpression | undefined
  readonly #templates: ReadonlyMap<string, MappingTemplate>

  /** @throws Error for a template that can't be read, naming its key */
  constructor({ expression, templates }: Templates) {
    this.#expression = expression === undefined ? undefined : new SelectionExpression(expression)
    this.#templates = new Map(
      Object.entries(templates).map(([key, source]) => {
        try {
          return [key, new MappingTemplate(source)]
        } catch (cause) {
          throw new Error(`the template "${key}" can not be read: ${(cause as Error).message}`, { cause })
        }
      }),
    )
  }

  get isEmpty(): boolean {
    return this.#templates.size === 0
  }

  /** The template of the key, else `$default`; without an expression the only one there is. */
  select(sources: Sources): MappingTemplate | undefined {
    const key = this.#expression?.select(sources)
    const chosen = key === undefined ? undefined : this.#templates.get(key)
    if (chosen) return chosen
    const [only] = this.#templates.values()
    const isOnly = this.#expression === undefined && this.#templates.size === 1
    return this.#templates.get(DEFAULT) ?? (isOnly ? only : undefined)
  }
}
