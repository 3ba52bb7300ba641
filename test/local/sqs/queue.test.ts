import { describe, expect, it } from 'vitest'
import { arnOf, makeQueues } from './fixture.ts'

const bodies = (messages: readonly { body: string }[]) => messages.map((m) => m.body)

describe('a standard queue', () => {
  it('hides a received message for the visibility timeout, and gives it again after', async () => {
    const { queue, clock } = makeQueues({ Work: { VisibilityTimeout: 30 } })
    const work = queue('Work')
    work.send({ body: 'a' })
    const [first] = await work.receive()
    expect(first).toMatchObject({ body: 'a', receiveCount: 1 })
    clock.advance(29_999)
    expect(await work.receive()).toEqual([])
    clock.advance(1)
    const [second] = await work.receive()
    expect(second).toMatchObject({ id: first?.id, receiveCount: 2, firstReceivedAt: first?.firstReceivedAt })
    expect(second?.receiptHandle).not.toBe(first?.receiptHandle)
  })

  it('deletes by the newest receipt handle, even after the visibility timeout, and by no older one', async () => {
    const { queue, clock } = makeQueues({ Work: {} })
    const work = queue('Work')
    work.send({ body: 'a' })
    const [first] = await work.receive()
    clock.advance(30_000)
    const [second] = await work.receive()
    work.delete(first?.receiptHandle ?? '')
    expect(work.counts().inFlight).toBe(1)
    clock.advance(30_000)
    work.delete(second?.receiptHandle ?? '')
    expect(work.counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 })
    work.delete(second?.receiptHandle ?? '')
  })

  it("delays by the queue's time, or by the message's own", async () => {
    const { queue, clock } = makeQueues({ Work: { DelaySeconds: 5 } })
    const work = queue('Work')
    work.send({ body: 'queue' })
    work.send({ body: 'own', delaySeconds: 1 })
    expect(work.counts()).toEqual({ visible: 0, inFlight: 0, delayed: 2 })
    clock.advance(1_000)
    expect(bodies(await work.receive({ max: 10 }))).toEqual(['own'])
    clock.advance(4_000)
    expect(bodies(await work.receive({ max: 10 }))).toEqual(['queue'])
  })

  it('forgets a message when its retention period is over', async () => {
    const { queue, clock } = makeQueues({ Work: { MessageRetentionPeriod: '60' } })
    const work = queue('Work')
    work.send({ body: 'a' })
    clock.advance(59_999)
    expect(work.counts().visible).toBe(1)
    clock.advance(1)
    expect(await work.receive()).toEqual([])
  })

  it('makes a message visible at once with a visibility of 0, and later with a longer one', async () => {
    const { queue, clock } = makeQueues({ Work: {} })
    const work = queue('Work')
    work.send({ body: 'a' })
    const [first] = await work.receive()
    work.changeVisibility(first?.receiptHandle ?? '', 0)
    const [second] = await work.receive()
    expect(second?.body).toBe('a')
    work.changeVisibility(second?.receiptHandle ?? '', 100)
    clock.advance(99_999)
    expect(await work.receive()).toEqual([])
    clock.advance(1)
    expect(await work.receive()).toHaveLength(1)
  })

  it('refuses to change the visibility of a message that is not in flight', async () => {
    const { queue, clock } = makeQueues({ Work: {} })
    const work = queue('Work')
    work.send({ body: 'a' })
    const [message] = await work.receive()
    clock.advance(30_000)
    const handle = message?.receiptHandle ?? ''
    expect(() => work.changeVisibility(handle, 1)).toThrow(
      expect.objectContaining({ type: 'MessageNotInflight' }),
    )
    work.delete(handle)
    expect(() => work.changeVisibility(handle, 1)).toThrow('Message does not exist')
  })

  it('purges once per 60 s', () => {
    const { queue, clock } = makeQueues({ Work: {} })
    const work = queue('Work')
    work.send({ body: 'a' })
    work.purge()
    expect(work.counts().visible).toBe(0)
    clock.advance(59_999)
    expect(() => work.purge()).toThrow('Only one PurgeQueue operation on Work is allowed every 60 seconds.')
    clock.advance(1)
    work.purge()
  })
})

describe('a long poll', () => {
  it('ends with the first message that is sent', async () => {
    const { queue } = makeQueues({ Work: { ReceiveMessageWaitTimeSeconds: 20 } })
    const waiting = queue('Work').receive()
    queue('Work').send({ body: 'a' })
    expect(bodies(await waiting)).toEqual(['a'])
  })

  it('ends when a delayed message falls due, and when one comes back from another receiver', async () => {
    const { queue, clock } = makeQueues({ Work: { VisibilityTimeout: 5 } })
    queue('Work').send({ body: 'a', delaySeconds: 2 })
    const delayed = queue('Work').receive({ waitSeconds: 20 })
    clock.advance(2_000)
    expect(bodies(await delayed)).toEqual(['a'])
    const returned = queue('Work').receive({ waitSeconds: 20 })
    clock.advance(5_000)
    expect(bodies(await returned)).toEqual(['a'])
  })

  it('ends empty after its time', async () => {
    const { queue, clock } = makeQueues({ Work: {} })
    const waiting = queue('Work').receive({ waitSeconds: 3 })
    clock.advance(3_000)
    expect(await waiting).toEqual([])
  })

  it('takes nothing after its receiver has left', async () => {
    const { queue } = makeQueues({ Work: {} })
    const left = new AbortController()
    const waiting = queue('Work').receive({ waitSeconds: 20, signal: left.signal })
    left.abort()
    expect(await waiting).toEqual([])
    queue('Work').send({ body: 'a' })
    expect(queue('Work').counts()).toEqual({ visible: 1, inFlight: 0, delayed: 0 })
  })

  it('gives each message to one of several receivers', async () => {
    const { queue } = makeQueues({ Work: {} })
    const both = [1, 2].map(() => queue('Work').receive({ waitSeconds: 20, max: 10 }))
    queue('Work').send({ body: 'a' })
    queue('Work').send({ body: 'b' })
    expect((await Promise.all(both)).map(bodies)).toEqual([['a'], ['b']])
  })
})

describe('a redrive policy', () => {
  const policy = { deadLetterTargetArn: arnOf('Failed'), maxReceiveCount: 2 }

  it.each([
    ['an object', policy],
    ['JSON text', JSON.stringify(policy)],
  ])('given as %s moves a message after 2 receives, with its id, age and count', async (_, RedrivePolicy) => {
    const { queue, clock } = makeQueues({ Work: { VisibilityTimeout: 1, RedrivePolicy }, Failed: {} })
    const sent = queue('Work').send({ body: 'poison' })
    for (let i = 0; i < 2; i += 1) {
      expect(await queue('Work').receive()).toHaveLength(1)
      clock.advance(1_000)
    }
    expect(await queue('Work').receive()).toEqual([])
    const [failed] = await queue('Failed').receive()
    expect(failed).toMatchObject({
      id: sent.id,
      body: 'poison',
      sentAt: sent.sentAt,
      receiveCount: 3,
      deadLetterSourceArn: arnOf('Work'),
    })
  })

  it('says aloud what is lost when the dead-letter queue is not in the template', async () => {
    const { queue, errors } = makeQueues({
      Work: { VisibilityTimeout: 0, RedrivePolicy: { ...policy, maxReceiveCount: 1 } },
    })
    queue('Work').send({ body: 'poison' })
    await queue('Work').receive()
    expect(await queue('Work').receive()).toEqual([])
    expect(errors).toEqual([expect.stringMatching(/"Work".*Failed.*poison/)])
  })
})

describe('a FIFO queue', () => {
  const fifo = { FifoQueue: true, ContentBasedDeduplication: true, VisibilityTimeout: 10 }

  it('keeps the order of a group while one of it is in flight, and lets other groups pass', async () => {
    const { queue } = makeQueues({ 'Work.fifo': fifo })
    const work = queue('Work.fifo')
    for (const [groupId, body] of [
      ['a', 'a1'],
      ['a', 'a2'],
      ['b', 'b1'],
    ] as const) {
      work.send({ groupId, body })
    }
    const [first] = await work.receive()
    expect(first?.body).toBe('a1')
    expect(bodies(await work.receive({ max: 10 }))).toEqual(['b1'])
    work.delete(first?.receiptHandle ?? '')
    expect(bodies(await work.receive({ max: 10 }))).toEqual(['a2'])
  })

  it('takes a repeated message once within 5 minutes', () => {
    const { queue, clock } = makeQueues({ 'Work.fifo': fifo })
    const work = queue('Work.fifo')
    const first = work.send({ groupId: 'a', body: 'x' })
    expect(first.sequenceNumber).toMatch(/^\d{20}$/)
    clock.advance(299_999)
    expect(work.send({ groupId: 'b', body: 'x' }).id).toBe(first.id)
    clock.advance(1)
    expect(work.send({ groupId: 'a', body: 'x' }).id).not.toBe(first.id)
    expect(work.counts().visible).toBe(2)
  })

  it('compares within the group with DeduplicationScope messageGroup', () => {
    const { queue } = makeQueues({ 'Work.fifo': { ...fifo, DeduplicationScope: 'messageGroup' } })
    queue('Work.fifo').send({ groupId: 'a', body: 'x' })
    queue('Work.fifo').send({ groupId: 'b', body: 'x' })
    expect(queue('Work.fifo').counts().visible).toBe(2)
  })

  it('refuses to delete by a handle whose visibility timeout is over', async () => {
    const { queue, clock } = makeQueues({ 'Work.fifo': fifo })
    queue('Work.fifo').send({ groupId: 'a', body: 'x' })
    const [message] = await queue('Work.fifo').receive()
    clock.advance(10_000)
    expect(() => queue('Work.fifo').delete(message?.receiptHandle ?? '')).toThrow(
      'The receipt handle has expired.',
    )
  })

  it.each([
    ['no group', { body: 'x' }, 'The request must contain the parameter MessageGroupId.'],
    [
      'a delay',
      { body: 'x', groupId: 'a', delaySeconds: 2 },
      'Value 2 for parameter DelaySeconds is invalid.',
    ],
    ['a bad group', { body: 'x', groupId: 'a b' }, 'MessageGroupId can only include alphanumeric'],
    [
      'a long id',
      { body: 'x', groupId: 'a', deduplicationId: 'x'.repeat(129) },
      'MessageDeduplicationId can only',
    ],
  ])('refuses a message with %s', (_, message, text) => {
    const { queue } = makeQueues({ 'Work.fifo': fifo })
    expect(() => queue('Work.fifo').send(message)).toThrow(text)
  })

  it('needs a deduplication id unless the content is it', () => {
    const { queue } = makeQueues({ 'Work.fifo': { FifoQueue: true } })
    expect(() => queue('Work.fifo').send({ body: 'x', groupId: 'a' })).toThrow(
      'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
    )
  })
})

describe('Queues as destinations', () => {
  it('take a message by ARN with string attributes', async () => {
    const { queues, queue } = makeQueues({ Failed: {} })
    queues.send(arnOf('Failed'), '{"a":1}', { ErrorCode: '200' })
    expect(await queue('Failed').receive()).toMatchObject([
      { body: '{"a":1}', attributes: { ErrorCode: { DataType: 'String', StringValue: '200' } } },
    ])
  })

  it('say aloud what is lost when the ARN is unknown or the message refused', () => {
    const { queues, errors } = makeQueues({ Failed: { MaximumMessageSize: 1024 } })
    queues.send(arnOf('Nowhere'), 'lost')
    queues.send(arnOf('Failed'), 'x'.repeat(1025))
    expect(errors).toEqual([
      expect.stringMatching(/Nowhere" is lost: The specified queue does not exist\. lost/),
      expect.stringContaining('Message must be shorter than 1024 bytes.'),
    ])
  })
})

describe('queue definitions', () => {
  it.each([
    [
      'a timeout over 12 h',
      { VisibilityTimeout: 43_201 },
      'VisibilityTimeout "43201"; expected an integer from 0 to 43200',
    ],
    ['a delay of words', { DelaySeconds: 'soon' }, 'DelaySeconds "soon"'],
    ['a retention of 59 s', { MessageRetentionPeriod: 59 }, 'MessageRetentionPeriod "59"'],
    [
      'a FIFO queue without suffix',
      { QueueName: 'Work', FifoQueue: true },
      'expected a name that ends in .fifo',
    ],
    ['a redrive policy that is no JSON', { RedrivePolicy: '{' }, 'RedrivePolicy'],
    [
      'a redrive policy without count',
      { RedrivePolicy: { deadLetterTargetArn: 'a' } },
      'maxReceiveCount from 1 to 1000',
    ],
  ])('refuse %s by the name of the queue', (_, properties, message) => {
    expect(() => makeQueues({ Work: properties })).toThrow('queue "Test/Work"')
    expect(() => makeQueues({ Work: properties })).toThrow(message)
  })
})
