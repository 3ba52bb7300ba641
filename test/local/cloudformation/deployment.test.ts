import { describe, expect, it } from 'vitest'
import { App, Annotations, CfnOutput, CfnResource, NestedStack, Stack, Stage } from 'aws-cdk-lib'
import { readAssembly } from '../../../local/cloudformation/assembly.ts'
import { resolveAssembly } from '../../../local/cloudformation/deployment.ts'
import { given, resolved, temporary } from './fixture.ts'

const withValue = (value: unknown) => ({
  Parameters: { Size: { Type: 'Number', Default: 3 } },
  Mappings: { Sizes: { small: { memory: '128' } } },
  Conditions: {
    Yes: { 'Fn::Equals': ['a', 'a'] },
    Same: { 'Fn::Equals': [true, 'true'] },
    No: { 'Fn::Not': [{ Condition: 'Yes' }] },
    Also: { Condition: 'Yes' },
    Both: { 'Fn::And': [{ Condition: 'Yes' }, { Condition: 'No' }] },
    Either: { 'Fn::Or': [{ Condition: 'Yes' }, { Condition: 'No' }] },
  },
  Resources: {
    Table: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: 'tasks' } },
    Holder: {
      Type: 'AWS::Lambda::Function',
      Metadata: { 'aws:cdk:path': 'S/Holder/Resource' },
      Properties: { Value: value },
    },
  },
})

const valueIn = (value: unknown) =>
  resolved({ S: withValue(value) }).resources.find(({ logicalId }) => logicalId === 'Holder')?.properties[
    'Value'
  ]

const when = (condition: string) => ({ 'Fn::If': [condition, 'yes', 'no'] })
const TABLE_ARN = 'arn:aws:dynamodb:eu-west-1:123456789012:table/tasks'

describe('intrinsic functions', () => {
  it.each<[unknown, unknown]>([
    [{ Ref: 'Table' }, 'tasks'],
    [{ Ref: 'Size' }, 3],
    [{ Ref: 'AWS::Region' }, 'eu-west-1'],
    [{ 'Fn::GetAtt': ['Table', 'Arn'] }, TABLE_ARN],
    [{ 'Fn::GetAtt': 'Table.Arn' }, TABLE_ARN],
    [{ 'Fn::Sub': '${Table}-${!x}-${AWS::Region}' }, 'tasks-${x}-eu-west-1'],
    [{ 'Fn::Sub': ['${a}-${Table.Arn}', { a: { Ref: 'Size' } }] }, `3-${TABLE_ARN}`],
    [{ 'Fn::Join': ['-', ['a', { Ref: 'Table' }]] }, 'a-tasks'],
    [{ 'Fn::Select': ['1', ['a', 'b']] }, 'b'],
    [{ 'Fn::Split': [',', 'a,b'] }, ['a', 'b']],
    [{ 'Fn::FindInMap': ['Sizes', 'small', 'memory'] }, '128'],
    [{ 'Fn::FindInMap': ['Sizes', 'large', 'memory', { DefaultValue: { Ref: 'Size' } }] }, 3],
    [{ 'Fn::Base64': 'abc' }, 'YWJj'],
    [{ 'Fn::GetAZs': '' }, ['eu-west-1a', 'eu-west-1b', 'eu-west-1c']],
    [{ 'Fn::Length': ['a', 'b'] }, 2],
    [{ 'Fn::ToJsonString': { a: { Ref: 'Table' } } }, '{"a":"tasks"}'],
    [{ 'Fn::Cidr': ['10.0.0.0/16', 3, 8] }, ['10.0.0.0/24', '10.0.1.0/24', '10.0.2.0/24']],
    [when('Yes'), 'yes'],
    [when('Same'), 'yes'],
    [when('No'), 'no'],
    [when('Also'), 'yes'],
    [when('Both'), 'no'],
    [when('Either'), 'yes'],
    [{ a: { Ref: 'AWS::NoValue' }, b: [1, { Ref: 'AWS::NoValue' }] }, { b: [1] }],
    [{ Condition: 'Yes' }, { Condition: 'Yes' }],
  ])('%j gives %j', (value, expected) => {
    expect(valueIn(value)).toEqual(expected)
  })

  it.each<[unknown, string]>([
    [{ Ref: 'Nobody' }, 'Ref names "Nobody"'],
    [{ 'Fn::GetAtt': ['Table', 'Colour'] }, 'has no attribute "Colour"'],
    [{ 'Fn::FindInMap': ['Sizes', 'large', 'memory'] }, 'finds nothing at "Sizes" "large" "memory"'],
    [{ 'Fn::Cidr': ['10.0.0.0/24', 2, 8] }, 'can not take 2 blocks of 8 bits from "10.0.0.0/24"'],
    [{ 'Fn::ImportValue': 'x' }, 'Fn::ImportValue names "x"'],
    [{ 'Fn::Transform': {} }, 'Fn::Transform is not supported'],
  ])('%j leaves the resource out and names construct and property', (value, message) => {
    const { resources, messages } = resolved({ S: withValue(value) })
    expect(resources.map(({ logicalId }) => logicalId)).toEqual(['Table'])
    expect(messages).toEqual([
      {
        level: 'warning',
        path: 'S/Holder',
        text: expect.stringContaining(
          'skipped: S/Holder (AWS::Lambda::Function) at Properties.Value: ',
        ) as string,
      },
    ])
    expect(messages[0]?.text).toContain(message)
  })
})

const physicalIdOf = (type: string, properties: object) =>
  resolved({ S: { Resources: { It: { Type: type, Properties: properties } } } }).resources[0]

describe('physical ids', () => {
  it.each<[string, object, RegExp]>([
    ['AWS::S3::Bucket', { BucketName: 'files' }, /^files$/],
    ['AWS::SQS::Queue', { FifoQueue: true }, /\/S-It-[A-Z0-9]{12}\.fifo$/],
    ['AWS::Events::Rule', { Name: 'r', EventBusName: 'b' }, /^b\|r$/],
    ['AWS::IAM::ManagedPolicy', { ManagedPolicyName: 'p' }, /^arn:aws:iam::123456789012:policy\/p$/],
  ])('%s with %j is %s', (type, properties, expected) => {
    expect(physicalIdOf(type, properties)?.physicalId).toMatch(expected)
  })

  it.each<[string, string, RegExp]>([
    ['AWS::ApiGatewayV2::Route', 'RouteId', /^[a-z0-9]{7}$/],
    ['AWS::ApiGatewayV2::Integration', 'IntegrationId', /^[a-z0-9]{7}$/],
    ['AWS::ApiGatewayV2::Model', 'ModelId', /^[a-z0-9]{7}$/],
    ['AWS::Lambda::Url', 'FunctionUrl', /^https:\/\/[a-z0-9]{32}\.lambda-url\.eu-west-1\.on\.aws\/$/],
  ])('%s has the attribute %s', (type, attribute, expected) => {
    const template = {
      Resources: { It: { Type: type } },
      Outputs: { Value: { Value: { 'Fn::GetAtt': ['It', attribute] } } },
    }
    expect(resolved({ S: template }).outputs[0]?.value).toMatch(expected)
  })
})

describe('assemblies of the CDK', () => {
  it('resolves exports, nested stacks and Stages, and passes warnings on', () => {
    const app = new App({ outdir: temporary() })
    const maker = new Stack(app, 'Maker')
    const table = new CfnResource(maker, 'Table', {
      type: 'AWS::DynamoDB::Table',
      properties: { TableName: 'tasks' },
    })
    const user = new Stack(app, 'User')
    new CfnOutput(user, 'Name', { value: table.ref })
    const nested = new NestedStack(user, 'Nested')
    const queue = new CfnResource(nested, 'Queue', {
      type: 'AWS::SQS::Queue',
      properties: { QueueName: 'jobs' },
    })
    new CfnOutput(user, 'Queue', { value: queue.getAtt('QueueName').toString() })
    Annotations.of(table).addWarningV2('test:careful', 'careful')
    const staged = new Stack(new Stage(app, 'Prod'), 'Inner')
    new CfnResource(staged, 'Topic', { type: 'AWS::SNS::Topic' })
    const deployment = resolveAssembly(readAssembly(app.synth().directory))
    expect(deployment.outputs).toContainEqual({ stack: 'User', key: 'Name', value: 'tasks' })
    expect(deployment.outputs).toContainEqual({ stack: 'User', key: 'Queue', value: 'jobs' })
    expect(deployment.resources.map(({ type }) => type)).toContain('AWS::SNS::Topic')
    expect(deployment.messages).toContainEqual({ level: 'warning', path: 'Maker/Table', text: 'careful' })
  }, 30_000)
})

/** A stack with one function whose only variable has a value. */
const holder = (value: unknown, rest: object = {}) => ({
  ...rest,
  Resources: {
    ...(rest as { Resources?: object }).Resources,
    Holder: {
      Type: 'AWS::Lambda::Function',
      Properties: { Environment: { Variables: { VALUE: value } } },
    },
  },
})

function variableOf({ resources, messages }: ReturnType<typeof resolved>): unknown {
  const found = resources.find(({ logicalId }) => logicalId === 'Holder')
  const { Variables } = (found?.properties['Environment'] ?? {}) as { Variables?: { VALUE?: unknown } }
  return Variables?.VALUE ?? messages.map(({ text }) => text).join('\n')
}

const parameter = (Type: string, Default?: string) => ({
  Parameters: { P: { Type, ...(Default === undefined ? {} : { Default }) } },
})
const P = { Ref: 'P' }
const ssm = (Name: unknown, Value: unknown) => ({ Type: 'AWS::SSM::Parameter', Properties: { Name, Value } })

describe('template parameters', () => {
  it.each([
    ['String', 'a', 'a'],
    ['CommaDelimitedList', 'a, b', ['a', 'b']],
    ['List<Number>', '1,2', ['1', '2']],
    ['AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', '/aws/service/ami', 'ami-0123456789abcdef0'],
  ])('of type %s with the default "%s" are %j', (type, text, expected) => {
    expect(variableOf(resolved({ S: holder(P, parameter(type, text)) }))).toEqual(expected)
  })

  it('take what is given for all stacks, and rather what is given for theirs', () => {
    const template = holder(P, parameter('String'))
    expect(variableOf(resolved({ S: template }, given({ parameters: { P: 'all' } })))).toBe('all')
    const parameters = { P: 'all', 'S:P': 'own' }
    expect(variableOf(resolved({ S: template }, given({ parameters })))).toBe('own')
  })

  it('without a value leave out who refers to them, and say how to give one', () => {
    expect(variableOf(resolved({ S: holder(P, parameter('String')) }))).toContain(
      'the parameter "P" has no default; give it with --parameter "S:P=value"',
    )
  })

  it('of an SSM type have the value of a parameter that a later stack makes', () => {
    const user = holder(P, parameter('AWS::SSM::Parameter::Value<String>', '/colour'))
    const maker = { Resources: { It: ssm('/colour', { Ref: 'AWS::Region' }) } }
    expect(variableOf(resolved({ User: user, Maker: maker }))).toBe('eu-west-1')
  })

  it('of an SSM type take what is given, and else say how to give it', () => {
    const user = holder(P, parameter('AWS::SSM::Parameter::Value<List<String>>', '/zones'))
    expect(variableOf(resolved({ S: user }, given({ ssm: { '/zones': 'a,b' } })))).toEqual(['a', 'b'])
    expect(variableOf(resolved({ S: user }))).toContain('give it with --ssm "/zones=value"')
  })
})

describe('dynamic references', () => {
  const secret = (properties: object) => ({
    Resources: { Secret: { Type: 'AWS::SecretsManager::Secret', Properties: properties } },
  })
  const reference = (id: unknown, rest: string) => ({
    'Fn::Join': ['', ['{{resolve:secretsmanager:', id, `:SecretString:${rest}}}`]],
  })

  it.each([
    ['{{resolve:ssm:/colour}}', 'red'],
    ['{{resolve:ssm:/colour:1}}', 'red'],
    ['{{resolve:ssm-secure:/colour}}', 'red'],
    ['a {{resolve:ssm:/colour}} {{resolve:ssm:/colour}}', 'a red red'],
  ])('%s of a parameter of the app is "%s"', (text, expected) => {
    expect(variableOf(resolved({ S: holder(text, { Resources: { It: ssm('/colour', 'red') } }) }))).toBe(
      expected,
    )
  })

  it('read a key of a secret of the app, by its ARN and by its name', () => {
    const made = secret({ Name: 'db', SecretString: '{"user":"ann"}' })
    expect(variableOf(resolved({ S: holder(reference({ Ref: 'Secret' }, 'user::'), made) }))).toBe('ann')
    expect(variableOf(resolved({ S: holder(reference('db', 'user'), made) }))).toBe('ann')
    expect(variableOf(resolved({ S: holder(reference('db', ''), made) }))).toBe('{"user":"ann"}')
  })

  it('read a generated secret, made up and the same each time', () => {
    const generated = secret({
      GenerateSecretString: { SecretStringTemplate: '{"user":"ann"}', GenerateStringKey: 'password' },
    })
    const password = () =>
      variableOf(resolved({ S: holder(reference({ Ref: 'Secret' }, 'password::'), generated) }))
    expect(password()).toMatch(/^[0-9a-f]{32}$/)
    expect(password()).toBe(password())
  })

  it.each([
    ['{{resolve:ssm:/other}}', 'give it with --ssm "/other=value"'],
    ['{{resolve:secretsmanager:other:SecretString:key}}', 'give it with --secret "other=text"'],
  ])('%s that the app does not make says how to give it', (text, expected) => {
    expect(variableOf(resolved({ S: holder(text) }))).toContain(`S/Holder (AWS::Lambda::Function) at ${text}`)
    expect(variableOf(resolved({ S: holder(text) }))).toContain(expected)
  })

  it('take what is given', () => {
    const values = given({ ssm: { '/other': 'blue' }, secrets: { other: '{"key":1}' } })
    const text = '{{resolve:ssm:/other}} {{resolve:secretsmanager:other:SecretString:key}}'
    expect(variableOf(resolved({ S: holder(text) }, values))).toBe('blue 1')
  })
})

describe('imports', () => {
  const exporting = (value: unknown) => ({
    Outputs: { Name: { Value: value, Export: { Name: { 'Fn::Sub': '${AWS::StackName}-name' } } } },
  })
  const importing = holder({ 'Fn::ImportValue': 'Maker-name' })

  it('have what another stack exports, be it before or after', () => {
    expect(variableOf(resolved({ Maker: exporting('x'), User: importing }))).toBe('x')
    expect(variableOf(resolved({ User: importing, Maker: exporting('x') }))).toBe('x')
  })

  it('take what is given for a stack outside the app, and else say how to give it', () => {
    expect(variableOf(resolved({ S: importing }, given({ imports: { 'Maker-name': 'y' } })))).toBe('y')
    expect(variableOf(resolved({ S: importing }))).toContain('give it with --import "Maker-name=value"')
  })

  it('that go in a circle say so', () => {
    const circle = exporting({ 'Fn::ImportValue': 'Maker-name' })
    expect(variableOf(resolved({ Maker: circle, User: importing }))).toContain(
      'the output "Name" depends on itself',
    )
  })
})

describe('a resource that can not be resolved', () => {
  const template = (names: readonly string[]) => ({
    Resources: Object.fromEntries(
      names.map((name, i) => [
        name,
        {
          Type: 'AWS::Lambda::Function',
          Properties: { Role: { Ref: i === names.length - 1 ? 'Nobody' : (names[i + 1] ?? '') } },
        },
      ]),
    ),
    Outputs: { Out: { Value: { Ref: names[0] } } },
  })

  it('takes what refers to it with it, and is named once as the cause', () => {
    const other = { Resources: { Queue: { Type: 'AWS::SQS::Queue' } } }
    const { resources, outputs, messages } = resolved({ S: template(['A', 'B', 'C']), T: other })
    expect(resources.map(({ logicalId }) => logicalId)).toEqual(['Queue'])
    expect(outputs).toEqual([])
    expect(messages.map(({ text }) => text)).toEqual([
      expect.stringMatching(
        /^skipped: S\/C \(AWS::Lambda::Function\) at Properties.Role: Ref names "Nobody"/,
      ),
      'skipped, because they need what is skipped: S/B, S/A',
    ])
  })

  it('is of no matter when its type is not emulated', () => {
    const bucket = { Type: 'AWS::S3::Bucket', Properties: { Tags: { Ref: 'Nobody' } } }
    const { resources, messages } = resolved({
      S: holder({ Ref: 'Bucket' }, { Resources: { Bucket: bucket } }),
    })
    expect(resources.map(({ logicalId }) => logicalId)).toEqual(['Bucket', 'Holder'])
    expect(messages).toEqual([])
  })

  it('is an output too, which is said and left out', () => {
    const { outputs, messages } = resolved({
      S: { Outputs: { Bad: { Value: { Ref: 'Nobody' } }, Good: { Value: 'x' } } },
    })
    expect(outputs).toEqual([{ stack: 'S', key: 'Good', value: 'x' }])
    expect(messages[0]?.text).toContain('skipped output: S/Bad (output)')
  })

  it('is a loop of a transform in the place of a resource', () => {
    const loop = { Resources: { 'Fn::ForEach::Topics': ['Name', ['a'], {}] } }
    expect(resolved({ S: loop }).messages[0]?.text).toBe(
      'skipped: Fn::ForEach::Topics is not supported; expected a resource with a Type',
    )
  })
})

describe('what is not emulated', () => {
  const made = (type: string, attribute?: string) =>
    resolved({
      S: holder(attribute === undefined ? { Ref: 'It' } : { 'Fn::GetAtt': ['It', attribute] }, {
        Resources: { It: { Type: type } },
      }),
    })

  it.each<[string, string | undefined, RegExp]>([
    ['AWS::S3::Bucket', undefined, /^s-it-[a-z0-9]{12}$/],
    ['AWS::S3::Bucket', 'Arn', /^arn:aws:s3:::s-it-[a-z0-9]{12}$/],
    ['AWS::SNS::Topic', undefined, /^arn:aws:sns:eu-west-1:123456789012:S-It-[A-Z0-9]{12}$/],
    [
      'AWS::StepFunctions::StateMachine',
      undefined,
      /^arn:aws:states:eu-west-1:123456789012:stateMachine:S-It-/,
    ],
    ['AWS::Cognito::UserPool', undefined, /^eu-west-1_[A-Za-z0-9]{9}$/],
    ['AWS::Cognito::UserPoolClient', undefined, /^[a-z0-9]{26}$/],
    ['AWS::ApiGateway::RestApi', undefined, /^[a-z0-9]{10}$/],
    ['AWS::EC2::VPC', 'VpcId', /^vpc-[0-9a-f]{17}$/],
    ['AWS::Other::Thing', 'ThingArn', /^arn:aws:other:eu-west-1:123456789012:thing\/S-It-/],
  ])('%s has for %s a value of the form that AWS gives, and nothing is said', (type, attribute, expected) => {
    const deployment = made(type, attribute)
    expect(variableOf(deployment)).toMatch(expected)
    expect(deployment.messages).toEqual([])
  })

  it.each([
    ['Custom::Thing', undefined],
    ['Custom::Thing', 'Colour'],
    ['AWS::CloudFormation::CustomResource', 'Colour'],
    ['AWS::Other::Thing', 'Colour'],
  ])('%s has for %s made-up text, which is said', (type, attribute) => {
    const what = attribute === undefined ? 'It' : `It.${attribute}`
    expect(made(type, attribute).messages.map(({ text }) => text)).toEqual([
      `made-up text stands for ${what} of ${type}, which is not emulated, in S/Holder (AWS::Lambda::Function)`,
    ])
  })
})

describe('two stages of an app', () => {
  it('with the same names for their resources keep the first, and say so', () => {
    const template = {
      Resources: { Fn: { Type: 'AWS::Lambda::Function', Properties: { FunctionName: 'sweep' } } },
    }
    const { resources, messages } = resolved({ Dev: template, Prod: template })
    expect(resources.map(({ stack }) => stack)).toEqual(['Dev'])
    expect(messages[0]?.text).toBe(
      'skipped: Prod/Fn (AWS::Lambda::Function) has the name "sweep" of Dev/Fn; choose stacks with --stack',
    )
  })
})
