import type { Environment, Resource } from '../cloudformation/resource.ts'
import { asTexts } from './conditions.ts'
import { type OnUnknown, type Statement, compilePolicy } from './policy.ts'

/**
 * The policies that resources of the template have themselves, by the resource's ARN: of queues, tables, streams, event
 * buses, and of functions, whose policy is the sum of their `AWS::Lambda::Permission`s.
 * @throws Error naming the policy that can't be read
 */
export function resourcePolicies(
  resources: readonly Resource[],
  environment: Environment,
  onUnknown: OnUnknown,
): ReadonlyMap<string, readonly Statement[]> {
  const policies = new Map<string, Statement[]>()
  const add = (arn: string, document: unknown, path: string) => {
    try {
      const statements = compilePolicy(document, (what) => onUnknown(`${path}: ${what}`))
      policies.set(arn, [...(policies.get(arn) ?? []), ...statements])
    } catch (cause) {
      throw new Error(`${path}: ${(cause as Error).message}`, { cause })
    }
  }
  for (const { type, properties, path, arn } of resources) {
    switch (type) {
      case 'AWS::SQS::QueuePolicy':
      case 'AWS::SQS::QueueInlinePolicy':
        for (const url of asTexts(properties['Queues'] ?? properties['Queue'])) {
          const queue = resources.find((each) => each.type === 'AWS::SQS::Queue' && each.physicalId === url)
          if (queue) add(queue.arn, properties['PolicyDocument'], path)
        }
        break
      case 'AWS::DynamoDB::Table': {
        const { ResourcePolicy, StreamSpecification } = properties as Readonly<
          Record<string, OwnPolicy | undefined>
        >
        if (ResourcePolicy) add(arn, ResourcePolicy.PolicyDocument, path)
        const ofStream = StreamSpecification?.ResourcePolicy
        if (ofStream) add(`${arn}/stream/*`, ofStream.PolicyDocument, path)
        break
      }
      case 'AWS::Events::EventBusPolicy': {
        const bus = (properties['EventBusName'] as string | undefined) ?? 'default'
        const document = properties['Statement']
        if (document)
          add(
            arnOf(environment, 'events', `event-bus/${bus}`),
            { Version: '2012-10-17', Statement: document },
            path,
          )
        break
      }
      case 'AWS::Lambda::Permission': {
        const target = functionArn(String(properties['FunctionName']), environment)
        add(target, permissionDocument(properties, target), path)
        break
      }
      default:
    }
  }
  return policies
}

interface OwnPolicy {
  readonly PolicyDocument?: unknown
  readonly ResourcePolicy?: OwnPolicy
}

/** The statement that Lambda makes of a permission: https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html */
function permissionDocument(properties: Resource['properties'], functionArn: string): object {
  const { Principal, SourceArn, SourceAccount, PrincipalOrgID, EventSourceToken, FunctionUrlAuthType } =
    properties
  const name = String(Principal)
  const conditions = {
    ...(SourceArn === undefined ? {} : { ArnLike: { 'AWS:SourceArn': SourceArn } }),
    StringEquals: {
      ...(SourceAccount === undefined ? {} : { 'AWS:SourceAccount': SourceAccount }),
      ...(PrincipalOrgID === undefined ? {} : { 'aws:PrincipalOrgID': PrincipalOrgID }),
      ...(EventSourceToken === undefined ? {} : { 'lambda:EventSourceToken': EventSourceToken }),
      ...(FunctionUrlAuthType === undefined ? {} : { 'lambda:FunctionUrlAuthType': FunctionUrlAuthType }),
    },
  }
  return {
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Principal: name === '*' ? '*' : /^\d{12}$|^arn:/.test(name) ? { AWS: name } : { Service: name },
      Action: properties['Action'],
      Resource: functionArn,
      Condition: conditions,
    },
  }
}

const arnOf = ({ partition, region, accountId }: Environment, service: string, resource: string) =>
  `arn:${partition}:${service}:${region}:${accountId}:${resource}`

/** The ARN that any form of a function's name comes to: a name, part of an ARN, an ARN, each with or without a qualifier. */
export function functionArn(name: string, environment: Environment, qualifier?: string): string {
  const [, last = name] = /(?:^|:)function:(.+)$/.exec(name) ?? []
  const [base = '', version = qualifier] = last.split(':')
  const unqualified = version === undefined || version === '$LATEST'
  return arnOf(environment, 'lambda', `function:${base}${unqualified ? '' : `:${version}`}`)
}
