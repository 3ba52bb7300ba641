/** Words of DynamoDB's expressions that stand where an attribute's name could: operators, clauses, functions are told by their `(`. */
const WORDS: ReadonlySet<string> = new Set([
  'AND',
  'OR',
  'NOT',
  'IN',
  'BETWEEN',
  'SET',
  'REMOVE',
  'ADD',
  'DELETE',
])

/** A path's first name, what follows it in the path, and whether a `(` makes a function of it. */
const NAME = /(?<![:.\w#])([#A-Za-z_][\w-]*)((?:\.[#\w-]+|\[\d+\])*)\s*(\()?/g

/**
 * The top-level attributes that an expression of any kind names: `SET #a.b = :c` names what `#a` stands for.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
 */
export function attributesIn(expression: unknown, names: Readonly<Record<string, string>>): string[] {
  if (typeof expression !== 'string') return []
  return [...expression.matchAll(NAME)].flatMap(([, name = '', , isFunction]) => {
    if (isFunction !== undefined || WORDS.has(name.toUpperCase())) return []
    return [name.startsWith('#') ? (names[name] ?? name) : name]
  })
}

/** The value that a key condition sets an attribute equal to, as `{"S":"a"}`. */
export function equalTo(
  expression: string,
  attribute: string,
  names: Readonly<Record<string, unknown>>,
  values: Readonly<Record<string, unknown>>,
): unknown {
  for (const [, name = '', value = ''] of expression.matchAll(/([#\w.-]+)\s*=\s*(:\w+)/g))
    if ((names[name] ?? name) === attribute) return values[value]
  return undefined
}
