import type { Clock } from '../clock.ts'
import type { Environment, Resource } from '../cloudformation/resource.ts'
import type { Log } from '../log.ts'
import { AccessDeniedError } from './access-denied-error.ts'
import { KeyHolder, concerning, keyHolders, sessionOf } from './access-keys.ts'
import type { HttpMessage } from './canonical-request.ts'
import { contextOf } from './context.ts'
import { type Credentials, sessionCredentials } from './credentials.ts'
import { type Denial, evaluate } from './evaluation.ts'
import { grantFor, serviceGrantFor } from './grants.ts'
import { type Identity, type Permissions, identities, importedRoles, tagsOf } from './identities.ts'
import { nearMiss } from './near-miss.ts'
import type { Statement } from './policy.ts'
import type { Principal, ServiceCaller } from './principal.ts'
import { RefusedError } from './refused-error.ts'
import { functionArn, resourcePolicies } from './resource-policies.ts'
import { Signer, headerOf, readSignature } from './signature.ts'
import type { ContextValue } from './variables.ts'

export interface IamOptions {
  readonly resources: readonly Resource[]
  readonly environment: Environment
  /** Whether callers may sign for any Region, as where the app leaves its Region open. @default false */
  readonly isRegionOpen?: boolean
  readonly clock: Clock
  /** Of those who sign: a signature is fresh if it is by any of them. @default `clock` alone */
  readonly signersClocks?: readonly Clock[]
  readonly log: Log
}

/** A request and where it came from: an `IncomingMessage` is one. */
export interface IncomingCall extends HttpMessage {
  readonly socket: { readonly remoteAddress?: string | undefined }
}

/** Who made a call, and the request that it came with, for conditions to look at. */
export interface Caller {
  readonly principal: Principal
  readonly accessKeyId: string
  readonly request: IncomingCall
}

/** What a call is about to do. */
export interface Access {
  /** `dynamodb:PutItem` */
  readonly action: string
  readonly resource: string
  /** The resource whose own policy has a say. @default `resource` */
  readonly owner?: string
  /** Condition keys of the service, in lower case. */
  readonly keys?: Readonly<Record<string, ContextValue>>
}

/** How to go on without all of this. */
const OFF = '--iam off switches the checks off'

const NOBODY: Permissions = { identity: [], boundary: undefined }

/** The account's identities and policies: says who called, and whether they may. */
export class Iam {
  readonly #options: IamOptions
  readonly #signer = new Signer()
  readonly #said = new Set<string>()
  #holders = new Map<string, KeyHolder>()
  #functions: ReadonlyMap<string, KeyHolder> = new Map()
  #roles: ReadonlyMap<string, Identity> = new Map()
  #resourcePolicies: ReadonlyMap<string, readonly Statement[]> = new Map()
  #tags: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map()

  /** @throws Error naming a policy of the template that can't be read */
  constructor(options: IamOptions) {
    this.#options = options
    this.update(options.resources)
  }

  /**
   * Judges by the policies of these resources from now on.
   * @throws Error naming a policy of the template that can't be read; nothing has changed then
   */
  update(template: readonly Resource[]): void {
    const { environment } = this.#options
    const onUnknown = (what: string) =>
      this.#sayOnce(`${what} can not be judged here: it allows nothing, and where it denies, it denies`)
    const imported = importedRoles(template)
    for (const { arn } of imported)
      this.#sayOnce(
        `the role ${arn} is not in the template: whoever has it may do what the template attaches to it, and nothing ` +
          `else; ${OFF}`,
      )
    const resources = [...template, ...imported]
    const found = identities(resources, onUnknown)
    const holders = keyHolders(resources, found, environment)
    const policies = resourcePolicies(resources, environment, onUnknown)
    this.#roles = new Map(found.map((identity) => [identity.arn, identity]))
    this.#holders = new Map(holders.map((holder) => [holder.credentials.accessKeyId, holder]))
    this.#functions = new Map(holders.map((holder) => [holder.principal.functionArn ?? '', holder]))
    this.#resourcePolicies = policies
    this.#tags = new Map(resources.map((resource) => [resource.arn, tagsOf(resource)]))
  }

  /**
   * Who signed a request.
   * @param service the signing name, such as `dynamodb`
   * @throws RefusedError when nobody did, or not well
   */
  authenticate(request: IncomingCall, body: string | Uint8Array, service: string): Caller {
    const { environment, isRegionOpen = false, clock, signersClocks = [clock] } = this.#options
    const region = isRegionOpen ? undefined : environment.region
    const times = signersClocks.map((each) => each.now())
    const signature = readSignature(request, { region, service }, times)
    const { accessKeyId } = signature
    const holder = this.#holders.get(accessKeyId)
    if (!holder || holder.credentials.sessionToken !== signature.sessionToken)
      throw new RefusedError('UnrecognizedClient', 'The security token included in the request is invalid.')
    if (
      this.#signer.sign(request, body, signature, holder.credentials.secretAccessKey) !== signature.signature
    )
      throw new RefusedError(
        'InvalidSignature',
        'The request signature we calculated does not match the signature you provided. ' +
          'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
      )
    return { principal: holder.principal, accessKeyId, request }
  }

  /** @throws AccessDeniedError, after telling the developer what is missing */
  authorize({ principal, accessKeyId, request }: Caller, access: Access): void {
    const { action, resource } = access
    const permissions = this.#holders.get(accessKeyId)?.concerning(action) ?? NOBODY
    const denial = this.#decide(principal, permissions, access, request)
    if (!denial) return
    this.#sayOnce(explanation(principal, access, denial, permissions))
    throw new AccessDeniedError(principal.arn, action, resource, denial)
  }

  /**
   * Whether the role of a function may do something: asked by those who act for the function.
   * @param target name or ARN
   */
  mayFunction(target: string, access: Access): boolean {
    const holder = this.#functions.get(
      functionArn(target, this.#options.environment).replace(/(:function:[^:]+):.*/, '$1'),
    )
    return holder !== undefined && !this.#decide(holder.principal, holder.concerning(access.action), access)
  }

  /**
   * Whether a service may invoke a function for one of its resources.
   * @param target name or ARN, with its qualifier, where it is invoked by one
   * @param credentialsArn the role that it invokes with, where it was given one
   */
  mayInvoke(caller: ServiceCaller, target: string, credentialsArn?: string): boolean {
    const resource = functionArn(target, this.#options.environment)
    return this.mayAct(caller, { action: 'lambda:InvokeFunction', resource }, credentialsArn)
  }

  /**
   * Whether a service may do something for one of its resources: by the policy of what it is done to, or by a role that it
   * was given. Says aloud when it may not.
   * @param credentialsArn the role
   */
  mayAct(caller: ServiceCaller, access: Access, credentialsArn?: string): boolean {
    const isAllowed =
      credentialsArn === undefined
        ? !this.#decide(caller, NOBODY, access)
        : this.#mayAs(this.#roles.get(credentialsArn), caller, access)
    const { service, sourceArn } = caller
    const { action, resource } = access
    if (!isAllowed)
      this.#sayOnce(
        `${service} may not ${action} on ${resource} for ${sourceArn}: ` +
          (credentialsArn === undefined
            ? serviceGrantFor(action, service, sourceArn)
            : `${credentialsArn} has to be a role of the template that trusts the service and allows ${action}`) +
          `; ${OFF}`,
      )
    return isAllowed
  }

  /**
   * Takes on a role for a service that signs its calls with it.
   * @returns undefined for a role that is not in the template or does not trust the service, which is said aloud
   */
  assume(caller: ServiceCaller, roleArn: string, sessionName: string): Credentials | undefined {
    const role = this.#roles.get(roleArn)
    if (!role || !this.#trusts(role, caller)) {
      this.#sayOnce(
        `${caller.service} may not take on ${roleArn} for ${caller.sourceArn}: it has to be a role of the template that ` +
          'trusts the service',
      )
      return undefined
    }
    const credentials = sessionCredentials(role.arn, sessionName)
    if (!this.#holders.has(credentials.accessKeyId)) {
      const session = sessionOf(role, this.#options.environment, sessionName)
      this.#holders.set(credentials.accessKeyId, new KeyHolder(credentials, session, role))
    }
    return credentials
  }

  #trusts(role: Identity, caller: ServiceCaller): boolean {
    const assuming = { action: 'sts:AssumeRole', resource: role.arn }
    const trust = role.trust.filter((statement) => statement.concernsAction(assuming.action))
    return !evaluate({ ...NOBODY, resource: trust }, caller, role.arn, this.#contextOf(caller, assuming))
  }

  #mayAs(role: Identity | undefined, caller: ServiceCaller, access: Access): boolean {
    if (!role || !this.#trusts(role, caller)) return false
    const session = sessionOf(role, this.#options.environment, caller.service)
    return !this.#decide(session, concerning(role, access.action), access)
  }

  #decide(
    caller: Principal | ServiceCaller,
    permissions: Permissions,
    access: Access,
    request?: IncomingCall,
  ): Denial | undefined {
    const { action, resource, owner = resource } = access
    const own = this.#resourcePolicies.get(owner)?.filter((statement) => statement.concernsAction(action))
    return evaluate(
      { ...permissions, resource: own ?? [] },
      caller,
      resource,
      this.#contextOf(caller, access, request),
    )
  }

  #contextOf(caller: Principal | ServiceCaller, access: Access, request?: IncomingCall) {
    const { environment, clock } = this.#options
    return contextOf({
      caller,
      environment,
      now: clock.now(),
      sourceIp: request?.socket.remoteAddress?.replace(/^::ffff:/, ''),
      header: (name) => request && headerOf(request, name),
      resourceTags: this.#tags.get(access.owner ?? access.resource) ?? {},
      keys: access.keys ?? {},
    })
  }

  #sayOnce(text: string): void {
    if (this.#said.has(text)) return
    this.#said.add(text)
    this.#options.log.warn('iam', text)
  }
}

/** One line for the developer: who may not do what, why, and what would change that. */
function explanation(
  { arn, identityArn, functionArn }: Principal,
  { action, resource }: Access,
  { by, isExplicit }: Denial,
  { identity, boundary = [] }: Permissions,
): string {
  const who = functionArn?.split(':').at(-1) ?? arn
  const place = resource.replace(/\/@connections\/.*$/, '/@connections/*')
  const policy = {
    identity: `policy of ${identityArn}`,
    boundary: `permissions boundary of ${identityArn}`,
    resource: `policy of the resource`,
  }[by]
  const why = isExplicit ? `the ${policy} denies it` : `no ${policy} allows it`
  const near = isExplicit ? undefined : nearMiss(by === 'boundary' ? boundary : identity, place)
  const advice = by === 'identity' && !isExplicit ? grantFor(action, place) : undefined
  const clauses = [why, near, advice, OFF].filter((clause) => clause !== undefined)
  return `${who} may not ${action} on ${place}: ${clauses.join('; ')}`
}
