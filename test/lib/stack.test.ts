import { App } from 'aws-cdk-lib'
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions'
import { beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../lib/config.ts'
import { OpenlineStack } from '../../lib/stack.ts'

type Value = string | { readonly Ref?: string; readonly [key: string]: unknown }
interface Statement {
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource: Value | readonly Value[]
}
interface PolicyProperties {
  readonly PolicyDocument: { readonly Statement: readonly Statement[] }
  readonly Roles: readonly { readonly Ref: string }[]
}

const FUNCTIONS = [
  'Connect',
  'Disconnect',
  'Message',
  'TaskGap',
  'TaskStream',
  'TasksApiTasks',
  'TurnAway',
  'Welcome',
]

function synthesize(settings: Record<string, unknown> = {}) {
  const app = new App({ context: settings })
  return new OpenlineStack(app, 'Openline', { config: readConfig(app.node) })
}

/** `ConnectionsTable` for `ConnectionsTable916FDB22` */
const withoutHash = (logicalId: string) => logicalId.replace(/[0-9A-F]{8}$/, '')
const listOf = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? (value as T[]) : [value as T]

/** `{"Fn::GetAtt":["ConnectionsTable916FDB22","Arn"]}` as `ConnectionsTable.Arn` */
function readable(value: Value): string {
  if (typeof value === 'string') return value
  if (value.Ref !== undefined) return `{${withoutHash(value.Ref)}}`
  if ('Fn::GetAtt' in value) {
    const [id = '', attribute = ''] = value['Fn::GetAtt'] as string[]
    return `${withoutHash(id)}.${attribute}`
  }
  const [separator, parts] = value['Fn::Join'] as [string, Value[]]
  return parts.map(readable).join(separator)
}

/** What a role may do, as `action resource`, by the name of its function. */
function permissions(template: Template): Record<string, string[]> {
  const roles: Record<string, string[]> = {}
  for (const { Properties } of Object.values(template.findResources('AWS::IAM::Policy'))) {
    const { PolicyDocument, Roles } = Properties as PolicyProperties
    const name = Roles.map(({ Ref }) => withoutHash(Ref).replace('FunctionServiceRole', '')).join()
    const allowed = PolicyDocument.Statement.flatMap(({ Effect, Action, Resource }) =>
      listOf(Action).flatMap((action) =>
        listOf(Resource).map((resource) => `${Effect} ${action} ${readable(resource)}`),
      ),
    )
    roles[name] = [...new Set([...(roles[name] ?? []), ...allowed])].sort()
  }
  return roles
}

const allow = (resource: string, ...actions: string[]) =>
  actions.map((action) => `Allow ${action} ${resource}`)
const onConnections = (...actions: string[]) =>
  allow('ConnectionsTable.Arn', ...actions.map((action) => `dynamodb:${action}`))
const ON_LOG = allow('ChannelLogTable.Arn', 'dynamodb:PutItem', 'dynamodb:Query')
const FIND_TASK = allow('TasksApiTable.Arn', 'dynamodb:GetItem')
const manage = (...methods: string[]) =>
  methods.flatMap((method) =>
    allow(
      `arn:{AWS::Partition}:execute-api:{AWS::Region}:{AWS::AccountId}:{SocketApi}/dev/${method}/@connections/*`,
      'execute-api:ManageConnections',
    ),
  )

const PERMISSIONS: Readonly<Record<string, readonly string[]>> = {
  Connect: [
    ...onConnections('BatchWriteItem', 'PutItem'),
    ...allow('WelcomeFunction.Arn', 'lambda:InvokeFunction'),
    ...allow('WelcomeFunction.Arn:*', 'lambda:InvokeFunction'),
  ],
  Disconnect: onConnections('BatchWriteItem', 'DeleteItem'),
  Message: [
    ...onConnections('BatchWriteItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'),
    ...ON_LOG,
    ...allow('ChannelLogTable.Arn', 'dynamodb:GetItem'),
    ...FIND_TASK,
    ...manage('POST', 'DELETE'),
  ],
  TaskGap: [
    ...onConnections('BatchWriteItem', 'DeleteItem', 'Query'),
    ...ON_LOG,
    ...manage('POST', 'DELETE'),
    ...allow(
      'TaskStreamSourceDeadLetters.Arn',
      'sqs:ChangeMessageVisibility',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:GetQueueUrl',
      'sqs:ReceiveMessage',
    ),
  ],
  TaskStream: [
    ...onConnections('BatchWriteItem', 'DeleteItem', 'Query'),
    ...ON_LOG,
    ...manage('POST', 'DELETE'),
    ...allow('*', 'dynamodb:ListStreams'),
    ...allow(
      'TasksApiTable.StreamArn',
      'dynamodb:DescribeStream',
      'dynamodb:GetRecords',
      'dynamodb:GetShardIterator',
    ),
    ...allow(
      'TaskStreamSourceDeadLetters.Arn',
      'sqs:GetQueueAttributes',
      'sqs:GetQueueUrl',
      'sqs:SendMessage',
    ),
  ],
  TasksApiTasks: [
    ...ON_LOG,
    ...allow(
      'TasksApiTable.Arn',
      'dynamodb:DeleteItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Scan',
    ),
  ],
  TurnAway: [...onConnections('BatchWriteItem', 'DeleteItem'), ...manage('GET', 'DELETE')],
  Welcome: [
    ...allow('TurnAwayFunction.Arn', 'lambda:InvokeFunction'),
    ...allow('TurnAwayFunction.Arn:*', 'lambda:InvokeFunction'),
    ...onConnections('BatchWriteItem', 'DeleteItem', 'GetItem'),
    ...ON_LOG,
    ...FIND_TASK,
    ...manage('POST', 'GET', 'DELETE'),
  ],
}

describe('OpenlineStack', () => {
  let stack: OpenlineStack
  let template: Template
  beforeAll(() => {
    stack = synthesize()
    template = Template.fromStack(stack)
  })

  it.each(FUNCTIONS)('lets %s do what it does and nothing else', (name) => {
    expect(permissions(template)[name]).toEqual([...(PERMISSIONS[name] ?? [])].sort())
  })

  it('has no role but those of its functions, each with leave to write its log', () => {
    expect(Object.keys(permissions(template)).sort()).toEqual(FUNCTIONS)
    template.resourceCountIs('AWS::IAM::Role', FUNCTIONS.length)
    template.allResourcesProperties('AWS::IAM::Role', {
      ManagedPolicyArns: [
        {
          'Fn::Join': [
            '',
            ['arn:', { Ref: 'AWS::Partition' }, ':iam::aws:policy/service-role/AWSLambdaBasicExecutionRole'],
          ],
        },
      ],
      Policies: Match.absent(),
    })
  })

  it('runs every function on Node.js 24 and arm64, with its own log group', () => {
    template.resourceCountIs('AWS::Lambda::Function', FUNCTIONS.length)
    template.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      LoggingConfig: { LogGroup: { Ref: Match.stringLikeRegexp('Logs') } },
    })
    template.resourceCountIs('AWS::Logs::LogGroup', FUNCTIONS.length)
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 14 })
  })

  it('gives both stages a rate and a burst', () => {
    template.resourceCountIs('AWS::ApiGatewayV2::Stage', 2)
    template.allResourcesProperties('AWS::ApiGatewayV2::Stage', {
      DefaultRouteSettings: { ThrottlingRateLimit: 1000, ThrottlingBurstLimit: 500 },
      AutoDeploy: true,
    })
  })

  it('reads the stream from its beginning, reports single records and gives up into a queue', () => {
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      StartingPosition: 'TRIM_HORIZON',
      BatchSize: 100,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 5,
      MaximumRecordAgeInSeconds: 20 * 3600, // less than the 24 hours that the stream keeps them
      DestinationConfig: {
        OnFailure: {
          Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('^TaskStreamSourceDeadLetters'), 'Arn'] },
        },
      },
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^TasksApiTable'), 'StreamArn'] },
    })
    template.hasResourceProperties('AWS::SQS::Queue', { MessageRetentionPeriod: 14 * 24 * 3600 })
  })

  it('makes known what was given up, one gap for many, again after the time of a function that could not', () => {
    template.resourceCountIs('AWS::Lambda::EventSourceMapping', 2)
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^TaskStreamSourceDeadLetters'), 'Arn'] },
      FunctionName: { Ref: Match.stringLikeRegexp('^TaskGap') },
      BatchSize: 100,
      MaximumBatchingWindowInSeconds: 1,
      ScalingConfig: { MaximumConcurrency: 2 },
    })
    const [queue] = Object.values(template.findResources('AWS::SQS::Queue'))
    const [gap] = Object.values(
      template.findResources('AWS::Lambda::Function', {
        Properties: { Description: Match.stringLikeRegexp('loss') },
      }),
    )
    const seconds = (of: typeof queue, name: string) =>
      Number((of?.['Properties'] as Record<string, unknown>)[name])
    expect(seconds(queue, 'VisibilityTimeout')).toBeGreaterThan(seconds(gap, 'Timeout'))
  })

  it('turns away whom it can not greet at the first attempt, or within a minute', () => {
    template.resourceCountIs('AWS::Lambda::EventInvokeConfig', 1)
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      FunctionName: { Ref: Match.stringLikeRegexp('^Welcome') },
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
      DestinationConfig: {
        OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('^TurnAway'), 'Arn'] } },
      },
    })
  })

  it('keeps every table encrypted and on demand', () => {
    template.resourceCountIs('AWS::DynamoDB::Table', 3)
    template.allResourcesProperties('AWS::DynamoDB::Table', {
      BillingMode: 'PAY_PER_REQUEST',
      SSESpecification: { SSEEnabled: true },
    })
  })

  it.each([['pk'], ['channel']])('lets what is keyed by %s expire, and deletes it with the stack', (key) => {
    template.hasResource('AWS::DynamoDB::Table', {
      Properties: {
        KeySchema: Match.arrayWith([{ AttributeName: key, KeyType: 'HASH' }]),
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        StreamSpecification: Match.absent(),
      },
      DeletionPolicy: 'Delete',
    })
  })

  it('keeps the tasks: they can be restored, and stay when the stack goes', () => {
    template.hasResource('AWS::DynamoDB::Table', {
      Properties: {
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
        TimeToLiveSpecification: Match.absent(),
      },
      DeletionPolicy: 'Retain',
    })
  })

  it('says that access is open', () => {
    Annotations.fromStack(stack).hasWarning('/Openline', Match.stringLikeRegexp('access is open'))
    template.hasOutput('Access', { Value: Match.stringLikeRegexp('access is open') })
  })

  it('has no sweep without a timeout', () => {
    template.resourceCountIs('AWS::Events::Rule', 0)
  })

  describe('with other settings', () => {
    let other: Template
    beforeAll(() => {
      other = Template.fromStack(
        synthesize({
          'openline:idleTimeoutSeconds': 600,
          'openline:throttleRate': 20,
          'openline:throttleBurst': 10,
          'openline:functionLogRetentionDays': 30,
        }),
      )
    })

    it('sweeps each minute, and lets the sweep do no more than it must', () => {
      other.resourceCountIs('AWS::Events::Rule', 1)
      other.hasResourceProperties('AWS::Events::Rule', {
        ScheduleExpression: 'rate(1 minute)',
        Targets: [Match.objectLike({ RetryPolicy: { MaximumRetryAttempts: 0 } })],
      })
      other.hasResourceProperties('AWS::Lambda::Function', {
        Environment: { Variables: { IDLE_TIMEOUT_SECONDS: '600' } },
      })
      expect(permissions(other)['Sweep']).toEqual(
        [...onConnections('BatchWriteItem', 'DeleteItem', 'Scan'), ...manage('GET', 'DELETE')].sort(),
      )
    })

    it('hands throttle and log retention on', () => {
      other.allResourcesProperties('AWS::ApiGatewayV2::Stage', {
        DefaultRouteSettings: { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 10 },
      })
      other.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 })
    })
  })
})
