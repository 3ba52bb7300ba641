import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sqsEndpoint } from '../../../local/sqs/endpoint.ts'
import { arnOf, makeQueues } from './fixture.ts'

const QueueUrl = 'https://sqs.eu-west-1.amazonaws.com/123456789012/Work'

interface Answer {
  status: number
  body: Record<string, unknown>
  headers: Headers
}

function signal() {
  let resolve = (): void => undefined
  const promise = new Promise<void>((done) => (resolve = done))
  return { promise, resolve }
}

async function start(queues: Readonly<Record<string, Record<string, unknown>>> = { Work: {} }) {
  const made = makeQueues(queues)
  const endpoint = sqsEndpoint(made.queues, {
    environment: { partition: 'aws', region: 'eu-west-1', accountId: '123456789012' },
    log: made.log,
  })
  const waiting = { begins: signal(), ends: signal() }
  const server = createServer((request, response) => {
    request.on('end', () => waiting.begins.resolve())
    response.on('close', () => waiting.ends.resolve())
    void endpoint(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const raw = async (init: RequestInit): Promise<Answer> => {
    const response = await fetch(url, { method: 'POST', ...init })
    return {
      status: response.status,
      body: (await response.json()) as Record<string, unknown>,
      headers: response.headers,
    }
  }
  const call = (operation: string, input: object, init: RequestInit = {}) =>
    raw({
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${operation}` },
      body: JSON.stringify(input),
      ...init,
    })
  return { ...made, call, raw, waiting: { begins: waiting.begins.promise, ends: waiting.ends.promise } }
}

describe('the SQS endpoint', () => {
  it('sends, receives and deletes in the shapes of the JSON protocol', async () => {
    const { call, clock } = await start()
    const MessageAttributes = {
      City: { DataType: 'String', StringValue: 'Any City' },
      Population: { DataType: 'Number', StringValue: '1250800' },
      Blob: { DataType: 'Binary', BinaryValue: Buffer.from([1, 2, 3]).toString('base64') },
    }
    const sent = await call('SendMessage', { QueueUrl, MessageBody: 'hello', MessageAttributes })
    expect(sent.status).toBe(200)
    expect(sent.headers.get('content-type')).toBe('application/x-amz-json-1.0')
    expect(sent.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/)
    const attributesMd5 = '1f95e5086c99f10a02072a6b358e2465'
    expect(sent.body).toEqual({
      MessageId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      MD5OfMessageBody: '5d41402abc4b2a76b9719d911017c592',
      MD5OfMessageAttributes: attributesMd5,
    })

    const received = await call('ReceiveMessage', {
      QueueUrl,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
    })
    const [message] = received.body['Messages'] as [{ ReceiptHandle: string }]
    const now = String(clock.now())
    expect(message).toEqual({
      MessageId: sent.body['MessageId'],
      ReceiptHandle: expect.any(String) as string,
      MD5OfBody: '5d41402abc4b2a76b9719d911017c592',
      Body: 'hello',
      Attributes: {
        SenderId: '123456789012',
        SentTimestamp: now,
        ApproximateReceiveCount: '1',
        ApproximateFirstReceiveTimestamp: now,
      },
      MD5OfMessageAttributes: attributesMd5,
      MessageAttributes,
    })
    expect(await call('DeleteMessage', { QueueUrl, ReceiptHandle: message.ReceiptHandle })).toMatchObject({
      status: 200,
      body: {},
    })
    clock.advance(30_000)
    expect((await call('ReceiveMessage', { QueueUrl })).body).toEqual({})
  })

  it('digests attributes as AWS was recorded to do', async () => {
    // github.com/localstack/localstack, tests/aws/services/sqs/test_sqs.snapshot.json
    const { call } = await start()
    const MessageAttributes = { MyAttribute: { DataType: 'String', StringValue: 'foobar' } }
    const { body } = await call('SendMessage', { QueueUrl, MessageBody: 'message-1', MessageAttributes })
    expect(body['MD5OfMessageAttributes']).toBe('adb59cd4678ea5a855436b949cd07ab6')
    expect(body['MD5OfMessageBody']).toBe('3d6b824fd8c1520e9a047d21fee6fb1f')
  })

  it.each([
    [undefined, undefined],
    [['app.one'], ['app.one']],
    [['app.*'], ['app.one', 'app.two']],
    [['.*'], ['app.one', 'app.two', 'other']],
  ])('gives for MessageAttributeNames %j the attributes %j', async (MessageAttributeNames, names) => {
    const { call } = await start()
    const value = { DataType: 'String', StringValue: 'x' }
    const MessageAttributes = { 'app.one': value, 'app.two': value, other: value }
    await call('SendMessage', { QueueUrl, MessageBody: 'a', MessageAttributes })
    const { body } = await call('ReceiveMessage', { QueueUrl, MessageAttributeNames })
    const [message] = body['Messages'] as [{ MessageAttributes?: object }]
    expect(message.MessageAttributes && Object.keys(message.MessageAttributes)).toEqual(names)
  })

  it('answers a long poll when a message comes', async () => {
    const { call, queue } = await start()
    const waiting = call('ReceiveMessage', { QueueUrl, WaitTimeSeconds: 20 })
    await call('SendMessage', { QueueUrl, MessageBody: 'a' })
    expect((await waiting).body['Messages']).toHaveLength(1)
    expect(queue('Work').counts().inFlight).toBe(1)
  })

  it('keeps the message when the receiver hangs up during a long poll', async () => {
    const { call, queue, waiting } = await start()
    const hangUp = new AbortController()
    const poll = call('ReceiveMessage', { QueueUrl, WaitTimeSeconds: 20 }, { signal: hangUp.signal })
    await waiting.begins
    hangUp.abort()
    await expect(poll).rejects.toThrow('aborted')
    await waiting.ends
    await call('SendMessage', { QueueUrl, MessageBody: 'a' })
    expect(queue('Work').counts()).toEqual({ visible: 1, inFlight: 0, delayed: 0 })
  })

  it('fails one entry of a batch and takes the others', async () => {
    const { call } = await start()
    const { body } = await call('SendMessageBatch', {
      QueueUrl,
      Entries: [
        { Id: 'good', MessageBody: 'a' },
        { Id: 'bad', MessageBody: 'b', DelaySeconds: 901 },
      ],
    })
    expect(body).toEqual({
      Successful: [
        {
          Id: 'good',
          MessageId: expect.any(String) as string,
          MD5OfMessageBody: '0cc175b9c0f1b6a831c399e269772661',
        },
      ],
      Failed: [
        {
          Id: 'bad',
          SenderFault: true,
          Code: 'InvalidParameterValue',
          Message:
            'Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.',
        },
      ],
    })
  })

  it('changes visibility and deletes in batches', async () => {
    const { call } = await start()
    await call('SendMessage', { QueueUrl, MessageBody: 'a' })
    const receive = async () => {
      const { body } = await call('ReceiveMessage', { QueueUrl })
      return (body['Messages'] as [{ ReceiptHandle: string }] | undefined)?.[0].ReceiptHandle
    }
    const Entries = [{ Id: '1', ReceiptHandle: await receive(), VisibilityTimeout: 0 }]
    expect((await call('ChangeMessageVisibilityBatch', { QueueUrl, Entries })).body).toEqual({
      Successful: [{ Id: '1' }],
    })
    const again = [
      { Id: '1', ReceiptHandle: await receive() },
      { Id: '2', ReceiptHandle: 'garbage' },
    ]
    expect((await call('DeleteMessageBatch', { QueueUrl, Entries: again })).body).toMatchObject({
      Successful: [{ Id: '1' }],
      Failed: [{ Id: '2', Code: 'ReceiptHandleIsInvalid' }],
    })
  })

  it('finds queues by name, lists them by prefix and in pages, and describes them', async () => {
    const { call } = await start({
      Work: { RedrivePolicy: { deadLetterTargetArn: arnOf('Work-failed'), maxReceiveCount: 3 } },
      'Work-failed': {},
      Other: {},
    })
    expect((await call('GetQueueUrl', { QueueName: 'Work' })).body).toEqual({ QueueUrl })
    expect((await call('ListQueues', { QueueNamePrefix: 'Work' })).body).toEqual({
      QueueUrls: [QueueUrl, `${QueueUrl}-failed`],
    })
    const first = (await call('ListQueues', { MaxResults: 2 })).body
    const second = (await call('ListQueues', { MaxResults: 2, NextToken: first['NextToken'] })).body
    expect([first['QueueUrls'], second['QueueUrls']]).toEqual([
      [expect.stringMatching(/Other$/), QueueUrl],
      [`${QueueUrl}-failed`],
    ])
    expect(
      (await call('GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] })).body['Attributes'],
    ).toMatchObject({
      QueueArn: arnOf('Work'),
      ApproximateNumberOfMessages: '0',
      VisibilityTimeout: '30',
      MessageRetentionPeriod: '345600',
      MaximumMessageSize: '1048576',
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf('Work-failed'), maxReceiveCount: 3 }),
    })
    expect((await call('GetQueueAttributes', { QueueUrl, AttributeNames: ['DelaySeconds'] })).body).toEqual({
      Attributes: { DelaySeconds: '0' },
    })
  })

  it('purges, and tells a second purge within 60 s the status 403', async () => {
    const { call } = await start()
    expect((await call('PurgeQueue', { QueueUrl })).status).toBe(200)
    expect(await call('PurgeQueue', { QueueUrl })).toMatchObject({
      status: 403,
      body: { __type: 'com.amazonaws.sqs#PurgeQueueInProgress' },
    })
  })

  const entry = (Id: string) => ({ Id, MessageBody: 'x' })
  it.each<[string, string, object, string, string]>([
    [
      'an unknown queue',
      'SendMessage',
      { QueueUrl: `${QueueUrl}x`, MessageBody: 'a' },
      'QueueDoesNotExist',
      'AWS.SimpleQueueService.NonExistentQueue',
    ],
    [
      'an unknown name',
      'GetQueueUrl',
      { QueueName: 'x' },
      'QueueDoesNotExist',
      'AWS.SimpleQueueService.NonExistentQueue',
    ],
    ['no body', 'SendMessage', { QueueUrl }, 'MissingRequiredParameterException', 'MissingParameter'],
    [
      'an empty body',
      'SendMessage',
      { QueueUrl, MessageBody: '' },
      'MissingRequiredParameterException',
      'MissingParameter',
    ],
    [
      'a body of a number',
      'SendMessage',
      { QueueUrl, MessageBody: 1 },
      'SerializationException',
      'SerializationException',
    ],
    [
      'a body over 1 MiB',
      'SendMessage',
      { QueueUrl, MessageBody: 'x'.repeat(1_048_577) },
      'InvalidParameterValueException',
      'InvalidParameterValue',
    ],
    [
      'a control character',
      'SendMessage',
      { QueueUrl, MessageBody: 'a\u0001' },
      'InvalidMessageContents',
      'InvalidMessageContents',
    ],
    [
      'a deduplication id on a standard queue',
      'SendMessage',
      { QueueUrl, MessageBody: 'a', MessageDeduplicationId: 'x' },
      'InvalidParameterValueException',
      'InvalidParameterValue',
    ],
    [
      'an empty attribute',
      'SendMessage',
      { QueueUrl, MessageBody: 'a', MessageAttributes: { a: { DataType: 'String', StringValue: '' } } },
      'InvalidParameterValueException',
      'InvalidParameterValue',
    ],
    [
      'an attribute of an unknown type',
      'SendMessage',
      { QueueUrl, MessageBody: 'a', MessageAttributes: { a: { DataType: 'Date', StringValue: 'x' } } },
      'InvalidParameterValueException',
      'InvalidParameterValue',
    ],
    [
      '11 messages at once',
      'ReceiveMessage',
      { QueueUrl, MaxNumberOfMessages: 11 },
      'InvalidParameterValueException',
      'InvalidParameterValue',
    ],
    [
      'a wait of 21 s',
      'ReceiveMessage',
      { QueueUrl, WaitTimeSeconds: 21 },
      'InvalidParameterValueException',
      'InvalidParameterValue',
    ],
    [
      'an empty batch',
      'SendMessageBatch',
      { QueueUrl, Entries: [] },
      'EmptyBatchRequest',
      'AWS.SimpleQueueService.EmptyBatchRequest',
    ],
    [
      'a batch of 11',
      'SendMessageBatch',
      { QueueUrl, Entries: Array.from({ length: 11 }, (_, i) => entry(String(i))) },
      'TooManyEntriesInBatchRequest',
      'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
    ],
    [
      'a repeated id',
      'SendMessageBatch',
      { QueueUrl, Entries: [entry('a'), entry('a')] },
      'BatchEntryIdsNotDistinct',
      'AWS.SimpleQueueService.BatchEntryIdsNotDistinct',
    ],
    [
      'an id with a dot',
      'SendMessageBatch',
      { QueueUrl, Entries: [entry('a.b')] },
      'InvalidBatchEntryId',
      'AWS.SimpleQueueService.InvalidBatchEntryId',
    ],
    [
      'a batch over 1 MiB',
      'SendMessageBatch',
      { QueueUrl, Entries: ['a', 'b'].map((Id) => ({ Id, MessageBody: 'x'.repeat(600_000) })) },
      'BatchRequestTooLong',
      'AWS.SimpleQueueService.BatchRequestTooLong',
    ],
    [
      'a handle of garbage',
      'ChangeMessageVisibility',
      { QueueUrl, ReceiptHandle: 'x', VisibilityTimeout: 1 },
      'ReceiptHandleIsInvalid',
      'ReceiptHandleIsInvalid',
    ],
    [
      'an unknown attribute',
      'GetQueueAttributes',
      { QueueUrl, AttributeNames: ['Colour'] },
      'InvalidAttributeName',
      'InvalidAttributeName',
    ],
    [
      'an operation that is not emulated',
      'CreateQueue',
      { QueueName: 'x' },
      'UnsupportedOperation',
      'AWS.SimpleQueueService.UnsupportedOperation',
    ],
    [
      'an operation that every object has',
      'toString',
      {},
      'UnsupportedOperation',
      'AWS.SimpleQueueService.UnsupportedOperation',
    ],
  ])('refuses %s', async (_, operation, input, type, queryCode) => {
    const { call } = await start()
    const { status, body, headers } = await call(operation, input)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(body['__type']).toMatch(new RegExp(`#${type}$`))
    expect(body['message']).toEqual(expect.any(String))
    expect(headers.get('x-amzn-query-error')).toBe(`${queryCode};Sender`)
  })

  it.each([
    [
      'is no JSON',
      { headers: { 'x-amz-target': 'AmazonSQS.SendMessage' }, body: '{' },
      /#SerializationException$/,
    ],
    [
      'is a list',
      { headers: { 'x-amz-target': 'AmazonSQS.SendMessage' }, body: '[]' },
      /#SerializationException$/,
    ],
    ['names no operation', { body: 'Action=SendMessage' }, /#InvalidAction$/],
  ])('refuses a request that %s', async (_, init, type) => {
    const { raw } = await start()
    const { status, body } = await raw(init)
    expect(status).toBe(400)
    expect(body['__type']).toMatch(type)
  })
})
