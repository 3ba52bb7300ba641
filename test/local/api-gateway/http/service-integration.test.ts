import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../../local/clock.ts'
import { silentLog } from '../../../../local/log.ts'
import { callSqs } from '../../../../local/sqs/call.ts'
import { queueDefinitions } from '../../../../local/sqs/definition.ts'
import { Queues } from '../../../../local/sqs/queues.ts'
import { apiResources, environment, functionArn, resource, startApi } from './fixture.ts'

const QueueUrl = 'https://sqs.eu-west-1.amazonaws.com/123456789012/tasks'

async function start(IntegrationSubtype: string, RequestParameters: Record<string, string>) {
  const queue = {
    ...resource('SQS::Queue', 'Queue', {}, 'arn:aws:sqs:eu-west-1:123456789012:tasks'),
    physicalId: QueueUrl,
  }
  const queues = new Queues(queueDefinitions([queue]), { clock: new ManualClock(), log: silentLog })
  const api = await startApi(
    apiResources({
      integration: {
        IntegrationSubtype,
        RequestParameters,
        PayloadFormatVersion: '1.0',
        IntegrationUri: undefined,
      },
    }),
    {
      services: (service, operation, input) => {
        expect(service).toBe('SQS')
        return callSqs(queues, environment.accountId, operation, input)
      },
    },
  )
  return { ...api, queue: queues.byUrl(QueueUrl) }
}

describe('an integration with SQS', () => {
  it('sends what the request holds as a message', async () => {
    const { url, queue, fn } = await start('SQS-SendMessage', {
      QueueUrl,
      MessageBody: '$request.body.text',
      DelaySeconds: '0',
      MessageAttributes: '{"kind":{"DataType":"String","StringValue":"${request.querystring.kind}"}}',
      Region: 'eu-west-1',
    })
    const response = await fetch(`${url}/?kind=a`, { method: 'POST', body: '{"text":"hello"}' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    const [message] = await queue.receive({ signal: new AbortController().signal })
    expect(message?.body).toBe('hello')
    expect(message?.attributes).toEqual({ kind: { DataType: 'String', StringValue: 'a' } })
    expect(await response.json()).toMatchObject({ MessageId: message?.id })
    expect(fn.calls).toHaveLength(0)
  })

  it('receives, deletes and purges', async () => {
    const received = await start('SQS-ReceiveMessage', {
      QueueUrl,
      MaxNumberOfMessages: '10',
      AttributeName: 'All',
    })
    received.queue.send({ body: 'hello' })
    const { Messages } = (await (await fetch(received.url)).json()) as {
      Messages: { Body: string; Attributes: object; ReceiptHandle: string }[]
    }
    expect(Messages).toMatchObject([{ Body: 'hello', Attributes: { ApproximateReceiveCount: '1' } }])
    const deleted = await start('SQS-DeleteMessage', { QueueUrl, ReceiptHandle: '$request.body.handle' })
    expect((await fetch(deleted.url, { method: 'POST', body: '{"handle":"none"}' })).status).toBe(404)
    const purged = await start('SQS-PurgeQueue', { QueueUrl })
    purged.queue.send({ body: 'hello' })
    expect((await fetch(purged.url)).status).toBe(200)
    expect(await purged.queue.receive({ signal: new AbortController().signal })).toEqual([])
  })

  it("answers the service's refusal, of a message without a body for one", async () => {
    const { url } = await start('SQS-SendMessage', { QueueUrl, MessageBody: '$request.body.text' })
    const response = await fetch(url, { method: 'POST', body: '{}' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ message: expect.stringContaining('MessageBody') as string })
  })
})

describe('an integration with EventBridge', () => {
  it('puts what the request holds on the bus as one event', async () => {
    const calls: unknown[] = []
    const { url } = await startApi(
      apiResources({
        integration: {
          IntegrationSubtype: 'EventBridge-PutEvents',
          CredentialsArn: 'arn:role',
          PayloadFormatVersion: '1.0',
          RequestParameters: {
            Source: 'tasks',
            DetailType: '$request.header.x-kind',
            Detail: '$request.body',
            EventBusName: 'orders',
            Resources: '["arn:a"]',
            Time: '2026-11-23T09:00:00Z',
          },
        },
      }),
      {
        services: (...call) => {
          calls.push(call)
          return Promise.resolve({ statusCode: 200, body: { FailedEntryCount: 0 } })
        },
      },
    )
    const response = await fetch(url, { method: 'POST', body: '{"a":1}', headers: { 'x-kind': 'made' } })
    expect(await response.json()).toEqual({ FailedEntryCount: 0 })
    const entry = {
      Source: 'tasks',
      DetailType: 'made',
      Detail: '{"a":1}',
      EventBusName: 'orders',
      Resources: ['arn:a'],
      Time: Date.UTC(2026, 10, 23, 9) / 1000,
    }
    const sourceArn = 'arn:aws:execute-api:eu-west-1:123456789012:x1y2z3abcd/$default/$default'
    expect(calls).toEqual([
      ['EventBridge', 'PutEvents', { Entries: [entry] }, { sourceArn, credentialsArn: 'arn:role' }],
    ])
  })
})

describe('a function that the gateway may not invoke', () => {
  it('is asked about for the route, and comes to 500', async () => {
    const asked: unknown[] = []
    const { url, fn } = await startApi(
      apiResources({ routes: ['GET /tasks/{id}'], integration: { CredentialsArn: 'arn:role' } }),
      {
        mayInvoke: (...question) => {
          asked.push(question)
          return false
        },
      },
    )
    expect((await fetch(`${url}/tasks/7`)).status).toBe(500)
    const source = 'arn:aws:execute-api:eu-west-1:123456789012:x1y2z3abcd/$default/GET/tasks/{id}'
    expect(asked).toEqual([[functionArn, source, 'arn:role']])
    expect(fn.calls).toEqual([])
  })

  it('is asked about for the authorizer, and comes to 500', async () => {
    const asked: unknown[] = []
    const { url, fn } = await startApi(
      apiResources({
        route: { AuthorizationType: 'CUSTOM', AuthorizerId: 'auth' },
        more: [
          resource('ApiGatewayV2::Authorizer', 'auth', {
            ApiId: 'x1y2z3abcd',
            AuthorizerType: 'REQUEST',
            AuthorizerUri: functionArn,
            AuthorizerPayloadFormatVersion: '2.0',
          }),
        ],
      }),
      {
        mayInvoke: (_functionArn, sourceArn) => {
          asked.push(sourceArn)
          return false
        },
      },
    )
    expect((await fetch(url)).status).toBe(500)
    expect(asked).toEqual(['arn:aws:execute-api:eu-west-1:123456789012:x1y2z3abcd/authorizers/auth'])
    expect(fn.calls).toEqual([])
  })
})

it('answers 501 with the reason on a route that is not emulated, and serves the others', async () => {
  const ApiId = 'x1y2z3abcd'
  const { url } = await startApi(
    apiResources({
      routes: ['GET /served'],
      more: [
        resource('ApiGatewayV2::Integration', 'int2', {
          ApiId,
          IntegrationType: 'AWS_PROXY',
          IntegrationSubtype: 'Kinesis-PutRecord',
        }),
        resource('ApiGatewayV2::Route', 'Stream', {
          ApiId,
          RouteKey: 'POST /stream',
          Target: 'integrations/int2',
        }),
      ],
    }),
  )
  const response = await fetch(`${url}/stream`, { method: 'POST' })
  expect([response.status, await response.json()]).toEqual([
    501,
    { message: expect.stringContaining('subtype "Kinesis-PutRecord", which is not emulated') as string },
  ])
  expect((await fetch(`${url}/served`)).status).toBe(204)
})
