import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sqsEndpoint } from '../../../local/sqs/endpoint.ts'
import { readQuery } from '../../../local/sqs/query-protocol.ts'
import { environment } from '../dynamodb/fixture.ts'
import { makeQueues } from './fixture.ts'

const QueueUrl = 'https://sqs.eu-west-1.amazonaws.com/123456789012/Work'
const UUID = /[0-9a-f]{8}-[0-9a-f-]{27}/g

async function start() {
  const made = makeQueues({ Work: {} })
  const endpoint = sqsEndpoint(made.queues, { environment, log: made.log })
  const server = createServer((request, response) => void endpoint(request, response))
  server.listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const call = async (Action: string, fields: Readonly<Record<string, string>>, path = '/') => {
    const body = new URLSearchParams({ Action, Version: '2012-11-05', ...fields })
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body })
    return { status: response.status, type: response.headers.get('content-type'), xml: await response.text() }
  }
  return { ...made, call }
}

const textOf = (xml: string, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]

describe('the query protocol of SQS', () => {
  it('sends, receives and deletes a message with its attributes', async () => {
    const { call, queue } = await start()
    const sent = await call('SendMessage', {
      QueueUrl,
      MessageBody: '<a> & "b"',
      'MessageAttribute.1.Name': 'kind',
      'MessageAttribute.1.Value.DataType': 'String',
      'MessageAttribute.1.Value.StringValue': 'x',
    })
    expect(sent).toMatchObject({ status: 200, type: 'text/xml' })
    expect(sent.xml.replaceAll(UUID, 'id').replaceAll(/[0-9a-f]{32}/g, 'md5')).toBe(
      '<?xml version="1.0"?><SendMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><SendMessageResult>' +
        '<MessageId>id</MessageId><MD5OfMessageBody>md5</MD5OfMessageBody><MD5OfMessageAttributes>md5</MD5OfMessageAttributes>' +
        '</SendMessageResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></SendMessageResponse>',
    )
    const { xml } = await call('ReceiveMessage', {
      QueueUrl,
      MaxNumberOfMessages: '10',
      'AttributeName.1': 'ApproximateReceiveCount',
      'MessageAttributeName.1': 'All',
    })
    expect(xml).toContain('<Body>&lt;a&gt; &amp; &quot;b&quot;</Body>')
    expect(xml).toContain('<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>')
    expect(xml).toContain(
      '<MessageAttribute><Name>kind</Name><Value><DataType>String</DataType><StringValue>x</StringValue></Value></MessageAttribute>',
    )
    await call('DeleteMessage', { QueueUrl, ReceiptHandle: textOf(xml, 'ReceiptHandle') ?? '' })
    expect(queue('Work').counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 })
  })

  it('takes batches, and the queue from the path', async () => {
    const { call } = await start()
    const { xml } = await call(
      'SendMessageBatch',
      {
        'SendMessageBatchRequestEntry.1.Id': 'a',
        'SendMessageBatchRequestEntry.1.MessageBody': 'one',
        'SendMessageBatchRequestEntry.2.Id': 'b',
        'SendMessageBatchRequestEntry.2.MessageBody': 'two',
        'SendMessageBatchRequestEntry.2.DelaySeconds': '901',
      },
      '/123456789012/Work',
    )
    expect(xml).toMatch(/<SendMessageBatchResultEntry><Id>a<\/Id><MessageId>/)
    expect(xml).toMatch(
      /<BatchResultErrorEntry><Id>b<\/Id><SenderFault>true<\/SenderFault><Code>InvalidParameterValue</,
    )
  })

  it('tells a queue’s URL and attributes', async () => {
    const { call } = await start()
    expect(textOf((await call('GetQueueUrl', { QueueName: 'Work' })).xml, 'QueueUrl')).toBe(QueueUrl)
    expect(textOf((await call('ListQueues', {})).xml, 'QueueUrl')).toBe(QueueUrl)
    const { xml } = await call('GetQueueAttributes', { QueueUrl, 'AttributeName.1': 'VisibilityTimeout' })
    expect(xml).toContain('<Attribute><Name>VisibilityTimeout</Name><Value>30</Value></Attribute>')
  })

  it('has errors with the code that the older SDKs know', async () => {
    const { call } = await start()
    const { status, xml } = await call('SendMessage', { QueueUrl: `${QueueUrl}x`, MessageBody: 'a' })
    expect(status).toBe(400)
    expect(xml).toContain(
      '<Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not exist.</Message><Detail/></Error>',
    )
    expect((await call('Nothing', {})).xml).toContain(
      '<Code>AWS.SimpleQueueService.UnsupportedOperation</Code>',
    )
  })

  it('keeps the order of numbered fields, whatever order they come in', () => {
    const form = 'Action=ReceiveMessage&AttributeName.10=j&AttributeName.2=b&AttributeName.1=a'
    expect(readQuery(form, '/')).toEqual({
      operation: 'ReceiveMessage',
      input: { AttributeNames: ['a', 'b', 'j'] },
    })
  })
})
