import { compileGlob } from './glob.ts'

/** A key of the request whose value nobody here can know. */
export const UNKNOWN = Symbol('unknown')
export type Unknown = typeof UNKNOWN

/** What a request has under a condition key: one value, several, none, or one that is not known here. */
export type ContextValue = string | readonly string[] | undefined | Unknown

/** Looks a condition key up, in lower case: key names know no case. */
export type Lookup = (key: string) => ContextValue

/** A compiled pattern once its variables are filled in; undefined when one of them has no value. */
export type Value = (lookup: Lookup) => string | undefined | Unknown

const VARIABLE = /\$\{([^}]*)\}/

/**
 * Text of a policy with `*`, `?` and policy variables such as `${aws:username}` or `${aws:PrincipalTag/team, 'none'}`:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 * @param hasVariables false in policies of the version 2008-10-17, where `${` is nothing special
 * @param hasWildcards false where the operator takes text as it is
 */
export function compileValue(text: string, hasVariables: boolean, hasWildcards = true): Value {
  const compile = hasWildcards ? compileGlob : (literal: string) => literal
  if (!hasVariables || !VARIABLE.test(text)) {
    const compiled = compile(text)
    return () => compiled
  }
  const parts = text
    .split(VARIABLE)
    .map((part, index): Value => (index % 2 === 1 ? variable(part) : constant(compile(part))))
  return (lookup) => {
    let whole = ''
    for (const part of parts) {
      const value = part(lookup)
      if (typeof value !== 'string') return value
      whole += value
    }
    return whole
  }
}

const constant =
  (text: string): Value =>
  () =>
    text

/** What a value holds counts as it is: its own `*` matches an asterisk. */
function variable(inside: string): Value {
  if (inside === '*' || inside === '?' || inside === '$') return constant(inside)
  const [, name = '', fallback] = /^([^,]*?)\s*(?:,\s*'([^']*)')?\s*$/.exec(inside) ?? []
  const key = name.toLowerCase()
  return (lookup) => {
    const value = lookup(key)
    if (value === UNKNOWN) return UNKNOWN
    return typeof value === 'string' ? value : fallback
  }
}
