import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { FunctionThrottledError, type InvokeResult } from '../../../local/lambda/invoker.ts'
import { silentLog } from '../../../local/log.ts'
import { QueueEventSourceMapping } from '../../../local/sqs/event-source-mapping.ts'
import { queueMappings } from '../../../local/sqs/mapping-definition.ts'
import { environment, functionResource, resource } from '../dynamodb/fixture.ts'
import { arnOf, makeQueues } from './fixture.ts'

interface SqsEvent {
  readonly Records: readonly (Record<string, unknown> & { messageId: string; body: string })[]
}

const ok: InvokeResult = { payload: '' }
const crash: InvokeResult = { payload: '{"errorType":"Error"}', functionError: 'Unhandled' }
const failures = (...ids: unknown[]): InvokeResult => ({
  payload: JSON.stringify({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) }),
})

interface Setup {
  readonly queue?: Readonly<Record<string, unknown>>
  readonly name?: string
  readonly mapping?: Readonly<Record<string, unknown>>
  readonly answer?: (event: SqsEvent) => InvokeResult | Promise<InvokeResult>
  readonly timeout?: number
}

function make({ queue = {}, name = 'jobs', mapping = {}, answer = () => ok, timeout = 3 }: Setup = {}) {
  const made = makeQueues({ [name]: queue, dead: {} })
  const events: SqsEvent[] = []
  const resources = [
    { ...functionResource('worker'), properties: { Timeout: timeout } },
    resource('AWS::Lambda::EventSourceMapping', 'Mapping', '', {
      FunctionName: 'worker',
      EventSourceArn: arnOf(name),
      ...mapping,
    }),
  ]
  const lines: string[] = []
  const log = { ...silentLog, warn: (_: string, text: string) => void lines.push(text) }
  const definitions = queueMappings(resources, made.queues, log)
  const mappings = definitions.map(
    (definition) =>
      new QueueEventSourceMapping(definition, {
        functions: {
          invoke: async (_target, event) => {
            events.push(event as SqsEvent)
            return answer(event as SqsEvent)
          },
          invokeAsync: () => undefined,
        },
        environment,
        clock: made.clock,
        log,
      }),
  )
  onTestFinished(async () => {
    await Promise.all(mappings.map((each) => each.stop()))
  })
  const jobs = made.queue(name)
  const send = (body: string, more: object = {}) => jobs.send({ body, ...more })
  return {
    ...made,
    jobs,
    events,
    lines,
    definitions,
    send,
    start: () => mappings.forEach((each) => each.start()),
    bodies: () => events.map(({ Records }) => Records.map(({ body }) => body)),
    seen: (count: number) => vi.waitFor(() => expect(events.length).toBe(count)),
    empty: () => vi.waitFor(() => expect(jobs.counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 })),
  }
}

/** Lets everything happen that is only waiting for its turn. */
const settled = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('an event source mapping of a queue', () => {
  it('hands over messages in the shape that Lambda gets, and deletes them once handled', async () => {
    const { send, start, events, empty, seen, clock } = make()
    send('{"id":1}', {
      attributes: {
        kind: { DataType: 'String', StringValue: 'x' },
        raw: { DataType: 'Binary', BinaryValue: 'YWJj' },
      },
    })
    start()
    await seen(1)
    expect(events[0]).toEqual({
      Records: [
        {
          messageId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
          receiptHandle: expect.any(String) as string,
          body: '{"id":1}',
          attributes: {
            ApproximateReceiveCount: '1',
            SentTimestamp: String(clock.now()),
            SenderId: '123456789012',
            ApproximateFirstReceiveTimestamp: String(clock.now()),
          },
          messageAttributes: {
            kind: { stringValue: 'x', stringListValues: [], binaryListValues: [], dataType: 'String' },
            raw: { binaryValue: 'YWJj', stringListValues: [], binaryListValues: [], dataType: 'Binary' },
          },
          md5OfBody: 'd2ce28b9a7fd7e4407e2b0fd499b7fe4',
          md5OfMessageAttributes: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
          eventSource: 'aws:sqs',
          eventSourceARN: arnOf('jobs'),
          awsRegion: 'eu-west-1',
        },
      ],
    })
    await empty()
  })

  it('takes up to the batch size of what is there', async () => {
    const { send, start, bodies, empty } = make({ mapping: { BatchSize: 2 } })
    for (const body of ['a', 'b', 'c']) send(body)
    start()
    await empty()
    expect(bodies()).toEqual([['a', 'b'], ['c']])
  })

  it('gathers a batch larger than ten for as long as the window says', async () => {
    const { send, start, bodies, clock, seen } = make({
      mapping: { BatchSize: 100, MaximumBatchingWindowInSeconds: 30 },
    })
    start()
    for (let index = 0; index < 25; index++) send(String(index))
    await settled()
    expect(bodies()).toEqual([])
    clock.advance(30_000)
    await seen(1)
    expect(bodies()[0]).toHaveLength(25)
  })

  it('hands over a full batch before the window is over', async () => {
    const { send, start, seen } = make({ mapping: { BatchSize: 12, MaximumBatchingWindowInSeconds: 30 } })
    start()
    for (let index = 0; index < 12; index++) send(String(index))
    await seen(1)
  })

  it('hands over no more than 6 MB at once', async () => {
    const { send, start, bodies, clock, seen } = make({
      queue: { VisibilityTimeout: 300 },
      mapping: { BatchSize: 100, MaximumBatchingWindowInSeconds: 1 },
    })
    for (let index = 0; index < 8; index++) send('x'.repeat(1_000_000))
    start()
    await seen(1)
    clock.advance(1000)
    await seen(2)
    expect(bodies().map((batch) => batch.length)).toEqual([6, 2])
  })

  it('leaves what the function failed to come back after the visibility timeout, counting', async () => {
    const { send, start, events, clock, seen } = make({ answer: () => crash })
    send('a')
    start()
    await seen(1)
    clock.advance(29_999)
    await settled()
    expect(events.length).toBe(1)
    clock.advance(1)
    await seen(2)
    expect(events[1]?.Records[0]?.['attributes']).toMatchObject({ ApproximateReceiveCount: '2' })
  })

  it('leaves a message to the dead-letter queue after as many receives as the queue allows', async () => {
    const { send, start, queue, clock, seen } = make({
      queue: { RedrivePolicy: { deadLetterTargetArn: arnOf('dead'), maxReceiveCount: 2 } },
      answer: () => crash,
    })
    send('poison')
    start()
    await seen(1)
    clock.advance(30_000)
    await seen(2)
    clock.advance(30_000)
    await vi.waitFor(() => expect(queue('dead').counts().visible).toBe(1))
  })

  it('deletes what was not reported as failed', async () => {
    let isFirst = true
    const { send, start, bodies, clock, seen, empty } = make({
      mapping: { FunctionResponseTypes: ['ReportBatchItemFailures'] },
      answer: ({ Records }) => {
        if (!isFirst) return ok
        isFirst = false
        return failures(Records[1]?.messageId)
      },
    })
    for (const body of ['a', 'b', 'c']) send(body)
    start()
    await seen(1)
    await settled()
    clock.advance(30_000)
    await empty()
    expect(bodies()).toEqual([['a', 'b', 'c'], ['b']])
  })

  it.each([[''], [null], ['not of the batch']])(
    'takes the identifier %j for failure of the whole batch',
    async (identifier) => {
      const { send, start, jobs, seen } = make({
        mapping: { FunctionResponseTypes: ['ReportBatchItemFailures'] },
        answer: () => failures(identifier),
      })
      send('a')
      send('b')
      start()
      await seen(1)
      await settled()
      expect(jobs.counts().inFlight).toBe(2)
    },
  )

  it.each(['', '{}', 'null', '{"batchItemFailures":null}', '{"batchItemFailures":[]}'])(
    'takes the reply %j for success',
    async (payload) => {
      const { send, start, empty } = make({
        mapping: { FunctionResponseTypes: ['ReportBatchItemFailures'] },
        answer: () => ({ payload }),
      })
      send('a')
      start()
      await empty()
    },
  )

  it('ignores the report of a mapping that does not ask for it', async () => {
    const { send, start, empty } = make({ answer: ({ Records }) => failures(Records[0]?.messageId) })
    send('a')
    start()
    await empty()
  })

  it('leaves the messages of a throttled function to come again', async () => {
    let isFirst = true
    const { send, start, clock, seen, empty } = make({
      answer: () => {
        if (!isFirst) return ok
        isFirst = false
        throw new FunctionThrottledError('Rate Exceeded.')
      },
    })
    send('a')
    start()
    await seen(1)
    await settled()
    clock.advance(30_000)
    await empty()
  })

  it.each([
    ['fields of a body that is JSON', { body: { kind: ['keep'] } }, ['{"kind":"keep"}']],
    ['a body that is text', { body: ['text'] }, ['text']],
    [
      'what SQS says of a message',
      { attributes: { ApproximateReceiveCount: ['1'] } },
      ['{"kind":"keep"}', 'text', '{"kind":"drop"}'],
    ],
  ])('filters by %s, and deletes what does not fit', async (_name, pattern, kept) => {
    const { send, start, bodies, empty } = make({
      mapping: { FilterCriteria: { Filters: [{ Pattern: JSON.stringify(pattern) }] } },
    })
    for (const body of ['{"kind":"keep"}', 'text', '{"kind":"drop"}']) send(body)
    start()
    await empty()
    expect(bodies().flat()).toEqual(kept)
  })

  it('keeps the order of each group of a FIFO queue, one batch of a group at a time', async () => {
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const { send, start, bodies, seen, empty } = make({
      name: 'jobs.fifo',
      queue: { FifoQueue: true, ContentBasedDeduplication: true },
      mapping: { BatchSize: 1 },
      answer: async ({ Records }) => {
        if (Records[0]?.body === 'a1') await held
        return ok
      },
    })
    for (const body of ['a1', 'a2', 'b1']) send(body, { groupId: body.charAt(0) })
    start()
    await seen(2)
    await settled()
    expect(bodies().flat()).toEqual(['a1', 'b1'])
    release()
    await empty()
    expect(bodies().flat()).toEqual(['a1', 'b1', 'a2'])
  })

  it('gives messages of a FIFO queue their group, number and deduplication id', async () => {
    const { send, start, events, seen } = make({
      name: 'jobs.fifo',
      queue: { FifoQueue: true, ContentBasedDeduplication: true },
    })
    send('a', { groupId: 'g' })
    start()
    await seen(1)
    expect(events[0]?.Records[0]?.['attributes']).toMatchObject({
      MessageGroupId: 'g',
      SequenceNumber: expect.stringMatching(/^\d{20}$/) as string,
      MessageDeduplicationId: 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb',
    })
  })

  it('has no more batches under way than MaximumConcurrency', async () => {
    let running = 0
    let most = 0
    const { send, start, empty } = make({
      mapping: { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 2 } },
      answer: async () => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setImmediate(resolve))
        running--
        return ok
      },
    })
    for (let index = 0; index < 8; index++) send(String(index))
    start()
    await empty()
    expect(most).toBe(2)
  })

  it.each([
    [{ mapping: { BatchSize: 11 } }, /batch window in seconds must be greater than 0/],
    [
      { name: 'q.fifo', queue: { FifoQueue: true }, mapping: { MaximumBatchingWindowInSeconds: 1 } },
      /not supported for FIFO/,
    ],
    [{ name: 'q.fifo', queue: { FifoQueue: true }, mapping: { BatchSize: 11 } }, /10 or less for FIFO/],
    [{ timeout: 31 }, /Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds/],
    [{ mapping: { ScalingConfig: { MaximumConcurrency: 1 } } }, /MaximumConcurrency is 1; .* from 2 to 1000/],
    [{ mapping: { BatchSize: 10_001 } }, /BatchSize is 10001/],
  ])('is refused as Lambda refuses %j', (setup, message) => {
    expect(() => make(setup)).toThrow(message)
  })

  it('is reported and left out when its queue is not of the template', () => {
    const { definitions, lines } = make({ mapping: { EventSourceArn: arnOf('elsewhere') } })
    expect(definitions).toEqual([])
    expect(lines).toEqual([
      `S/Mapping reads "${arnOf('elsewhere')}", which is no queue of the template; it is skipped`,
    ])
  })
})
