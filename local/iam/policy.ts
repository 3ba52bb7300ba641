import { type ArnPattern, compileArn, matchesArn } from './arn-pattern.ts'
import { type Condition, asTexts, compileConditions, holdTogether } from './conditions.ts'
import { compileGlob, matchesGlob } from './glob.ts'
import { type PrincipalPattern, compilePrincipals } from './principal-pattern.ts'
import { type Ternary, some } from './ternary.ts'
import { type Lookup, UNKNOWN, type Unknown } from './variables.ts'

/** A statement of a policy, ready to be asked. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny'
  /** Who it is about, in a policy of a resource; undefined in a policy of an identity. */
  readonly principals: PrincipalPattern | undefined
  /** The resources that it names, as the policy has them; none where it says `NotResource`. */
  readonly resources: readonly string[]
  concernsAction(action: string): boolean
  /** Whether it applies to a resource and a request; unknown when one of its conditions is. */
  applies(resource: string, lookup: Lookup): Ternary
}

export type OnUnknown = (what: string) => void

/**
 * Compiles a policy document: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
 * @param document the object, or its JSON text
 * @param onUnknown told once for each thing that nobody here can judge
 * @throws Error saying what is wrong with the document
 */
export function compilePolicy(document: unknown, onUnknown: OnUnknown = () => undefined): Statement[] {
  const parsed: unknown = typeof document === 'string' ? JSON.parse(document) : document
  const { Version, Statement: statements } = asObject(parsed, 'the policy document')
  const hasVariables = Version === '2012-10-17'
  const list: unknown[] = Array.isArray(statements) ? statements : [statements]
  return list.map((statement) =>
    compileStatement(asObject(statement, 'a statement'), { hasVariables, onUnknown }),
  )
}

function compileStatement(
  statement: Readonly<Record<string, unknown>>,
  options: { readonly hasVariables: boolean; readonly onUnknown: OnUnknown },
): Statement {
  const { Effect, Action, NotAction, Resource, NotResource, Condition } = statement
  if (Effect !== 'Allow' && Effect !== 'Deny')
    throw new Error(`a statement has the Effect ${JSON.stringify(Effect)}; expected Allow or Deny`)
  if ((Action === undefined) === (NotAction === undefined))
    throw new Error('a statement has neither or both of Action and NotAction; expected one')
  const actions = asTexts(Action ?? NotAction).map((action) => compileGlob(action.toLowerCase()))
  const wantsAction = Action !== undefined
  const resources = asTexts(Resource ?? NotResource).map((arn) => compileResource(arn, options.hasVariables))
  const wantsResource = NotResource === undefined
  const conditions = compileConditions(Condition, options)
  return {
    effect: Effect,
    principals: compilePrincipals(statement),
    resources: asTexts(Resource),
    concernsAction: (action) =>
      actions.some((glob) => matchesGlob(glob, action.toLowerCase())) === wantsAction,
    applies(resource, lookup) {
      // Policies of roles to assume name no resource: they are about the role itself.
      const hit =
        resources.length === 0 ||
        some(resources, (pattern) => pattern === 'any' || matchesArn(pattern, resource, lookup))
      if (hit === UNKNOWN) options.onUnknown('a policy variable in a resource')
      else if (hit !== wantsResource) return false
      return and(hit === UNKNOWN ? UNKNOWN : true, conditions, lookup)
    },
  }
}

function and(resource: true | Unknown, conditions: readonly Condition[], lookup: Lookup): Ternary {
  const held = holdTogether(conditions, lookup)
  return held === true ? resource : held
}

type ResourcePattern = ArnPattern | 'any'

const compileResource = (arn: string, hasVariables: boolean): ResourcePattern =>
  arn === '*' ? 'any' : compileArn(arn, hasVariables)

function asObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw new Error(`${what} is ${value === undefined ? 'missing' : JSON.stringify(value)}; expected an object`)
}

/**
 * What statements say to a request. A `Deny` that can't be judged denies, an `Allow` that can't be judged does not allow:
 * what runs here must not be refused on AWS.
 */
export function verdictOf(
  statements: readonly Statement[],
  resource: string,
  lookup: Lookup,
): 'Allow' | 'Deny' | undefined {
  let verdict: 'Allow' | undefined
  for (const statement of statements) {
    if (statement.effect === 'Allow' && verdict === 'Allow') continue
    const applies = statement.applies(resource, lookup)
    if (statement.effect === 'Deny' && applies !== false) return 'Deny'
    if (statement.effect === 'Allow' && applies === true) verdict = 'Allow'
  }
  return verdict
}
