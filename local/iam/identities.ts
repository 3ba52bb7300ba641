import { iamId } from '../cloudformation/physical-ids.ts'
import type { Resource } from '../cloudformation/resource.ts'
import { asTexts } from './conditions.ts'
import { isAwsManaged, managedPolicyDocument } from './managed-policies.ts'
import { type OnUnknown, type Statement, compilePolicy } from './policy.ts'

/** What a role or a user may do. */
export interface Permissions {
  /** Of every policy that is attached to it. */
  readonly identity: readonly Statement[]
  /** What it may do at most; undefined without a permissions boundary. */
  readonly boundary: readonly Statement[] | undefined
}

export interface Identity extends Permissions {
  readonly resource: Resource
  readonly arn: string
  readonly name: string
  /** `AROA…` of a role, `AIDA…` of a user. */
  readonly id: string
  readonly tags: Readonly<Record<string, string>>
  /** Who may assume a role. */
  readonly trust: readonly Statement[]
}

/** Inline policies as resources of their own, and the property that names whom they are for. */
const ATTACHED: Readonly<Record<string, readonly string[]>> = {
  'AWS::IAM::Policy': ['Roles', 'Users', 'Groups'],
  'AWS::IAM::ManagedPolicy': ['Roles', 'Users', 'Groups'],
  'AWS::IAM::RolePolicy': ['RoleName'],
  'AWS::IAM::UserPolicy': ['UserName'],
  'AWS::IAM::GroupPolicy': ['GroupName'],
}

type Kind = 'Role' | 'User' | 'Group'

/**
 * The roles and users of the template with all that is attached to them.
 * @param onUnknown told what can't be judged, and which policies are not known here
 * @throws Error naming the policy that can't be read
 */
export function identities(resources: readonly Resource[], onUnknown: OnUnknown): Identity[] {
  const reader = new PolicyReader(resources, onUnknown)
  const of = (type: string) => resources.filter((resource) => resource.type === type)
  const inlineOf = (kind: Kind, name: string) =>
    Object.entries(ATTACHED).flatMap(([type, properties]) =>
      of(type)
        .filter(({ properties: given }) =>
          properties.some((key) => key.startsWith(kind) && asTexts(given[key]).includes(name)),
        )
        .flatMap(({ properties: given, path }) => reader.compile(given['PolicyDocument'], path)),
    )
  const own = (kind: Kind, { path, properties, physicalId }: Resource): Statement[] => [
    ...list(properties['Policies']).flatMap(({ PolicyDocument }) => reader.compile(PolicyDocument, path)),
    ...asTexts(properties['ManagedPolicyArns']).flatMap((arn) => reader.managed(arn, path)),
    ...inlineOf(kind, physicalId),
  ]
  const groups = new Map(of('AWS::IAM::Group').map((group) => [group.physicalId, own('Group', group)]))
  const groupsOf = ({ properties, physicalId }: Resource) => [
    ...asTexts(properties['Groups']),
    ...of('AWS::IAM::UserToGroupAddition')
      .filter((addition) => asTexts(addition.properties['Users']).includes(physicalId))
      .map((addition) => String(addition.properties['GroupName'])),
  ]
  return resources
    .filter(({ type }) => type === 'AWS::IAM::Role' || type === 'AWS::IAM::User')
    .map((resource) => {
      const { type, properties, path, physicalId } = resource
      const kind = type.split('::')[2] as Kind
      const boundary = properties['PermissionsBoundary']
      const trust = properties['AssumeRolePolicyDocument']
      const inherited = kind === 'User' ? groupsOf(resource).flatMap((name) => groups.get(name) ?? []) : []
      return {
        resource,
        name: physicalId,
        arn: resource.arn,
        id: iamId(kind === 'Role' ? 'AROA' : 'AIDA', resource),
        tags: tagsOf(resource),
        identity: [...own(kind, resource), ...inherited],
        boundary: typeof boundary === 'string' ? reader.managed(boundary, path) : undefined,
        trust: trust === undefined ? [] : reader.compile(trust, path),
      }
    })
}

/** The roles that functions have and no template makes, as the CDK's `Role.fromRoleArn`: what is attached to them is known. */
export function importedRoles(resources: readonly Resource[]): Resource[] {
  const own = new Set(resources.filter(({ type }) => type === 'AWS::IAM::Role').map(({ arn }) => arn))
  const arns = resources
    .filter(({ type }) => type === 'AWS::Lambda::Function')
    .map(({ properties }) => roleOf(properties))
  return [...new Set(arns)]
    .filter((arn) => arn !== '' && !own.has(arn))
    .map((arn) => ({
      logicalId: arn,
      type: 'AWS::IAM::Role',
      stack: '',
      path: arn,
      physicalId: arn.split('/').at(-1) ?? arn,
      arn,
      properties: {},
    }))
}

/** The ARN of a function's role; empty without one. */
export const roleOf = ({ Role }: Resource['properties']): string => (typeof Role === 'string' ? Role : '')

/** Compiles each policy once, however many share it. */
class PolicyReader {
  readonly #resources: readonly Resource[]
  readonly #onUnknown: OnUnknown
  readonly #managed = new Map<string, readonly Statement[]>()

  constructor(resources: readonly Resource[], onUnknown: OnUnknown) {
    this.#resources = resources
    this.#onUnknown = onUnknown
  }

  compile(document: unknown, path: string): Statement[] {
    try {
      return compilePolicy(document, (what) => this.#onUnknown(`${path}: ${what}`))
    } catch (cause) {
      throw new Error(`${path}: ${(cause as Error).message}`, { cause })
    }
  }

  managed(arn: string, usedBy: string): readonly Statement[] {
    const known = this.#managed.get(arn)
    if (known) return known
    const statements = this.#compileManaged(arn, usedBy)
    this.#managed.set(arn, statements)
    return statements
  }

  #compileManaged(arn: string, usedBy: string): readonly Statement[] {
    if (isAwsManaged(arn)) {
      const document = managedPolicyDocument(arn)
      if (document) return this.compile(document, arn)
      this.#onUnknown(`${usedBy}: AWS's policy "${arn.split('/').at(-1) ?? ''}"`)
      return []
    }
    const policy = this.#resources.find(
      ({ type, physicalId }) => type === 'AWS::IAM::ManagedPolicy' && physicalId === arn,
    )
    if (policy) return this.compile(policy.properties['PolicyDocument'], policy.path)
    this.#onUnknown(`${usedBy}: the policy "${arn}", which is not in the template,`)
    return []
  }
}

const list = (value: unknown) => (Array.isArray(value) ? (value as Readonly<Record<string, unknown>>[]) : [])

/** Tags as most types have them, a list of `Key` and `Value`, or as some do, an object. */
export function tagsOf({ properties: { Tags } }: Resource): Record<string, string> {
  if (Array.isArray(Tags))
    return Object.fromEntries(
      (Tags as { Key: string; Value: unknown }[]).map(({ Key, Value }) => [Key, String(Value)]),
    )
  return Object.fromEntries(Object.entries(Tags ?? {}).map(([key, value]) => [key, String(value)]))
}
