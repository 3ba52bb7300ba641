import { userCredentials } from '../iam/credentials.ts'
import {
  type Identity,
  LOWER,
  type Maker,
  type NameOf,
  type PhysicalId,
  UPPER,
  URL_SUFFIX,
  arnOf,
  derived,
  derivedUuid,
  generatedName,
  plainId,
} from './identity.ts'
import { NOT_EMULATED } from './not-emulated-ids.ts'

/** IAM has no Regions, and its names may have a path before them. */
const iamArn = (id: Identity, kind: string, name: NameOf, ref: string) =>
  `arn:${id.partition}:iam::${id.accountId}:${kind}${name('Path') ?? '/'}${ref}`

/** The unique id of a role (`AROA`), a user (`AIDA`): what `aws:userid` begins with. */
export const iamId = (prefix: 'AROA' | 'AIDA', id: Pick<Identity, 'stack' | 'logicalId'>) =>
  `${prefix}${derived(id, 17, UPPER)}`

/** AWS gives a stream the time it was made as its label. */
export const STREAM_LABEL = '2026-01-01T00:00:00.000'

/** The regional name is what DNS would point at. */
const domainName: Maker = (id, name) => {
  const ref = name('DomainName') ?? ''
  const regional = `d-${derived(id, 10, LOWER)}.execute-api.${id.region}.${URL_SUFFIX}`
  const arn = `arn:${id.partition}:apigateway:${id.region}::/domainnames/${ref}`
  const zone = derived(id, 14, UPPER)
  return {
    ref,
    arn,
    attributes: { DomainNameArn: arn, RegionalDomainName: regional, RegionalHostedZoneId: zone },
  }
}

const tableId: Maker = (id, name) => {
  const ref = name('TableName') ?? generatedName(id, 255)
  const arn = arnOf(id, 'dynamodb', `table/${ref}`)
  return {
    ref,
    arn,
    attributes: { Arn: arn, StreamArn: `${arn}/stream/${STREAM_LABEL}`, TableId: ref },
  }
}

/** SQS takes a FIFO queue only with its suffix, which counts in the 80 characters. */
const unnamedQueue = (id: Identity, name: NameOf) =>
  name('FifoQueue') === 'true' ? `${generatedName(id, 75)}.fifo` : generatedName(id, 80)

/** The types that are emulated. */
const MAKERS: Readonly<Record<string, Maker>> = {
  'AWS::ApiGatewayV2::Api': (id, name) => {
    const ref = derived(id, 10, LOWER)
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
  'AWS::ApiGatewayV2::Deployment': plainId(6, 'DeploymentId'),
  'AWS::ApiGateway::ApiKey': plainId(10, 'APIKeyId'),
  'AWS::ApiGateway::DomainName': domainName,
  'AWS::ApiGateway::UsagePlan': plainId(6, 'Id'),
  'AWS::ApiGateway::UsagePlanKey': plainId(10, 'Id'),
  'AWS::ApiGatewayV2::ApiMapping': plainId(6, 'ApiMappingId'),
  'AWS::ApiGatewayV2::DomainName': domainName,
  'AWS::ApiGatewayV2::Authorizer': plainId(6, 'AuthorizerId'),
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
    const ref = derivedUuid(id)
    const arn = arnOf(id, 'lambda', `event-source-mapping:${ref}`)
    return { ref, arn, attributes: { Id: ref, EventSourceMappingArn: arn } }
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
    const url = `https://${derived(id, 32, LOWER)}.lambda-url.${id.region}.on.aws/`
    return { ref: arn, arn, attributes: { FunctionArn: arn, FunctionUrl: url } }
  },
  'AWS::Logs::LogGroup': (id, name) => {
    const ref = name('LogGroupName') ?? generatedName(id, 512)
    const arn = `${arnOf(id, 'logs', `log-group:${ref}`)}:*`
    return { ref, arn, attributes: { Arn: arn } }
  },
  'AWS::Events::EventBus': (id, name) => {
    const ref = name('Name') ?? generatedName(id, 256)
    const arn = arnOf(id, 'events', `event-bus/${ref}`)
    return { ref, arn, attributes: { Arn: arn, Name: ref } }
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
    return {
      ref,
      arn: arnOf(id, 'ssm', `parameter/${ref.replace(/^\//, '')}`),
      attributes: {
        Type: name('Type') ?? 'String',
        // Read only when asked for: the value may depend on what depends on the name.
        get Value() {
          return name('Value') ?? ''
        },
      },
    }
  },
}

/** A function's ARN, whatever form the property that points at it has. */
function functionArn(id: Identity, name: NameOf): string {
  const target = name('FunctionName') ?? ''
  return target.startsWith('arn:') ? target : arnOf(id, 'lambda', `function:${target}`)
}

/** What `Ref` and `Fn::GetAtt` give for a resource. A type that is unknown here gets an id and an ARN of likely form. */
export function physicalId(id: Identity, name: NameOf): PhysicalId {
  const maker = MAKERS[id.type] ?? NOT_EMULATED[id.type]
  if (maker) return maker(id, name)
  const ref = name(`${id.type.split('::').at(-1) ?? ''}Name`) ?? generatedName(id, 64)
  const [, service = 'unknown', kind = 'resource'] = id.type.toLowerCase().split('::')
  return { ref, arn: arnOf(id, service, `${kind}/${ref}`), attributes: undefined }
}
