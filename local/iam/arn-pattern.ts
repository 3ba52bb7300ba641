import { matchesGlob } from './glob.ts'
import type { Ternary } from './ternary.ts'
import { type Lookup, UNKNOWN, type Value, compileValue } from './variables.ts'

/** `arn`, partition, service, Region, account, resource. */
const COMPONENTS = 6

/** A pattern of ARNs: each component is matched by itself, and only the last one's wildcards go past a colon. */
export type ArnPattern = readonly Value[]

/** Components that are left out match anything: `arn:aws:sqs` means every queue. */
export function compileArn(pattern: string, hasVariables: boolean): ArnPattern {
  const components = splitArn(pattern)
  while (components.length < COMPONENTS) components.push('*')
  return components.map((component) => compileValue(component, hasVariables))
}

export function matchesArn(pattern: ArnPattern, arn: string, lookup: Lookup): Ternary {
  const components = splitArn(arn)
  let result: Ternary = true
  for (const [index, value] of pattern.entries()) {
    const glob = value(lookup)
    if (glob === UNKNOWN) result = UNKNOWN
    else if (glob === undefined || !matchesGlob(glob, components[index] ?? '')) return false
  }
  return result
}

/** At its first five colons, those inside of `${…}` left out. */
export function splitArn(text: string): string[] {
  const components: string[] = []
  let start = 0
  let depth = 0
  for (let i = 0; i < text.length && components.length < COMPONENTS - 1; i++) {
    if (text[i] === '{' && text[i - 1] === '$') depth++
    else if (text[i] === '}' && depth > 0) depth--
    else if (text[i] === ':' && depth === 0) {
      components.push(text.slice(start, i))
      start = i + 1
    }
  }
  return [...components, text.slice(start)]
}
