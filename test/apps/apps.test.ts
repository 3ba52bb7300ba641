import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { App } from 'aws-cdk-lib'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { NOTHING_GIVEN } from '../../local/cloudformation/given-values.ts'
import { foreignFunctions, skippedTypes } from '../../local/report.ts'
import { type StackOptions, startStack } from '../../local/stack.ts'
import { TestClient } from '../support/openline.ts'
import { beside } from './beside.ts'
import { chat } from './chat.ts'
import { settings, withColour } from './settings.ts'
import { stages } from './stages.ts'

vi.stubEnv('CDK_VALIDATION', 'false') // CDK's check of the templates takes longer than all the rest
const folders: string[] = []
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

/** Synthesizes an app. @returns the folder of its assembly */
function synthesized(make: (outdir: string) => App): string {
  const folder = mkdtempSync(join(tmpdir(), 'app-'))
  folders.push(folder)
  return make(folder).synth().directory
}

async function start(assembly: string, options: Partial<StackOptions> = {}) {
  const warnings: string[] = []
  const warn = (source: string, text: string) => void warnings.push(`${source}: ${text}`)
  const log = { info: () => undefined, warn, error: warn }
  const stack = await startStack({ assembly, log, ...options })
  onTestFinished(() => stack.close())
  const connect = async (logicalId: RegExp | number = 0) => {
    const api = stack.apis.find((api, i) =>
      typeof logicalId === 'number' ? i === logicalId : logicalId.test(api.logicalId),
    )
    const client = new TestClient(api?.url ?? '')
    onTestFinished(() => client.socket.terminate())
    expect(await client.opened()).toBe(101)
    return client
  }
  const said = stack.deployment.messages.map(({ text }) => text)
  return { stack, connect, warnings, said }
}

describe('a chat of L1 resources in two stacks', () => {
  let assembly: string
  beforeAll(() => void (assembly = synthesized(chat)))

  it('tells everybody what one says, and forgets who leaves', async () => {
    const { stack, connect } = await start(assembly)
    const { client } = stack.dynamodb.engine
    const [TableName] = Object.values(stack.namesOf('AWS::DynamoDB::Table'))
    const count = async () => (await client.call('Scan', { TableName, ConsistentRead: true }))['Count']
    const ann = await connect()
    const bob = await connect()
    expect(await count()).toBe(2)
    ann.send({ action: 'say', text: 'hello' })
    expect([await ann.text(), await bob.text()]).toEqual(['hello', 'hello'])
    bob.socket.close()
    await vi.waitFor(async () => expect(await count()).toBe(1), { timeout: 10_000 })
  })

  it('answers an action without a route with Forbidden, for want of $default', async () => {
    const { connect } = await start(assembly)
    const ann = await connect()
    expect(await ann.ask({ action: 'nope' })).toMatchObject({ message: 'Forbidden' })
  })
})

describe('an app that takes its settings from everywhere', () => {
  const given = {
    ...NOTHING_GIVEN,
    parameters: { Mode: 'test' },
    imports: { 'another-app': 'from outside' },
  }

  it('has each of them, in a function behind either API', async () => {
    const assembly = synthesized((outdir) => withColour(settings(outdir)))
    const { stack, connect, said, warnings } = await start(assembly, { given })
    expect(said).toEqual([])
    const asking = await connect(/^Asking/)
    const answer = await asking.ask('anything')
    expect(answer).toEqual({
      GREETING: 'hello',
      COLOUR: 'red',
      PASSWORD: 'sesame',
      ONLY_IN_TEST: 'yes',
      OUTSIDE: 'from outside',
      NESTED: 'hello-queue',
      url: expect.stringMatching(
        /^https:\/\/[a-z0-9]{10}\.execute-api\.eu-west-1\.amazonaws\.com\/live$/,
      ) as string,
    })
    expect(stack.outputs).toMatchObject({ OnlyInTest: 'yes' })
    expect(warnings.join()).toContain('a function calls "ssm.us-east-1.amazonaws.com"')
    const keyed = await connect(/^Keyed/)
    expect(await keyed.ask({ do: { what: 'ask' } })).toMatchObject({ COLOUR: 'red' })
    expect(await keyed.ask({ do: { what: 'else' } })).toMatchObject({ message: 'Forbidden' })
  })

  it('does without what is not given, and says how to give it', async () => {
    const { stack, said } = await start(synthesized(settings), {
      given: { ...given, parameters: { Mode: 'live' }, ssm: { '/settings/colour': 'blue' }, imports: {} },
    })
    expect(stack.outputs).not.toHaveProperty('OnlyInTest')
    expect(said[0]).toContain('give it with --import "another-app=value"')
    expect(said[1]).toMatch(/^skipped, because they need what is skipped: Settings\//)
    expect(stack.apis.map(({ logicalId }) => logicalId.replace(/[0-9A-F]{8}$/, ''))).toEqual([
      'Asking',
      'Keyed',
    ])
  })
})

describe('an app in the company of what is not emulated', () => {
  it('runs beside it, with names of the form that AWS gives, and says what is left out', async () => {
    const { stack, connect, said } = await start(synthesized(beside))
    const client = await connect()
    expect(await client.ask({ action: 'reach' })).toEqual({
      BUCKET: expect.stringMatching(/^beside-files[0-9a-f]{8}-[a-z0-9]{12}$/) as string,
      TOPIC: expect.stringMatching(/^arn:aws:sns:eu-west-1:123456789012:Beside-News/) as string,
      MACHINE: expect.stringMatching(/^arn:aws:states:eu-west-1:123456789012:stateMachine:/) as string,
      POOL: expect.stringMatching(/^eu-west-1_\w{9}$/) as string,
      CUSTOM: 'Custom.Colour',
      said: expect.stringContaining(
        '"s3.eu-west-1.amazonaws.com" is not emulated by the local stack',
      ) as string,
    })
    expect(await client.ask({ action: 'python' })).toMatchObject({ message: 'Internal server error' })
    expect(skippedTypes(stack.deployment.resources)).toMatchObject({
      'AWS::ApiGateway::RestApi': 1,
      'AWS::CloudFormation::CustomResource': 1,
      'AWS::Cognito::UserPool': 1,
      'AWS::S3::Bucket': 1,
      'AWS::SNS::Topic': 1,
      'AWS::StepFunctions::StateMachine': 1,
    })
    expect(foreignFunctions(stack.deployment.resources)).toEqual([
      { path: 'Beside/Python', runtime: 'python3.12' },
    ])
    expect(said).toEqual([
      'made-up text stands for Custom.Colour of AWS::CloudFormation::CustomResource, which is not emulated, in Beside/Reach (AWS::Lambda::Function)',
    ])
  })
})

describe('an app of two Stages', () => {
  let assembly: string
  beforeAll(() => void (assembly = synthesized(stages)))

  it('runs the one that is asked for', async () => {
    const { stack, connect, said } = await start(assembly, { selection: { stacks: ['Prod/*'] } })
    expect(stack.apis).toHaveLength(1)
    expect(said).toEqual([])
    const client = await connect()
    client.send({ action: 'where' })
    expect(await client.text()).toBe('Prod')
  })

  it('runs both when none is asked for, with the first of what has one name', async () => {
    const { stack, connect, said } = await start(assembly)
    expect(stack.apis).toHaveLength(2)
    expect(said[0]).toContain('has the name "says-where" of Dev/Web/Fn; choose stacks with --stack')
    const client = await connect(1)
    client.send({ action: 'where' })
    expect(await client.text()).toBe('Dev')
  })
})
