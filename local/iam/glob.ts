// A pattern as IAM has it: `*` for any characters, none included, `?` for exactly one.

/** What stands for the two wildcards in a compiled pattern: no ARN, action or value holds control characters. */
const ANY = '\u0000'
const ONE = '\u0001'

/** Text that matches itself alone is its own pattern; wildcards become characters that no text has. */
export const compileGlob = (pattern: string): string => pattern.replaceAll('*', ANY).replaceAll('?', ONE)

/** Whether a text matches a compiled pattern as a whole. Takes time in proportion to both lengths at worst. */
export function matchesGlob(glob: string, text: string): boolean {
  let g = 0
  let t = 0
  let anyAt = -1
  let resumeAt = 0
  while (t < text.length) {
    if (g < glob.length && (glob[g] === text[t] || glob[g] === ONE)) {
      g++
      t++
    } else if (glob[g] === ANY) {
      anyAt = g++
      resumeAt = t
    } else if (anyAt !== -1) {
      g = anyAt + 1
      t = ++resumeAt
    } else return false
  }
  while (glob[g] === ANY) g++
  return g === glob.length
}
