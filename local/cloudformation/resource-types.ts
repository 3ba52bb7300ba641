/** Emulated here: each is read by one of the emulators, wholly or for what of it can be noticed. */
const EMULATED: ReadonlySet<string> = new Set([
  'AWS::ApiGateway::ApiKey',
  'AWS::ApiGateway::DomainName',
  'AWS::ApiGateway::UsagePlan',
  'AWS::ApiGateway::UsagePlanKey',
  'AWS::ApiGatewayV2::Api',
  'AWS::ApiGatewayV2::ApiMapping',
  'AWS::ApiGatewayV2::Authorizer',
  'AWS::ApiGatewayV2::Deployment',
  'AWS::ApiGatewayV2::DomainName',
  'AWS::ApiGatewayV2::Integration',
  'AWS::ApiGatewayV2::IntegrationResponse',
  'AWS::ApiGatewayV2::Model',
  'AWS::ApiGatewayV2::Route',
  'AWS::ApiGatewayV2::RouteResponse',
  'AWS::ApiGatewayV2::Stage',
  'AWS::CloudFormation::Stack',
  'AWS::DynamoDB::GlobalTable',
  'AWS::DynamoDB::Table',
  'AWS::Events::EventBus',
  'AWS::Events::Rule',
  'AWS::IAM::AccessKey',
  'AWS::IAM::Group',
  'AWS::IAM::GroupPolicy',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::IAM::RolePolicy',
  'AWS::IAM::User',
  'AWS::IAM::UserPolicy',
  'AWS::IAM::UserToGroupAddition',
  'AWS::Lambda::Alias',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::EventSourceMapping',
  'AWS::Lambda::Function',
  'AWS::Lambda::LayerVersion',
  'AWS::Lambda::Permission',
  'AWS::Lambda::Version',
  'AWS::SQS::Queue',
  'AWS::SQS::QueueInlinePolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::SSM::Parameter',
  'AWS::Scheduler::Schedule',
])

/** Nothing is missing without these: what they set up is there anyway, or nobody on this machine could tell. */
const NEEDS_NOTHING: ReadonlySet<string> = new Set([
  'AWS::ApiGateway::Account', // lets API Gateway write logs
  'AWS::ApiGatewayV2::ApiGatewayManagedOverrides',
  'AWS::CDK::Metadata',
  'AWS::CloudFormation::WaitConditionHandle',
  'AWS::Events::EventBusPolicy', // senders are of the same account: their roles decide
  'AWS::IAM::InstanceProfile',
  'AWS::IAM::ServiceLinkedRole',
  'AWS::Lambda::CodeSigningConfig',
  'AWS::Lambda::LayerVersionPermission',
  'AWS::Logs::LogGroup', // logs go to one file
  'AWS::Logs::LogStream',
  'AWS::Logs::MetricFilter',
  'AWS::Logs::QueryDefinition',
  'AWS::Logs::ResourcePolicy',
  'AWS::Scheduler::ScheduleGroup', // only a part of its schedules' names
  'Custom::CrossRegionExportReader', // values of other stacks are found without them
  'Custom::CrossRegionExportWriter',
  'Custom::LogRetention',
])

export type Support = 'emulated' | 'needs nothing' | 'skipped'

/** What becomes of a resource of this type. Every type that is not known is skipped, which the start says. */
export const supportOf = (type: string): Support =>
  EMULATED.has(type) ? 'emulated' : NEEDS_NOTHING.has(type) ? 'needs nothing' : 'skipped'
