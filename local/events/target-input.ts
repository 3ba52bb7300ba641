/** What a target gets instead of the event, or the event itself. */
export type TargetInput =
  | { readonly type: 'event' }
  /** JSON text of a rule. */
  | { readonly type: 'constant'; readonly text: string }
  /** JSON text of a schedule, whose `<aws.scheduler.…>` are replaced as they stand. */
  | { readonly type: 'attributes'; readonly text: string }
  /** `$.detail` */
  | { readonly type: 'path'; readonly path: string }
  | {
      readonly type: 'transformer'
      readonly paths: Readonly<Record<string, string>>
      readonly template: string
    }

/** The `<aws.events.…>` or `<aws.scheduler.…>` variables of one occasion, by name without the brackets. */
export type ContextVariables = Readonly<Record<string, unknown>>

/**
 * What the target is invoked with.
 * @throws Error when the result is not JSON, or a path is not one that EventBridge knows
 */
export function targetEvent(input: TargetInput, event: unknown, context: ContextVariables): unknown {
  switch (input.type) {
    case 'event':
      return event
    case 'constant':
      return parse(input.text)
    case 'attributes':
      return parse(
        input.text.replace(/<([\w.-]+)>/g, (token, name: string) =>
          Object.hasOwn(context, name) ? String(context[name]) : token,
        ),
      )
    case 'path':
      return valueAt(event, input.path)
    case 'transformer': {
      const variables = Object.fromEntries(
        Object.entries(input.paths).map(([name, path]) => [name, valueAt(event, path)]),
      )
      return parse(fill(input.template, { ...context, ...variables }))
    }
  }
}

/**
 * Puts values into a template of JSON: inside a string as text, elsewhere as JSON, so that `{"id": <id>}` and
 * `"the id is <id>"` both come out right. A variable without a value is empty text or null; `<words>` that are no variable stay.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
 */
function fill(template: string, variables: ContextVariables): string {
  let inString = false
  return template.replace(/\\.|"|<([\w.-]+)>/g, (token, name: string | undefined) => {
    if (token === '"') inString = !inString
    if (name === undefined || !Object.hasOwn(variables, name)) return token
    const value = variables[name]
    if (!inString) return JSON.stringify(value ?? null)
    const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
    return JSON.stringify(text).slice(1, -1)
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error(`the input is not JSON: ${text}`, { cause })
  }
}

/** `$`, `$.detail.items[0].id`; undefined where there is nothing. @throws Error for any other path */
export function valueAt(event: unknown, path: string): unknown {
  const steps = path.slice(1).match(/\.[\w-]+|\[\d+\]/g) ?? []
  if (!path.startsWith('$') || steps.join('') !== path.slice(1)) {
    throw new Error(`invalid JSON path "${path}"; expected a path such as $.detail.items[0].id`)
  }
  return steps.reduce<unknown>((value, step) => {
    if (typeof value !== 'object' || value === null) return undefined
    const key = step.startsWith('.') ? step.slice(1) : step.slice(1, -1)
    return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
  }, event)
}
