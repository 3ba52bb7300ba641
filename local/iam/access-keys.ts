import type { Environment, Resource } from '../cloudformation/resource.ts'
import { type Credentials, DEVELOPER, sessionCredentials, userCredentials } from './credentials.ts'
import { type Identity, type Permissions, roleOf } from './identities.ts'
import { managedPolicyDocument } from './managed-policies.ts'
import { type Statement, compilePolicy } from './policy.ts'
import type { Principal } from './principal.ts'

/** Somebody who has credentials, with what they may do sorted by action as actions are asked for. */
export class KeyHolder {
  readonly credentials: Credentials
  readonly principal: Principal
  readonly #permissions: Permissions
  readonly #byAction = new Map<string, Permissions>()

  constructor(credentials: Credentials, principal: Principal, permissions: Permissions) {
    this.credentials = credentials
    this.principal = principal
    this.#permissions = permissions
  }

  concerning(action: string): Permissions {
    const known = this.#byAction.get(action)
    if (known) return known
    const found = concerning(this.#permissions, action)
    this.#byAction.set(action, found)
    return found
  }
}

/** The statements that are about an action. */
export function concerning({ identity, boundary }: Permissions, action: string): Permissions {
  const concerns = (statement: Statement) => statement.concernsAction(action)
  return { identity: identity.filter(concerns), boundary: boundary?.filter(concerns) }
}

/** Everybody who can sign: the developer, every function by its role, every user of the template who has a key. */
export function keyHolders(
  resources: readonly Resource[],
  identities: readonly Identity[],
  environment: Environment,
): KeyHolder[] {
  const functions = resources
    .filter(({ type }) => type === 'AWS::Lambda::Function')
    .flatMap(({ properties, physicalId, arn }) => {
      const role = identities.find((identity) => identity.arn === roleOf(properties))
      if (!role) return []
      const session = sessionOf(role, environment, physicalId)
      const credentials = sessionCredentials(role.arn, physicalId)
      return [new KeyHolder(credentials, { ...session, functionArn: arn }, role)]
    })
  const users = resources
    .filter(({ type, properties }) => type === 'AWS::IAM::AccessKey' && properties['Status'] !== 'Inactive')
    .flatMap((key) => {
      const user = identities.find(
        ({ resource, name }) => resource.type === 'AWS::IAM::User' && name === key.properties['UserName'],
      )
      return user ? [new KeyHolder(userCredentials(key), principalOf(user, environment), user)] : []
    })
  return [developer(environment), ...functions, ...users]
}

function developer({ partition, accountId }: Environment): KeyHolder {
  const name = DEVELOPER.accessKeyId
  const arn = `arn:${partition}:iam::${accountId}:user/${name}`
  const principal = principalOf({ arn, name, id: 'AIDALOCAL', tags: {} }, { accountId })
  const identity = compilePolicy(managedPolicyDocument('policy/AdministratorAccess'))
  return new KeyHolder(DEVELOPER, principal, { identity, boundary: undefined })
}

function principalOf(
  { arn, name, id, tags }: Pick<Identity, 'arn' | 'name' | 'id' | 'tags'>,
  { accountId }: Pick<Environment, 'accountId'>,
): Principal {
  return { type: 'User', arn, identityArn: arn, accountId, userId: id, userName: name, tags }
}

/** A session of a role, by the name of its holder. */
export function sessionOf(
  role: Identity,
  { partition, accountId }: Environment,
  sessionName: string,
): Principal {
  return {
    type: 'AssumedRole',
    arn: `arn:${partition}:sts::${accountId}:assumed-role/${role.name}/${sessionName}`,
    identityArn: role.arn,
    accountId,
    userId: `${role.id}:${sessionName}`,
    tags: role.tags,
  }
}
