import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App, CfnOutput, CfnResource, Stack, Stage } from 'aws-cdk-lib'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Assembly, readAssembly } from '../../../local/cloudformation/assembly.ts'
import { type DeploymentOptions, resolveAssembly } from '../../../local/cloudformation/deployment.ts'
import { assemblyOf, temporary } from './fixture.ts'

const api = {
  Resources: { Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'WEBSOCKET' } } },
}
const queue = { Resources: { Queue: { Type: 'AWS::SQS::Queue' } } }

/** Stacks with the Region of each, or none. */
function select(
  stacks: Readonly<Record<string, readonly [object, string | undefined]>>,
  selection: DeploymentOptions['selection'] = {},
) {
  const parts = Object.entries(stacks).map(([name, [template, region = 'unknown-region']]) => {
    const environment = `aws://${region === 'unknown-region' ? 'unknown-account' : '111111111111'}/${region}`
    return [name, { template, environment }] as const
  })
  const assembly = readAssembly(assemblyOf(Object.fromEntries(parts)))
  const deployment = resolveAssembly(assembly, { selection })
  return { ...deployment, stacks: [...new Set(deployment.resources.map(({ stack }) => stack))] }
}

describe('the Region', () => {
  it('is open where no stack says one', () => {
    const { isRegionOpen, environment } = select({ A: [api, undefined] })
    expect(isRegionOpen).toBe(true)
    expect(environment).toEqual({ partition: 'aws', region: 'eu-west-1', accountId: '123456789012' })
  })

  it('is the one that the stacks say, for those that say none too', () => {
    const { isRegionOpen, environment, stacks } = select({ Q: [queue, undefined], A: [api, 'us-east-1'] })
    expect(isRegionOpen).toBe(false)
    expect(environment).toEqual({ partition: 'aws', region: 'us-east-1', accountId: '111111111111' })
    expect(stacks).toEqual(['Q', 'A'])
  })

  it('is that of the first API where there are several, and the others are named', () => {
    const { environment, stacks, messages } = select({
      Edge: [queue, 'us-east-1'],
      West: [api, 'eu-west-1'],
      East: [api, 'ap-south-1'],
    })
    expect(environment.region).toBe('eu-west-1')
    expect(stacks).toEqual(['West'])
    expect(messages.map(({ text }) => text)).toEqual([
      'stack "Edge" is for us-east-1, account 111111111111 and does not run here; run it with --region us-east-1 --account 111111111111',
      'stack "East" is for ap-south-1, account 111111111111 and does not run here; run it with --region ap-south-1 --account 111111111111',
    ])
  })

  it('is the one asked for', () => {
    const stacks = { West: [api, 'eu-west-1'], East: [api, 'cn-north-1'] } as const
    const chosen = select(stacks, { region: 'cn-north-1' })
    expect(chosen.stacks).toEqual(['East'])
    expect(chosen.environment.partition).toBe('aws-cn')
    const open = select({ A: [api, undefined] }, { region: 'ap-south-1', accountId: '222222222222' })
    expect(open.isRegionOpen).toBe(false)
    expect(open.environment).toMatchObject({ region: 'ap-south-1', accountId: '222222222222' })
  })

  it('that no stack is for is an error that names what there is', () => {
    expect(() => select({ West: [api, 'eu-west-1'] }, { region: 'us-east-1' })).toThrow(
      'no stack is for us-east-1; the app has West (eu-west-1, account 111111111111)',
    )
  })
})

describe('--stack', () => {
  let assembly: Assembly
  beforeAll(() => {
    const made = new App({ outdir: mkdtempSync(join(tmpdir(), 'assembly-')) })
    for (const name of ['Dev', 'Prod']) {
      const stage = new Stage(made, name)
      const data = new Stack(stage, 'Data')
      const table = new CfnResource(data, 'Table', { type: 'AWS::DynamoDB::Table' })
      const web = new Stack(stage, 'Api')
      new CfnResource(web, 'Fn', { type: 'AWS::Lambda::Function', properties: { Role: table.ref } })
      new Stack(stage, 'Other').templateOptions.description = 'empty'
    }
    const { directory } = made.synth()
    assembly = readAssembly(directory)
    return () => rmSync(directory, { recursive: true })
  })

  it.each([
    [['Prod/Api'], ['Prod-Data', 'Prod-Api']],
    [['Prod-Data'], ['Prod-Data']],
    [['Dev/*'], ['Dev-Data', 'Dev-Api']],
    [[], ['Dev-Data', 'Dev-Api', 'Prod-Data', 'Prod-Api']],
  ])('%j runs %j: what it names, and what that depends on', (stacks, expected) => {
    const { resources } = resolveAssembly(assembly, { selection: { stacks } })
    expect([...new Set(resources.map(({ stack }) => stack))]).toEqual(expected)
  })

  it('that fits nothing is an error that names the stacks', () => {
    expect(() => resolveAssembly(assembly, { selection: { stacks: ['Nope'] } })).toThrow(
      '--stack "Nope" is no stack; expected Dev/Data (Dev-Data), Dev/Api (Dev-Api), Dev/Other (Dev-Other), Prod/Data',
    )
  })
})

describe('references to another Region', () => {
  it('have their values, as the CDK hands them over through SSM parameters', () => {
    const app = new App({ outdir: temporary() })
    const env = (region: string) => ({
      env: { account: '111111111111', region },
      crossRegionReferences: true,
    })
    const edge = new Stack(app, 'Edge', env('us-east-1'))
    const bucket = new CfnResource(edge, 'Certificate', { type: 'AWS::CertificateManager::Certificate' })
    const web = new Stack(app, 'Web', env('eu-west-1'))
    new CfnResource(web, 'Api', {
      type: 'AWS::ApiGatewayV2::Api',
      properties: { ProtocolType: 'WEBSOCKET', Description: bucket.ref },
    })
    new CfnOutput(web, 'Arn', { value: bucket.ref })
    const { outputs, resources } = resolveAssembly(readAssembly(app.synth().directory))
    const arn = /^arn:aws:acm:us-east-1:111111111111:certificate\/[0-9a-f-]{36}$/
    expect(outputs.find(({ key }) => key === 'Arn')?.value).toMatch(arn)
    expect(resources.find(({ logicalId }) => logicalId === 'Api')?.properties['Description']).toMatch(arn)
  })
})
