import type { Resource } from '../../cloudformation/resource.ts'
import { MAX_INTEGRATION_TIMEOUT_MS, MIN_INTEGRATION_TIMEOUT_MS } from './limits.ts'
import { type ParameterMapping, parseMappings } from './parameter-mapping.ts'
import { functionArn, record, text } from './properties.ts'
import { SERVICE_ACTIONS, type ServiceAction, isServiceAction } from './service-integration.ts'

export type HttpIntegration = LambdaIntegration | ProxyIntegration | ServiceIntegration | MissingIntegration

interface Mapped {
  readonly timeoutMs: number
  readonly requestMappings: readonly ParameterMapping[]
  /** By status of the integration's response. */
  readonly responseMappings: Readonly<Record<string, readonly ParameterMapping[]>>
}

export interface LambdaIntegration extends Mapped {
  readonly type: 'lambda'
  /** A function's ARN; may hold `${stageVariables.name}`. */
  readonly target: string
  readonly payloadFormat: '1.0' | '2.0'
  /** The role that the gateway invokes the function with, where it is not the function's own policy that lets it. */
  readonly credentialsArn?: string
}

export interface ProxyIntegration extends Mapped {
  readonly type: 'proxy'
  /** May hold `{pathParameter}` and `${stageVariables.name}`. */
  readonly url: string
  /** `ANY` passes the client's method on. */
  readonly method: string
}

export interface ServiceIntegration extends Mapped {
  readonly type: 'service'
  readonly action: ServiceAction
  /** Of the action, each a value as parameter mappings have them: `{"MessageBody":"$request.body"}`. */
  readonly parameters: Readonly<Record<string, string>>
  /** The role that the gateway calls the service with. */
  readonly credentialsArn?: string
}

/** Stands for what is not emulated: whoever calls it is told why. */
export interface MissingIntegration extends Mapped {
  readonly type: 'missing'
  readonly reason: string
}

const UNMAPPED = { requestMappings: [], responseMappings: {} } as const

export const missingIntegration = (reason: string): MissingIntegration => ({
  type: 'missing',
  reason,
  timeoutMs: MAX_INTEGRATION_TIMEOUT_MS,
  ...UNMAPPED,
})

/** What quick create makes of an API's `Target`. */
export function quickIntegration(target: string, credentialsArn?: string): HttpIntegration {
  const common = { timeoutMs: MAX_INTEGRATION_TIMEOUT_MS, ...UNMAPPED }
  return target.startsWith('arn:')
    ? {
        ...common,
        type: 'lambda',
        target: functionArn(target),
        payloadFormat: '2.0',
        ...(credentialsArn === undefined ? {} : { credentialsArn }),
      }
    : { ...common, type: 'proxy', url: target, method: 'ANY' }
}

/** @throws Error for one that AWS refuses, or that is not emulated */
export function defineIntegration({ path, properties }: Resource): HttpIntegration {
  if (properties['ConnectionType'] === 'VPC_LINK')
    throw new Error(`integration "${path}" goes through a VPC link, which is not emulated`)
  const timeoutMs = Number(properties['TimeoutInMillis'] ?? MAX_INTEGRATION_TIMEOUT_MS)
  if (!(timeoutMs >= MIN_INTEGRATION_TIMEOUT_MS && timeoutMs <= MAX_INTEGRATION_TIMEOUT_MS))
    throw new Error(
      `integration "${path}" has the TimeoutInMillis "${String(properties['TimeoutInMillis'])}"; ` +
        `expected ${MIN_INTEGRATION_TIMEOUT_MS} to ${MAX_INTEGRATION_TIMEOUT_MS}`,
    )
  const uri = text(properties['IntegrationUri']) ?? ''
  const type = text(properties['IntegrationType']) ?? ''
  const subtype = text(properties['IntegrationSubtype'])
  const credentialsArn = text(properties['CredentialsArn'])
  const credentials = credentialsArn === undefined ? {} : { credentialsArn }
  const parameters = record(properties['RequestParameters'])
  const responseMappings = defineResponseMappings(path, properties['ResponseParameters'])
  if (subtype !== undefined) {
    if (!isServiceAction(subtype))
      throw new Error(
        `integration "${path}" has the subtype "${subtype}", which is not emulated; ${SERVICE_ACTIONS.join(', ')} are`,
      )
    const texts = Object.entries(parameters).map(([name, value]) => [name, String(value)])
    return {
      type: 'service',
      action: subtype,
      parameters: Object.fromEntries(texts) as Record<string, string>,
      timeoutMs,
      ...credentials,
      requestMappings: [],
      responseMappings,
    }
  }
  const common = { timeoutMs, requestMappings: defineRequestMappings(path, parameters), responseMappings }
  switch (type) {
    case 'AWS_PROXY': {
      const payloadFormat = text(properties['PayloadFormatVersion']) ?? '1.0'
      if (payloadFormat !== '1.0' && payloadFormat !== '2.0')
        throw new Error(
          `integration "${path}" has the PayloadFormatVersion "${payloadFormat}"; expected 1.0 or 2.0`,
        )
      return { ...common, type: 'lambda', target: functionArn(uri), payloadFormat, ...credentials }
    }
    case 'HTTP_PROXY':
      if (!/^https?:\/\//.test(uri))
        throw new Error(`integration "${path}" has the URI "${uri}"; expected an http or https URL`)
      return { ...common, type: 'proxy', url: uri, method: text(properties['IntegrationMethod']) ?? 'ANY' }
    default:
      throw new Error(`integration "${path}" has the type "${type}"; expected AWS_PROXY or HTTP_PROXY`)
  }
}

function defineRequestMappings(
  path: string,
  parameters: Readonly<Record<string, unknown>>,
): ParameterMapping[] {
  return withPath(path, () => parseMappings('request', Object.entries(parameters)))
}

/** By status: `{"200":{"ResponseParameters":[{"Destination":"append:header.a","Source":"b"}]}}`, or a map in its place. */
function defineResponseMappings(path: string, value: unknown): Record<string, ParameterMapping[]> {
  const entries = Object.entries(record(value)).map(([status, settings]) => {
    const { ResponseParameters: list } = record(settings)
    const mappings = Array.isArray(list)
      ? list.map((item) => [text(record(item)['Destination']) ?? '', record(item)['Source']] as const)
      : Object.entries(record(settings))
    return [status, withPath(path, () => parseMappings('response', mappings))] as const
  })
  return Object.fromEntries(entries)
}

function withPath<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw new Error(`integration "${path}": ${(cause as Error).message}`, { cause })
  }
}
