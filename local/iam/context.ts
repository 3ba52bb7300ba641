import type { Environment } from '../cloudformation/resource.ts'
import type { Principal, ServiceCaller } from './principal.ts'
import { type ContextValue, type Lookup, UNKNOWN } from './variables.ts'

/** What conditions can ask of a call. */
export interface CallFacts {
  readonly caller: Principal | ServiceCaller
  readonly environment: Environment
  /** Epoch milliseconds. */
  readonly now: number
  readonly sourceIp: string | undefined
  readonly header: (name: string) => string | undefined
  readonly resourceTags: Readonly<Record<string, string>>
  /** The service's own keys, in lower case; a key that is there without a value is known to be absent. */
  readonly keys: Readonly<Record<string, ContextValue>>
}

/** Keys that a call made from a function, or from a laptop with long-term credentials, does not have. */
const ABSENT: ReadonlySet<string> = new Set([
  'aws:calledvia',
  'aws:calledviafirst',
  'aws:calledvialast',
  'aws:federatedprovider',
  'aws:multifactorauthage',
  'aws:multifactorauthpresent',
  'aws:sourceidentity',
  'aws:sourcevpc',
  'aws:sourcevpce',
  'aws:tagkeys',
  'aws:vpcsourceip',
])

/**
 * Answers for the global keys, and for those that the service gives with a call; any other is unknown.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
export function contextOf(facts: CallFacts): Lookup {
  return (key) => {
    if (Object.hasOwn(facts.keys, key)) return facts.keys[key]
    if (ABSENT.has(key) || key.startsWith('aws:requesttag/')) return undefined
    const [prefix = '', tag = ''] = key.split('/')
    if (prefix === 'aws:resourcetag') return taggedWith(facts.resourceTags, tag)
    const global = ofCall(key, facts)
    return global === UNKNOWN ? ofCaller(key, prefix, tag, facts.caller, facts.environment) : global
  }
}

function ofCall(key: string, { environment, now, sourceIp, header }: CallFacts): ContextValue {
  switch (key) {
    case 'aws:currenttime':
      return new Date(now).toISOString()
    case 'aws:epochtime':
      return String(Math.floor(now / 1000))
    case 'aws:referer':
      return header('referer')
    case 'aws:requestedregion':
      return environment.region
    case 'aws:resourceaccount':
      return environment.accountId
    case 'aws:securetransport':
      return 'true' // every endpoint of AWS that is emulated speaks TLS only, and callers here believe they do
    case 'aws:sourceip':
      return sourceIp
    case 'aws:useragent':
      return header('user-agent')
    case 'aws:viaawsservice':
      return 'false'
    default:
      return UNKNOWN
  }
}

function ofCaller(
  key: string,
  prefix: string,
  tag: string,
  caller: Principal | ServiceCaller,
  { accountId }: Environment,
): ContextValue {
  if ('service' in caller) return ofService(key, caller, accountId)
  if (prefix === 'aws:principaltag') return taggedWith(caller.tags, tag)
  switch (key) {
    case 'aws:principalarn':
      return caller.identityArn
    case 'aws:principalaccount':
      return caller.accountId
    case 'aws:principaltype':
      return caller.type
    case 'aws:principalisawsservice':
      return 'false'
    case 'aws:userid':
      return caller.userId
    case 'aws:username':
      return caller.userName
    case 'lambda:sourcefunctionarn':
      return caller.functionArn
    case 'aws:principalservicename':
    case 'aws:principalservicenameslist':
    case 'aws:sourceaccount':
    case 'aws:sourcearn':
      return undefined
    default:
      return UNKNOWN
  }
}

function ofService(key: string, { service, sourceArn }: ServiceCaller, accountId: string): ContextValue {
  switch (key) {
    case 'aws:sourcearn':
      return sourceArn
    case 'aws:sourceaccount':
      return accountId
    case 'aws:principalisawsservice':
      return 'true'
    case 'aws:principalservicename':
    case 'aws:principalservicenameslist':
      return service
    default:
      return UNKNOWN
  }
}

/** Names of tags know no case in conditions. */
const taggedWith = (tags: Readonly<Record<string, string>>, wanted: string) =>
  Object.entries(tags).find(([name]) => name.toLowerCase() === wanted)?.[1]
