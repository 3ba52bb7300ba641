import { mkdtempSync, rmSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApiGatewayManagementApiClient, GetConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi'
import { App, Stack } from 'aws-cdk-lib'
import { WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2'
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Clock, ManualClock, RunningClock, systemClock } from '../../../local/clock.ts'
import { Faults } from '../../../local/faults.ts'
import { DEVELOPER } from '../../../local/iam/credentials.ts'
import { signedHeaders } from '../../../local/iam/signing.ts'
import { startStack } from '../../../local/stack.ts'
import type { Outcome } from './caller.ts'
import { bundleCaller } from './caller-code.ts'

const REGION = 'eu-west-1'
const DAY_MS = 86_400_000

let folder: string
let assembly: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'clocks-test-'))
  const code = await bundleCaller(folder)
  const app = new App({ outdir: join(folder, 'cdk.out'), analyticsReporting: false })
  const stack = new Stack(app, 'Clocks', { env: { account: '123456789012', region: REGION } })
  const caller = new LambdaFunction(stack, 'Caller', {
    functionName: 'Caller',
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromAsset(code),
  })
  const partitionKey = { name: 'id', type: AttributeType.STRING }
  new Table(stack, 'Tasks', { tableName: 'Tasks', partitionKey }).grantReadWriteData(caller)
  const api = new WebSocketApi(stack, 'Sockets')
  new WebSocketStage(stack, 'Dev', { webSocketApi: api, stageName: 'dev', autoDeploy: true })
  api.grantManageConnections(caller)
  assembly = app.synth().directory
}, 120_000)

afterAll(() => rmSync(folder, { recursive: true }))

/** A running stack whose function calls services with the SDK. */
async function start(clock: Clock, skewMs = 0) {
  const faults = new Faults()
  if (skewMs !== 0) faults.plan('function.skew', { durationMs: Math.abs(skewMs), chance: skewMs > 0 ? 1 : 0 })
  const stack = await startStack({ assembly, clock, faults })
  onTestFinished(() => stack.close())
  const { url = '', id = '' } = {
    id: Object.values(stack.namesOf('AWS::ApiGatewayV2::Api'))[0],
    ...stack.apis[0],
  }
  const call = async (name: string, input: object, endpoint = '') => {
    const { payload } = await stack.functions.invoke('Caller', { call: name, input, endpoint })
    return JSON.parse(payload) as Outcome
  }
  return {
    stack,
    faults,
    /** From this process, which lives in the machine's time. */
    callFromOutside: async () => {
      const endpoint = url.replace('ws:', 'http:')
      const client = new ApiGatewayManagementApiClient({
        endpoint,
        region: REGION,
        credentials: DEVELOPER,
        maxAttempts: 1,
      })
      onTestFinished(() => client.destroy())
      return client
        .send(new GetConnectionCommand({ ConnectionId: 'TXzPWdnOjoECGjA=' }))
        .catch((error: unknown) => (error as Error).name)
    },
    put: () => call('PutItem', { TableName: 'Tasks', Item: { id: { S: '1' } } }),
    post: () =>
      call(
        'PostToConnection',
        { ConnectionId: 'TXzPWdnOjoECGjA=' },
        `https://${id}.execute-api.${REGION}.amazonaws.com/dev`,
      ),
  }
}

const ahead = () => {
  const clock = new RunningClock()
  clock.jump(3 * DAY_MS)
  return clock
}

describe('a signature', () => {
  it.each([
    ['days ahead of the machine', ahead],
    ["the machine's", () => systemClock],
  ])("is taken from functions and from outside, where the stack's clock is %s", async (_name, clock) => {
    const { put, post, callFromOutside } = await start(clock())
    expect(await put()).toEqual({ name: 'done' })
    expect(await post()).toMatchObject({ name: 'GoneException' })
    expect(await callFromOutside()).toBe('GoneException')
  })

  it("is taken from functions that live in the machine's time, where the stack's clock stands elsewhere", async () => {
    const { put } = await start(new ManualClock(Date.now() + DAY_MS))
    expect(await put()).toEqual({ name: 'done' })
  })
})

it('is answered with the time that functions live in, by the engine of DynamoDB too', async () => {
  const clock = ahead()
  const { stack } = await start(clock)
  const url = new URL(`https://dynamodb.${REGION}.amazonaws.com/`)
  const body = Buffer.from('{"TableName":"Tasks","Key":{"id":{"S":"1"}}}')
  const headers = signedHeaders(
    {
      method: 'POST',
      url,
      headers: {
        'x-amz-target': 'DynamoDB_20120810.GetItem',
        'content-type': 'application/x-amz-json-1.0',
      },
      body,
    },
    DEVELOPER,
    { region: REGION, service: 'dynamodb' },
    clock.now(),
  )
  const before = clock.now() - 1_000
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request(stack.toLocal(url.href), { method: 'POST', headers }, resolve).on('error', reject).end(body)
  })
  answer.resume()
  expect(answer.statusCode).toBe(200)
  expect(Date.parse(answer.headers.date ?? '')).toBeGreaterThanOrEqual(before)
})

describe('a function whose clock is off by more than a signature may be', () => {
  it.each([
    ['ahead of', 'days ahead', ahead, 600_000],
    ['behind', 'days ahead', ahead, -600_000],
    ['ahead of', "the machine's", () => systemClock, 600_000],
    ['behind', "the machine's", () => systemClock, -600_000],
  ])(
    "ten minutes %s a stack's that is %s, has the SDK put it right by the date of the refusal",
    async (_direction, _name, clock, skewMs) => {
      const { put, post, faults } = await start(clock(), skewMs)
      expect(await put()).toEqual({ name: 'done' })
      expect(await post()).toMatchObject({ name: 'GoneException' })
      expect(faults.counts).toEqual({ 'function.skew': 1 })
    },
  )
})
