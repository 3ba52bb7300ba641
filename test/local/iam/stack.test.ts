import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignatureV4 } from '@smithy/signature-v4'
import { App, Stack } from 'aws-cdk-lib'
import {
  CfnIntegration,
  CfnIntegrationResponse,
  CfnRoute,
  CfnRouteResponse,
  HttpApi,
  HttpNoneAuthorizer,
  WebSocketApi,
  WebSocketStage,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpIamAuthorizer, WebSocketIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers'
import { HttpLambdaIntegration, WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { AttributeType, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb'
import { CfnRule, EventBus } from 'aws-cdk-lib/aws-events'
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { CfnEventSourceMapping, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Queue } from 'aws-cdk-lib/aws-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { DEVELOPER, type Credentials } from '../../../local/iam/credentials.ts'
import { type RunningStack, startStack } from '../../../local/stack.ts'
import type { Outcome } from './caller.ts'
import { bundleCaller } from './caller-code.ts'
import { Sha256 } from './sha256.ts'

const ACCOUNT = '123456789012'
const REGION = 'eu-west-1'
const TABLE = `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/Tasks`
const QUEUE_URL = `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/Jobs`

/** Services that routes of the WebSocket API `Direct` call by themselves. */
const DIRECT = {
  dynamodb: { action: 'PutItem', template: '{"TableName":"Tasks","Item":{"id":{"S":"direct"}}}' },
  sqs: { action: 'SendMessage', template: `{"QueueUrl":"${QUEUE_URL}","MessageBody":"direct"}` },
  events: {
    action: 'PutEvents',
    template: '{"Entries":[{"EventBusName":"Bus","Source":"s","DetailType":"d","Detail":"{}"}]}',
  },
}

/** Subtypes that routes of the HTTP API call, with their parameters. */
const FIRST_CLASS = {
  'SQS-SendMessage': { QueueUrl: QUEUE_URL, MessageBody: 'direct' },
  'EventBridge-PutEvents': { EventBusName: 'Bus', Source: 's', DetailType: 'd', Detail: '{}' },
}

/** An app with a function that has every grant, one that has none, and one whose policy denies what another allows. */
async function synthesize(folder: string): Promise<string> {
  const code = await bundleCaller(folder)
  const app = new App({ outdir: join(folder, 'cdk.out'), analyticsReporting: false })
  const stack = new Stack(app, 'Guarded', { env: { account: ACCOUNT, region: REGION } })
  const fn = (name: string) =>
    new LambdaFunction(stack, name, {
      functionName: name,
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: Code.fromAsset(code),
    })
  const [granted, bare, denied] = [fn('Granted'), fn('Bare'), fn('Denied')]
  const partitionKey = { name: 'id', type: AttributeType.STRING }
  const table = new Table(stack, 'Tasks', {
    tableName: 'Tasks',
    partitionKey,
    stream: StreamViewType.KEYS_ONLY,
  })
  const queue = new Queue(stack, 'Jobs', { queueName: 'Jobs' })
  const bus = new EventBus(stack, 'Bus', { eventBusName: 'Bus' })

  const sockets = new WebSocketApi(stack, 'Sockets', {
    connectRouteOptions: {
      integration: new WebSocketLambdaIntegration('Connect', granted),
      authorizer: new WebSocketIamAuthorizer(),
    },
  })
  new WebSocketStage(stack, 'Dev', { webSocketApi: sockets, stageName: 'dev', autoDeploy: true })
  const open = new WebSocketApi(stack, 'Open')
  new WebSocketStage(stack, 'OpenDev', { webSocketApi: open, stageName: 'dev', autoDeploy: true })
  const uri = `arn:aws:apigateway:${REGION}:lambda:path/2015-03-31/functions/${bare.functionArn}/invocations`
  const unpermitted = new CfnIntegration(stack, 'Unpermitted', {
    apiId: open.apiId,
    integrationType: 'AWS_PROXY',
    integrationUri: uri,
  })
  for (const routeKey of ['$connect', '$default'])
    new CfnRoute(stack, `Open${routeKey}`, {
      apiId: open.apiId,
      routeKey,
      target: `integrations/${unpermitted.ref}`,
    })

  const rest = new HttpApi(stack, 'Rest', { defaultAuthorizer: new HttpIamAuthorizer() })
  const integration = new HttpLambdaIntegration('Handle', granted)
  rest.addRoutes({ path: '/tasks/{id}', integration })
  const toBare = new CfnIntegration(stack, 'ToBare', {
    apiId: rest.apiId,
    integrationType: 'AWS_PROXY',
    integrationUri: bare.functionArn,
    payloadFormatVersion: '2.0',
  })
  new CfnRoute(stack, 'Bare route', {
    apiId: rest.apiId,
    routeKey: 'GET /bare',
    target: `integrations/${toBare.ref}`,
  })
  rest.addRoutes({ path: '/open', integration, authorizer: new HttpNoneAuthorizer() })

  const roles = {
    may: new Role(stack, 'May', { assumedBy: new ServicePrincipal('apigateway.amazonaws.com') }),
    'may-not': new Role(stack, 'MayNot', { assumedBy: new ServicePrincipal('apigateway.amazonaws.com') }),
    'is-not-trusted': new Role(stack, 'NotTrusted', {
      assumedBy: new ServicePrincipal('events.amazonaws.com'),
    }),
    'is-none': undefined,
  }
  for (const role of [roles.may, roles['is-not-trusted']]) {
    table.grantWriteData(role)
    queue.grantSendMessages(role)
    bus.grantPutEventsTo(role)
  }
  const direct = new WebSocketApi(stack, 'Direct')
  new WebSocketStage(stack, 'DirectDev', { webSocketApi: direct, stageName: 'dev', autoDeploy: true })
  for (const [who, role] of Object.entries(roles))
    for (const [service, { action, template }] of Object.entries(DIRECT)) {
      const id = `${service} ${who}`
      const { apiId } = direct
      const credentials = role && { credentialsArn: role.roleArn }
      const { ref } = new CfnIntegration(stack, `To ${id}`, {
        apiId,
        integrationType: 'AWS',
        integrationMethod: 'POST',
        integrationUri: `arn:aws:apigateway:${REGION}:${service}:action/${action}`,
        requestTemplates: { $default: template },
        templateSelectionExpression: '\\$default',
        ...credentials,
      })
      new CfnIntegrationResponse(stack, `From ${id}`, {
        apiId,
        integrationId: ref,
        integrationResponseKey: '$default',
      })
      const route = new CfnRoute(stack, `Route ${id}`, {
        apiId,
        routeKey: id,
        routeResponseSelectionExpression: '$default',
        target: `integrations/${ref}`,
      })
      new CfnRouteResponse(stack, `Answer ${id}`, {
        apiId,
        routeId: route.ref,
        routeResponseKey: '$default',
      })
    }
  for (const [who, role] of Object.entries(roles))
    for (const [subtype, requestParameters] of Object.entries(FIRST_CLASS)) {
      const { ref } = new CfnIntegration(stack, `${subtype} ${who}`, {
        apiId: rest.apiId,
        integrationType: 'AWS_PROXY',
        integrationSubtype: subtype,
        payloadFormatVersion: '1.0',
        requestParameters,
        ...(role && { credentialsArn: role.roleArn }),
      })
      new CfnRoute(stack, `Route ${subtype} ${who}`, {
        apiId: rest.apiId,
        routeKey: `GET /${subtype}/${who}`,
        target: `integrations/${ref}`,
      })
    }

  table.grantReadWriteData(granted)
  queue.grantSendMessages(granted)
  bus.grantPutEventsTo(granted)
  bare.grantInvoke(granted)
  sockets.grantManageConnections(granted)
  table.grantReadWriteData(denied)
  const effect = Effect.DENY
  denied.addToRolePolicy(new PolicyStatement({ effect, actions: ['dynamodb:Put*'], resources: ['*'] }))

  new CfnEventSourceMapping(stack, 'Mapping', {
    functionName: bare.functionName,
    eventSourceArn: table.tableStreamArn ?? '',
    startingPosition: 'TRIM_HORIZON',
  })
  new CfnEventSourceMapping(stack, 'QueueMapping', {
    functionName: bare.functionName,
    eventSourceArn: queue.queueArn,
  })
  new CfnRule(stack, 'Rule', {
    eventBusName: bus.eventBusName,
    eventPattern: { source: ['test'] },
    targets: [{ id: 'Target', arn: bare.functionArn }],
  })
  return app.synth().directory
}

interface Running {
  readonly stack: RunningStack
  readonly warnings: string[]
}

let folder: string
let assembly: string
let guarded: Running
let unguarded: Running

async function start(iam: boolean): Promise<Running> {
  const warnings: string[] = []
  const warn = (source: string, text: string) => void warnings.push(`${source}: ${text}`)
  const stack = await startStack({ assembly, iam, log: { info: () => undefined, warn, error: warn } })
  return { stack, warnings }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'iam-test-'))
  assembly = await synthesize(folder)
  guarded = await start(true)
  unguarded = await start(false)
}, 120_000)

afterAll(async () => {
  await Promise.all([guarded.stack.close(), unguarded.stack.close()])
  rmSync(folder, { recursive: true })
})

async function ask(
  name: string,
  call: string,
  input: object,
  { stack }: Running = guarded,
): Promise<Outcome> {
  const id = Object.values(stack.namesOf('AWS::ApiGatewayV2::Api'))[0] ?? ''
  const endpoint = `https://${id}.execute-api.${REGION}.amazonaws.com/dev`
  const { payload } = await stack.functions.invoke(name, { call, input, endpoint })
  return JSON.parse(payload) as Outcome
}

const urlOf = ({ stack }: Running, logicalId: string) =>
  stack.apis.find((api) => api.logicalId.startsWith(logicalId))?.url ?? ''

const Item = { id: { S: '1' } }
const GONE = 'TXzPWdnOjoECGjA='
const CALLS: Record<string, object> = {
  GetItem: { TableName: 'Tasks', Key: Item },
  PutItem: { TableName: 'Tasks', Item },
  TransactWriteItems: { TransactItems: [{ Put: { TableName: 'Tasks', Item } }] },
  Invoke: { FunctionName: 'Bare' },
  SendMessage: { QueueUrl: QUEUE_URL, MessageBody: 'x' },
  PutEvents: { Entries: [{ EventBusName: 'Bus', Source: 'test', DetailType: 'Test', Detail: '{}' }] },
}

describe('a function', () => {
  it.each(Object.entries(CALLS))('with the grant may %s', async (call, input) => {
    expect(await ask('Granted', call, input)).toEqual({ name: 'done' })
  })

  it('with the grant may PostToConnection', async () => {
    const outcome = await ask('Granted', 'PostToConnection', { ConnectionId: GONE })
    expect(outcome).toMatchObject({ name: 'GoneException', status: 410 })
  })

  const user = `User: arn:aws:sts::${ACCOUNT}:assumed-role/`
  it.each<[string, string, number, string, string]>([
    ['GetItem', 'AccessDeniedException', 400, 'dynamodb:GetItem', TABLE],
    ['PutItem', 'AccessDeniedException', 400, 'dynamodb:PutItem', TABLE],
    ['TransactWriteItems', 'AccessDeniedException', 400, 'dynamodb:PutItem', TABLE],
    [
      'Invoke',
      'AccessDeniedException',
      403,
      'lambda:InvokeFunction',
      `arn:aws:lambda:${REGION}:${ACCOUNT}:function:Bare`,
    ],
    ['SendMessage', 'AccessDenied', 403, 'sqs:sendmessage', `arn:aws:sqs:${REGION}:${ACCOUNT}:Jobs`],
    [
      'PutEvents',
      'AccessDeniedException',
      400,
      'events:PutEvents',
      `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/Bus`,
    ],
  ])('without it sees what AWS gives for %s: %s', async (call, name, status, action, arn) => {
    const outcome = await ask('Bare', call, CALLS[call] ?? {})
    expect(outcome).toMatchObject({ name, status })
    expect(outcome.message?.startsWith(user)).toBe(true)
    const end = ` is not authorized to perform: ${action} on resource: ${arn} because no identity-based policy allows the ${action} action`
    expect(outcome.message?.endsWith(`/Bare${end}`)).toBe(true)
  })

  it('without it sees what AWS gives for PostToConnection', async () => {
    const outcome = await ask('Bare', 'PostToConnection', { ConnectionId: GONE })
    expect(outcome).toMatchObject({ name: 'AccessDeniedException', status: 403 })
    expect(outcome.message).toMatch(
      /execute-api:eu-west-1:\*{8}9012:\w{10}\/dev\/POST\/@connections\/\{connectionId\}$/,
    )
  })

  it('without it is named to the developer, with the grant that it lacks', async () => {
    await ask('Bare', 'PutItem', CALLS['PutItem'] ?? {})
    expect(guarded.warnings).toContainEqual(
      expect.stringMatching(
        /^iam: Bare may not dynamodb:PutItem on .*: .*; table\.grantWriteData\(fn\) would allow it/,
      ),
    )
  })

  it('that is denied explicitly is told so, whatever else allows it', async () => {
    const { message } = await ask('Denied', 'PutItem', CALLS['PutItem'] ?? {})
    expect(message).toMatch(
      /dynamodb:PutItem on resource: .* with an explicit deny in an identity-based policy$/,
    )
    expect(await ask('Denied', 'GetItem', CALLS['GetItem'] ?? {})).toEqual({ name: 'done' })
  })
})

describe('a function that API Gateway has no permission for', () => {
  it('refuses the handshake with 500', async () => {
    expect(await handshake(urlOf(guarded, 'Open'))).toBe(500)
  })

  it('answers a request with 500', async () => {
    const response = await signedFetch(`${urlOf(guarded, 'Rest')}/bare`)
    expect([response.status, await response.text()]).toEqual([500, '{"message":"Internal Server Error"}'])
  })

  it('is named to the developer', () => {
    expect(guarded.warnings).toContainEqual(
      expect.stringMatching(
        /^iam: apigateway\.amazonaws\.com may not lambda:InvokeFunction on .*:function:Bare for .*\/dev\/\$connect: no AWS::Lambda::Permission allows it/,
      ),
    )
  })
})

it.each([
  ['Mapping', 'Cannot access stream', 'dynamodb:DescribeStream; table.grantStreamRead(fn)'],
  [
    'QueueMapping',
    'does not have permissions to call ReceiveMessage on SQS',
    'queue.grantConsumeMessages(fn)',
  ],
])('the event source mapping %s reads nothing for a function that may not', (path, refusal, grant) => {
  const line = guarded.warnings.find((text) => text.startsWith(`iam: Guarded/${path} would not be deployed`))
  expect(line).toContain(refusal)
  expect(line).toContain(grant)
})

it('a rule does not reach a function without permission', async () => {
  await ask('Granted', 'PutEvents', CALLS['PutEvents'] ?? {})
  expect(guarded.warnings).toContainEqual(
    expect.stringMatching(
      /^iam: events\.amazonaws\.com may not lambda:InvokeFunction on .*:function:Bare for .*:rule\/Bus\//,
    ),
  )
})

describe('a route that calls a service with a role', () => {
  const answerTo = async (key: string, running = guarded) => {
    const socket = new WebSocket(urlOf(running, 'Direct'))
    await once(socket, 'open')
    socket.send(JSON.stringify({ action: key }))
    const [data] = (await once(socket, 'message')) as [Buffer]
    socket.terminate()
    return data.toString()
  }

  it.each(Object.keys(DIRECT))('of a WebSocket API reaches %s with the grant', async (service) => {
    expect(await answerTo(`${service} may`)).not.toMatch(/denied|error/i)
  })

  it.each(Object.keys(DIRECT))('of a WebSocket API is refused by %s without the grant', async (service) => {
    expect(await answerTo(`${service} may-not`)).toMatch(
      /AccessDenied.*:assumed-role\/.*\/BackplaneAssumeRoleSession is not authorized to perform/,
    )
  })

  it.each(['is-not-trusted', 'is-none'])(
    'of a WebSocket API answers Internal server error where the role %s',
    async (who) => {
      expect(await answerTo(`dynamodb ${who}`)).toMatch(/^\{"message": "Internal server error"/)
      expect(await answerTo(`dynamodb ${who}`, unguarded)).toBe('{}')
    },
  )

  it.each(Object.keys(FIRST_CLASS))('of an HTTP API reaches %s with the grant alone', async (subtype) => {
    const refused = subtype === 'SQS-SendMessage' ? 403 : 400
    for (const [who, status] of Object.entries({
      may: 200,
      'may-not': refused,
      'is-not-trusted': refused,
      'is-none': refused,
    })) {
      const response = await signedFetch(`${urlOf(guarded, 'Rest')}/${subtype}/${who}`)
      expect([who, response.status]).toEqual([who, status])
      if (status !== 200) expect(await response.text()).toMatch(/AccessDenied.*is not authorized to perform/)
    }
  })
})

describe('a route of an HTTP API with AWS_IAM', () => {
  it('refuses what is not signed', async () => {
    const response = await fetch(`${urlOf(guarded, 'Rest')}/tasks/1`)
    expect([response.status, await response.text()]).toEqual([403, '{"message":"Forbidden"}'])
  })

  it('refuses who may not', async () => {
    const response = await signedFetch(`${urlOf(guarded, 'Rest')}/tasks/1`, {
      ...DEVELOPER,
      accessKeyId: 'nobody',
    })
    expect(response.status).toBe(403)
  })

  it('tells the function who has signed', async () => {
    const response = await signedFetch(`${urlOf(guarded, 'Rest')}/tasks/a%20b?x=1&a=2`)
    const { requestContext } = (await response.json()) as { requestContext: Record<string, unknown> }
    expect(requestContext['authorizer']).toEqual({
      iam: {
        accessKey: 'local',
        accountId: ACCOUNT,
        callerId: 'AIDALOCAL',
        cognitoIdentity: null,
        principalOrgId: null,
        userArn: `arn:aws:iam::${ACCOUNT}:user/local`,
        userId: 'AIDALOCAL',
      },
    })
  })

  it('has neighbours that are open', async () => {
    expect((await fetch(`${urlOf(guarded, 'Rest')}/open`)).status).toBe(200)
  })
})

describe('a WebSocket API with AWS_IAM', () => {
  it('refuses a handshake that is not signed', async () => {
    expect(await handshake(urlOf(guarded, 'Sockets'))).toBe(403)
  })

  it.each(['in headers', 'in the query'])('takes a handshake that is signed %s', async (place) => {
    const url = new URL(urlOf(guarded, 'Sockets'))
    const request = { ...requestFor(url), path: url.pathname }
    if (place === 'in headers') {
      const { headers } = await signerOf(DEVELOPER).sign(request)
      expect(await handshake(url.href, headers)).toBe(101)
    } else {
      const { query = {} } = await signerOf(DEVELOPER).presign(request)
      const search = new URLSearchParams(query as Record<string, string>).toString()
      expect(await handshake(`${url.href}?${search}`)).toBe(101)
    }
  })
})

describe('with IAM off', () => {
  it.each(Object.entries(CALLS))('a function without a grant may %s', async (call, input) => {
    expect(await ask('Bare', call, input, unguarded)).toEqual({ name: 'done' })
  })

  it('nothing needs a signature or a permission, and nothing is said', async () => {
    expect((await fetch(`${urlOf(unguarded, 'Rest')}/tasks/1`)).status).toBe(200)
    expect((await fetch(`${urlOf(unguarded, 'Rest')}/bare`)).status).toBe(200)
    expect(await handshake(urlOf(unguarded, 'Sockets'))).toBe(101)
    expect(await handshake(urlOf(unguarded, 'Open'))).toBe(101)
    expect(unguarded.warnings.filter((line) => line.startsWith('iam:'))).toEqual([])
  })
})

const signerOf = (credentials: Credentials) =>
  new SignatureV4({ credentials, region: REGION, service: 'execute-api', sha256: Sha256 })

const requestFor = ({ hostname, host, searchParams }: URL) => ({
  method: 'GET',
  protocol: 'http:',
  hostname,
  headers: { host },
  query: Object.fromEntries(searchParams),
})

async function signedFetch(target: string, credentials: Credentials = DEVELOPER) {
  const url = new URL(target)
  const { headers } = await signerOf(credentials).sign({ ...requestFor(url), path: url.pathname })
  return fetch(url, { headers })
}

/** The status that a handshake is answered with. */
function handshake(url: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { headers })
    socket.on('open', () => {
      resolve(101)
      socket.terminate()
    })
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    socket.on('error', () => undefined)
  })
}
