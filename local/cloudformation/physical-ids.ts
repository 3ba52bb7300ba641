import { createHash } from 'node:crypto'
import { userCredentials } from '../iam/credentials.ts'
import type { Environment } from './resource.ts'

/** Where a resource stands: enough to name it. */
export interface Identity extends Environment {
  readonly stack: string
  readonly logicalId: string
  readonly type: string
}

export interface PhysicalId {
  /** What `Ref` gives. */
  readonly ref: string
  /** Empty where the type has none. */
  readonly arn: string
  /** What `Fn::GetAtt` gives, by name; undefined for a type that is not emulated, where any name gets made-up text. */
  readonly attributes: Readonly<Record<string, string>> | undefined
}

/** A property that CloudFormation would take as the physical name, such as `TableName`; undefined when it is not set. */
type NameOf = (property: string) => string | undefined

const URL_SUFFIX = 'amazonaws.com'

/** Deterministic text of `length` characters of an alphabet, from a seed. */
function derived(seed: string, length: number, alphabet: string): string {
  const bytes = createHash('sha256').update(seed).digest()
  return Array.from({ length }, (_, i) => alphabet[(bytes[i] ?? 0) % alphabet.length]).join('')
}

const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
const LOWER = 'abcdefghijklmnopqrstuvwxyz0123456789'

const seedOf = ({ stack, logicalId }: Identity) => `${stack}/${logicalId}`

/** `Openline-dev-Tasks8F0C4E2B-1A2B3C4D5E6F`, cut as CloudFormation cuts it. */
function generatedName(id: Identity, maxLength: number): string {
  const suffix = derived(seedOf(id), 12, UPPER)
  const room = maxLength - suffix.length - 1
  return `${`${id.stack}-${id.logicalId}`.slice(0, room)}-${suffix}`
}

/** Ids of API Gateway: ten characters for an API, seven for what belongs to it. */
const gatewayId = (id: Identity, length: number) => derived(seedOf(id), length, LOWER)

type Maker = (id: Identity, name: NameOf) => PhysicalId

const arnOf = (id: Identity, service: string, resource: string) =>
  `arn:${id.partition}:${service}:${id.region}:${id.accountId}:${resource}`

/** IAM has no Regions, and its names may have a path before them. */
const iamArn = (id: Identity, kind: string, name: NameOf, ref: string) =>
  `arn:${id.partition}:iam::${id.accountId}:${kind}${name('Path') ?? '/'}${ref}`

/** The unique id of a role (`AROA`), a user (`AIDA`): what `aws:userid` begins with. */
export const iamId = (prefix: 'AROA' | 'AIDA', { stack, logicalId }: Pick<Identity, 'stack' | 'logicalId'>) =>
  `${prefix}${derived(`${stack}/${logicalId}`, 17, UPPER)}`

/** A type that is only an id to others. */
const plainId =
  (length: number, attribute: string): Maker =>
  (id) => {
    const ref = gatewayId(id, length)
    return { ref, arn: '', attributes: { [attribute]: ref } }
  }

const tableId: Maker = (id, name) => {
  const ref = name('TableName') ?? generatedName(id, 255)
  const arn = arnOf(id, 'dynamodb', `table/${ref}`)
  return {
    ref,
    arn,
    attributes: { Arn: arn, StreamArn: `${arn}/stream/2026-01-01T00:00:00.000`, TableId: ref },
  }
}

/** SQS takes a FIFO queue only with its suffix, which counts in the 80 characters. */
const unnamedQueue = (id: Identity, name: NameOf) =>
  name('FifoQueue') === 'true' ? `${generatedName(id, 75)}.fifo` : generatedName(id, 80)

/** The types that are emulated, or that emulated ones refer to. */
const MAKERS: Readonly<Record<string, Maker>> = {
  'AWS::ApiGatewayV2::Api': (id, name) => {
    const ref = gatewayId(id, 10)
    const scheme = name('ProtocolType') === 'WEBSOCKET' ? 'wss' : 'https'
    const endpoint = `${scheme}://${ref}.execute-api.${id.region}.${URL_SUFFIX}`
    return { ref, arn: '', attributes: { ApiId: ref, ApiEndpoint: endpoint } }
  },
  'AWS::ApiGatewayV2::Stage': (_id, name) => ({
    ref: name('StageName') ?? '$default',
    arn: '',
    attributes: {},
  }),
  'AWS::ApiGatewayV2::Route': plainId(7, 'RouteId'),
  'AWS::ApiGatewayV2::RouteResponse': plainId(7, 'RouteResponseId'),
  'AWS::ApiGatewayV2::Integration': plainId(7, 'IntegrationId'),
  'AWS::ApiGatewayV2::IntegrationResponse': plainId(7, 'IntegrationResponseId'),
  'AWS::ApiGatewayV2::Model': plainId(7, 'ModelId'),
  'AWS::ApiGatewayV2::Deployment': (id) => {
    const ref = gatewayId(id, 6)
    return { ref, arn: '', attributes: { DeploymentId: ref } }
  },
  'AWS::ApiGatewayV2::Authorizer': (id) => {
    const ref = gatewayId(id, 6)
    return { ref, arn: '', attributes: { AuthorizerId: ref } }
  },
  // Not emulated, but JWT authorizers name them as issuer and audience.
  'AWS::Cognito::UserPool': (id) => {
    const ref = `${id.region}_${derived(seedOf(id), 9, UPPER + LOWER)}`
    const arn = arnOf(id, 'cognito-idp', `userpool/${ref}`)
    const name = `cognito-idp.${id.region}.${URL_SUFFIX}/${ref}`
    return {
      ref,
      arn,
      attributes: { Arn: arn, ProviderName: name, ProviderURL: `https://${name}`, UserPoolId: ref },
    }
  },
  'AWS::Cognito::UserPoolClient': (id) => ({
    ref: derived(seedOf(id), 26, LOWER),
    arn: '',
    attributes: undefined,
  }),
  'AWS::DynamoDB::Table': tableId,
  'AWS::DynamoDB::GlobalTable': tableId,
  'AWS::Lambda::Function': (id, name) => {
    const ref = name('FunctionName') ?? generatedName(id, 64)
    const arn = arnOf(id, 'lambda', `function:${ref}`)
    return { ref, arn, attributes: { Arn: arn } }
  },
  'AWS::Lambda::Version': (id, name) => {
    const arn = `${functionArn(id, name)}:1`
    return { ref: arn, arn, attributes: { Version: '1', FunctionArn: arn } }
  },
  'AWS::Lambda::Alias': (id, name) => {
    const arn = `${functionArn(id, name)}:${name('Name') ?? ''}`
    return { ref: arn, arn, attributes: { AliasArn: arn } }
  },
  'AWS::Lambda::EventSourceMapping': (id) => {
    const hex = createHash('sha256').update(seedOf(id)).digest('hex')
    const ref = [
      hex.slice(0, 8),
      hex.slice(8, 12),
      hex.slice(12, 16),
      hex.slice(16, 20),
      hex.slice(20, 32),
    ].join('-')
    return { ref, arn: '', attributes: { Id: ref } }
  },
  'AWS::Lambda::Permission': (id) => ({ ref: generatedName(id, 100), arn: '', attributes: {} }),
  'AWS::Lambda::EventInvokeConfig': (id) => ({ ref: generatedName(id, 100), arn: '', attributes: {} }),
  'AWS::SQS::Queue': (id, name) => {
    const queue = name('QueueName') ?? unnamedQueue(id, name)
    const ref = `https://sqs.${id.region}.${URL_SUFFIX}/${id.accountId}/${queue}`
    const arn = arnOf(id, 'sqs', queue)
    return { ref, arn, attributes: { Arn: arn, QueueName: queue, QueueUrl: ref } }
  },
  'AWS::IAM::Role': (id, name) => {
    const ref = name('RoleName') ?? generatedName(id, 64)
    const arn = iamArn(id, 'role', name, ref)
    return { ref, arn, attributes: { Arn: arn, RoleId: iamId('AROA', id) } }
  },
  'AWS::IAM::User': (id, name) => {
    const ref = name('UserName') ?? generatedName(id, 64)
    const arn = iamArn(id, 'user', name, ref)
    return { ref, arn, attributes: { Arn: arn } }
  },
  'AWS::IAM::Group': (id, name) => {
    const ref = name('GroupName') ?? generatedName(id, 128)
    const arn = iamArn(id, 'group', name, ref)
    return { ref, arn, attributes: { Arn: arn } }
  },
  'AWS::IAM::AccessKey': (id) => {
    const { accessKeyId, secretAccessKey } = userCredentials(id)
    return { ref: accessKeyId, arn: '', attributes: { SecretAccessKey: secretAccessKey } }
  },
  'AWS::IAM::ManagedPolicy': (id, name) => {
    const policy = name('ManagedPolicyName') ?? generatedName(id, 128)
    const arn = iamArn(id, 'policy', name, policy)
    return { ref: arn, arn, attributes: { PolicyArn: arn } }
  },
  'AWS::Lambda::Url': (id, name) => {
    const target = name('TargetFunctionArn') ?? ''
    const arn = target.startsWith('arn:') ? target : arnOf(id, 'lambda', `function:${target}`)
    const url = `https://${derived(seedOf(id), 32, LOWER)}.lambda-url.${id.region}.on.aws/`
    return { ref: arn, arn, attributes: { FunctionArn: arn, FunctionUrl: url } }
  },
  'AWS::Logs::LogGroup': (id, name) => {
    const ref = name('LogGroupName') ?? generatedName(id, 512)
    const arn = `${arnOf(id, 'logs', `log-group:${ref}`)}:*`
    return { ref, arn, attributes: { Arn: arn } }
  },
  'AWS::Events::Rule': (id, name) => {
    const ref = name('Name') ?? generatedName(id, 64)
    const bus = (name('EventBusName') ?? 'default').split('/').at(-1) ?? 'default'
    const arn = arnOf(id, 'events', bus === 'default' ? `rule/${ref}` : `rule/${bus}/${ref}`)
    return { ref: bus === 'default' ? ref : `${bus}|${ref}`, arn, attributes: { Arn: arn } }
  },
  'AWS::Scheduler::Schedule': (id, name) => {
    const ref = name('Name') ?? generatedName(id, 64)
    const arn = arnOf(id, 'scheduler', `schedule/${name('GroupName') ?? 'default'}/${ref}`)
    return { ref, arn, attributes: { Arn: arn } }
  },
  'AWS::SSM::Parameter': (id, name) => {
    const ref = name('Name') ?? generatedName(id, 255)
    return { ref, arn: '', attributes: { Type: name('Type') ?? 'String', Value: name('Value') ?? '' } }
  },
}

/** A function's ARN, whatever form the property that points at it has. */
function functionArn(id: Identity, name: NameOf): string {
  const target = name('FunctionName') ?? ''
  return target.startsWith('arn:') ? target : arnOf(id, 'lambda', `function:${target}`)
}

/** What `Ref` and `Fn::GetAtt` give for a resource. A type that is unknown here gets an id and an ARN of likely form. */
export function physicalId(id: Identity, name: NameOf): PhysicalId {
  const maker = MAKERS[id.type]
  if (maker) return maker(id, name)
  const ref = name(`${id.type.split('::').at(-1) ?? ''}Name`) ?? generatedName(id, 64)
  const [, service = 'unknown', kind = 'resource'] = id.type.toLowerCase().split('::')
  return { ref, arn: arnOf(id, service, `${kind}/${ref}`), attributes: undefined }
}
