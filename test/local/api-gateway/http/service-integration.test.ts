import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../../local/clock.ts'
import { silentLog } from '../../../../local/log.ts'
import { callSqs } from '../../../../local/sqs/call.ts'
import { queueDefinitions } from '../../../../local/sqs/definition.ts'
import { Queues } from '../../../../local/sqs/queues.ts'
import { apiResources, environment, resource, startApi } from './fixture.ts'

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
