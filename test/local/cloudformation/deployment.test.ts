import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { App, Annotations, CfnOutput, CfnResource, NestedStack, Stack, Stage } from 'aws-cdk-lib'
import { readAssembly } from '../../../local/cloudformation/assembly.ts'
import { resolveAssembly } from '../../../local/cloudformation/deployment.ts'

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'assembly-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  return folder
}

/** Stacks by name, deployed in the order given. */
function resolved(stacks: Readonly<Record<string, object>>) {
  const folder = temporary()
  const artifacts: Record<string, object> = {}
  for (const [name, template] of Object.entries(stacks)) {
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(template))
    artifacts[name] = { type: 'aws:cloudformation:stack', properties: { templateFile: `${name}.json` } }
  }
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ artifacts }))
  return resolveAssembly(readAssembly(folder))
}

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
  ])('%j is an error that names construct and property', (value, message) => {
    expect(() => valueIn(value)).toThrow('S/Holder (AWS::Lambda::Function) at Properties.Value: ')
    expect(() => valueIn(value)).toThrow(message)
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

it('gives an SSM-typed parameter the value of a parameter that a later stack makes', () => {
  const user = {
    Parameters: { Colour: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/colour' } },
    Outputs: { Colour: { Value: { Ref: 'Colour' } } },
  }
  const maker = {
    Resources: { It: { Type: 'AWS::SSM::Parameter', Properties: { Name: '/colour', Value: 'red' } } },
  }
  expect(resolved({ User: user, Maker: maker }).outputs[0]?.value).toBe('red')
})
