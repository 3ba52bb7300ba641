/** The policy that a Lambda authorizer answers with, as far as it is about `execute-api:Invoke`. */
export interface PolicyDocument {
  readonly Statement: unknown
}

const ACTION = 'execute-api:invoke'

export function isPolicyDocument(value: unknown): value is PolicyDocument {
  return typeof value === 'object' && value !== null && 'Statement' in value
}

/**
 * Whether the policy lets the caller invoke a method, `arn:aws:execute-api:eu-west-1:123456789012:x1y2z3abcd/dev/GET/tasks`:
 * some statement must allow it and none deny it. Conditions are not judged here: an `Allow` with one does not allow, a
 * `Deny` with one denies.
 */
export function policyAllows({ Statement }: PolicyDocument, methodArn: string): boolean {
  const statements = [Statement].flat().filter(isRecord)
  const hits = statements.filter(
    ({ Action, NotAction, Resource, NotResource }) =>
      concerns(Action, NotAction, ACTION, (pattern) => pattern.toLowerCase()) &&
      concerns(Resource, NotResource, methodArn, (pattern) => pattern),
  )
  const isDenied = hits.some(({ Effect }) => Effect === 'Deny')
  return !isDenied && hits.some(({ Effect, Condition }) => Effect === 'Allow' && Condition === undefined)
}

function concerns(
  included: unknown,
  excluded: unknown,
  subject: string,
  normalize: (pattern: string) => string,
): boolean {
  const hit = [included ?? excluded]
    .flat()
    .some((pattern) => typeof pattern === 'string' && matches(normalize(pattern), subject))
  return included === undefined ? excluded !== undefined && !hit : hit
}

/** `*` stands for any characters, `?` for one. */
function matches(pattern: string, subject: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.')
  return new RegExp(`^${source}$`, 's').test(subject)
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
