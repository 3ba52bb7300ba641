// AWS's own policies, as far as they concern the services that are emulated here.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html

const allow = (...actions: readonly string[]) => ({ Effect: 'Allow', Action: actions, Resource: '*' })

const READ_STREAM = [
  'dynamodb:DescribeStream',
  'dynamodb:GetRecords',
  'dynamodb:GetShardIterator',
  'dynamodb:ListStreams',
]

const READ_TABLES = [
  'dynamodb:BatchGetItem',
  'dynamodb:Describe*',
  'dynamodb:List*',
  'dynamodb:GetAbacStatus',
  'dynamodb:GetItem',
  'dynamodb:GetResourcePolicy',
  'dynamodb:Query',
  'dynamodb:Scan',
  'dynamodb:PartiQLSelect',
]

const READ_QUEUES = [
  'sqs:GetQueueAttributes',
  'sqs:GetQueueUrl',
  'sqs:ListDeadLetterSourceQueues',
  'sqs:ListQueues',
  'sqs:ListMessageMoveTasks',
  'sqs:ListQueueTags',
]

const READ_EVENTS = ['events:Describe*', 'events:List*', 'events:TestEventPattern']

/** Statements by the policy's name, without its path: names are unique. */
const STATEMENTS: Readonly<Record<string, readonly object[]>> = {
  AdministratorAccess: [allow('*')],
  PowerUserAccess: [{ Effect: 'Allow', NotAction: ['iam:*', 'organizations:*', 'account:*'], Resource: '*' }],
  ReadOnlyAccess: [
    allow(
      'dynamodb:BatchGet*',
      'dynamodb:Describe*',
      'dynamodb:Get*',
      'dynamodb:List*',
      'dynamodb:PartiQLSelect',
    ),
    allow(
      'dynamodb:Query',
      'dynamodb:Scan',
      'lambda:Get*',
      'lambda:List*',
      'sqs:Get*',
      'sqs:List*',
      'sqs:Receive*',
      'ssm:Describe*',
      'ssm:Get*',
      'ssm:List*',
    ),
    allow(...READ_EVENTS),
  ],
  AWSDenyAll: [{ Effect: 'Deny', Action: '*', Resource: '*' }],

  AWSLambda_FullAccess: [allow('lambda:*')],
  AWSLambdaFullAccess: [allow('lambda:*', 'dynamodb:*', 'events:*', 'sqs:ListQueues', 'sqs:SendMessage')],
  AWSLambda_ReadOnlyAccess: [allow('lambda:Get*', 'lambda:List*')],
  AWSLambdaRole: [allow('lambda:InvokeFunction')],
  AWSLambdaDynamoDBExecutionRole: [allow(...READ_STREAM)],
  'AWSLambdaInvocation-DynamoDB': [allow('lambda:InvokeFunction', ...READ_STREAM)],
  AWSLambdaSQSQueueExecutionRole: [
    allow('sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'),
  ],

  AmazonDynamoDBFullAccess: [allow('dynamodb:*')],
  AmazonDynamoDBFullAccess_v2: [allow('dynamodb:*')],
  AmazonDynamoDBFullAccesswithDataPipeline: [allow('dynamodb:*', 'lambda:*')],
  AmazonDynamoDBReadOnlyAccess: [allow(...READ_TABLES)],

  AmazonAPIGatewayInvokeFullAccess: [
    {
      Effect: 'Allow',
      Action: ['execute-api:Invoke', 'execute-api:ManageConnections'],
      Resource: 'arn:aws:execute-api:*:*:*',
    },
  ],

  AmazonSQSFullAccess: [allow('sqs:*')],
  AmazonSQSReadOnlyAccess: [allow(...READ_QUEUES)],

  AmazonSSMFullAccess: [allow('ssm:*')],
  AmazonSSMReadOnlyAccess: [allow('ssm:Describe*', 'ssm:Get*', 'ssm:List*')],
  AmazonSSMManagedInstanceCore: [allow('ssm:GetParameter', 'ssm:GetParameters')],

  AmazonEventBridgeFullAccess: [allow('events:*', 'scheduler:*')],
  CloudWatchEventsFullAccess: [allow('events:*', 'scheduler:*')],
  AmazonEventBridgeReadOnlyAccess: [allow(...READ_EVENTS)],
  CloudWatchEventsReadOnlyAccess: [allow(...READ_EVENTS)],
}

/** Policies that are about other services alone: they allow nothing here, and there is nothing to say about that. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  'AWSLambdaBasicExecutionRole',
  'AWSLambdaBasicDurableExecutionRolePolicy',
  'AWSLambdaENIManagementAccess',
  'AWSLambdaExecute',
  'AWSLambdaKinesisExecutionRole',
  'AWSLambdaMSKExecutionRole',
  'AWSLambdaVPCAccessExecutionRole',
  'AWSXRayDaemonWriteAccess',
  'AWSXrayWriteOnlyAccess',
  'AmazonAPIGatewayAdministrator',
  'AmazonAPIGatewayPushToCloudWatchLogs',
  'AmazonBedrockFullAccess',
  'AmazonCognitoPowerUser',
  'AmazonCognitoReadOnly',
  'AmazonEventBridgeSchedulerFullAccess',
  'AmazonS3FullAccess',
  'AmazonS3ReadOnlyAccess',
  'AmazonSESFullAccess',
  'AmazonSNSFullAccess',
  'AmazonSNSReadOnlyAccess',
  'AWSStepFunctionsFullAccess',
  'CloudWatchFullAccess',
  'CloudWatchFullAccessV2',
  'CloudWatchLambdaApplicationSignalsExecutionRolePolicy',
  'CloudWatchLambdaInsightsExecutionRolePolicy',
  'CloudWatchLogsFullAccess',
  'SecretsManagerReadWrite',
])

/**
 * The document of one of AWS's own policies.
 * @param arn `arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole`
 * @returns undefined for one that is not known here
 */
export function managedPolicyDocument(arn: string): object | undefined {
  const name = arn.split('/').at(-1) ?? ''
  const statements = STATEMENTS[name] ?? (ELSEWHERE.has(name) ? [] : undefined)
  return statements && { Version: '2012-10-17', Statement: statements }
}

/** Whether an ARN is of one of AWS's own policies. */
export const isAwsManaged = (arn: string): boolean => /^arn:[^:]+:iam::aws:policy\//.test(arn)
