import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ManualClock } from '../../../local/clock.ts'
import type { Resource } from '../../../local/cloudformation/resource.ts'
import { eventsEndpoint } from '../../../local/events/endpoint.ts'
import { EventBuses } from '../../../local/events/event-buses.ts'
import type { Iam } from '../../../local/iam/iam.ts'
import { Targets } from '../../../local/events/targets.ts'
import { FunctionNotFoundError } from '../../../local/lambda/invoker.ts'
import { environment, functionArn, resource } from '../dynamodb/fixture.ts'
import { arnOf, makeQueues } from '../sqs/fixture.ts'

const busArn = (name: string) => `arn:aws:events:eu-west-1:123456789012:event-bus/${name}`
const bus = (name: string) => resource('AWS::Events::EventBus', name, busArn(name), { Name: name })
const rule = (name: string, properties: Readonly<Record<string, unknown>>) =>
  resource('AWS::Events::Rule', name, `arn:aws:events:eu-west-1:123456789012:rule/${name}`, properties)
const toFunction = (name: string, more: object = {}) => [{ Id: 'T', Arn: functionArn(name), ...more }]
const shopRule = (Targets: readonly object[], more: object = {}) =>
  rule('Shop', { EventPattern: { source: ['shop'] }, Targets, ...more })

async function make(resources: readonly Resource[], mayInvoke?: Iam['mayInvoke']) {
  const {
    queues,
    queue,
    clock: _clock,
    errors,
  } = makeQueues({
    inbox: {},
    dead: {},
    'ordered.fifo': { FifoQueue: true, ContentBasedDeduplication: true },
  })
  const clock = new ManualClock()
  const calls: { target: string; event: unknown }[] = []
  const lines: string[] = []
  const note = (_: string, text: string) => void lines.push(text)
  const log = { info: () => undefined, warn: note, error: note }
  const targets = new Targets({
    functions: {
      invoke: () => Promise.reject(new Error('a rule invokes asynchronously')),
      invokeAsync(target, event) {
        if (target.endsWith('missing')) throw new FunctionNotFoundError(`Function not found: ${target}`)
        calls.push({ target, event })
      },
    },
    queues,
    log,
    mayInvoke,
  })
  const buses = new EventBuses({ resources, environment, targets, clock, log })
  const server = createServer(eventsEndpoint(buses, { environment })).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const call = async (body: unknown, target = 'AWSEvents.PutEvents') => {
    const response = await fetch(`http://127.0.0.1:${port}`, {
      method: 'POST',
      headers: { 'x-amz-target': target, 'content-type': 'application/x-amz-json-1.1' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const put = (...entries: object[]) =>
    call({
      Entries: entries.map((entry) => ({ Source: 'shop', DetailType: 'paid', Detail: '{"id":1}', ...entry })),
    })
  const received = async (name: string) =>
    (await queue(name).receive({ max: 10, waitSeconds: 0 })).map(({ body }) => JSON.parse(body) as unknown)
  return { call, put, calls, lines, queue, received, errors }
}

describe('PutEvents', () => {
  it('gives rules that fit the envelope that EventBridge makes', async () => {
    const { put, calls } = await make([
      shopRule(toFunction('onPaid')),
      rule('Other', { EventPattern: { source: ['x'] }, Targets: toFunction('other') }),
    ])
    const { status, body } = await put({ Resources: ['arn:x'], Time: 1_795_425_126.5 })
    const { EventId } = (body['Entries'] as { EventId: string }[])[0] ?? { EventId: '' }
    expect(status).toBe(200)
    expect(body).toEqual({ FailedEntryCount: 0, Entries: [{ EventId }] })
    expect(calls).toEqual([
      {
        target: functionArn('onPaid'),
        event: {
          version: '0',
          id: EventId,
          'detail-type': 'paid',
          source: 'shop',
          account: '123456789012',
          time: '2026-11-23T09:12:06Z',
          region: 'eu-west-1',
          resources: ['arn:x'],
          detail: { id: 1 },
        },
      },
    ])
    expect(EventId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
  })

  it('stamps an event without a time with now', async () => {
    const { put, calls } = await make([shopRule(toFunction('onPaid'))])
    await put({})
    expect(calls[0]?.event).toMatchObject({ time: '2026-11-23T09:00:00Z', resources: [] })
  })

  it.each([
    [
      { Source: undefined },
      'InvalidArgument',
      'Parameter Source is not valid. Reason: Source is a required argument.',
    ],
    [
      { DetailType: '' },
      'InvalidArgument',
      'Parameter DetailType is not valid. Reason: DetailType is a required argument.',
    ],
    [
      { Detail: undefined },
      'InvalidArgument',
      'Parameter Detail is not valid. Reason: Detail is a required argument.',
    ],
    [{ Detail: 'no JSON' }, 'MalformedDetail', 'Detail is malformed.'],
    [{ Detail: '[1]' }, 'MalformedDetail', 'Detail is malformed.'],
    [{ Source: 'aws.ec2' }, 'NotAuthorizedForSourceException', 'Not authorized for the source.'],
  ])('refuses the entry %j by itself', async (entry, ErrorCode, ErrorMessage) => {
    const { put, calls } = await make([shopRule(toFunction('onPaid'))])
    const { status, body } = await put(entry, {})
    expect(status).toBe(200)
    expect(body).toMatchObject({
      FailedEntryCount: 1,
      Entries: [{ ErrorCode, ErrorMessage }, { EventId: expect.any(String) as string }],
    })
    expect(calls.length).toBe(1)
  })

  it('refuses more than ten entries, none, and more than 1 MB', async () => {
    const { put, call } = await make([])
    const many = await put(...Array.from({ length: 11 }, () => ({})))
    expect(many).toMatchObject({ status: 400, body: { __type: 'ValidationException' } })
    expect(many.body['message']).toContain('length less than or equal to 10')
    expect((await call({ Entries: [] })).body['message']).toContain('length greater than or equal to 1')
    const large = JSON.stringify({ text: 'x'.repeat(1024 * 1024) })
    expect(await put({ Detail: large })).toMatchObject({
      status: 400,
      body: {
        __type: 'ValidationException',
        message: 'Total size of the entries in the request is over the limit.',
      },
    })
  })

  it('refuses other operations and what is no JSON', async () => {
    const { call } = await make([])
    expect(await call({}, 'AWSEvents.ListRules')).toMatchObject({
      status: 400,
      body: { __type: 'UnknownOperationException' },
    })
    expect(await call('{')).toMatchObject({ status: 400, body: { __type: 'SerializationException' } })
  })

  it('takes events for a bus that is not there, and says once that they go nowhere', async () => {
    const { put, lines, calls } = await make([shopRule(toFunction('onPaid'))])
    const answer = await put({ EventBusName: 'nowhere' })
    await put({ EventBusName: 'nowhere' })
    expect(answer.body).toMatchObject({ FailedEntryCount: 0 })
    expect(calls).toEqual([])
    expect(lines).toEqual(['there is no event bus "nowhere" in the template; its events go nowhere'])
  })
})

describe('a rule with an event pattern', () => {
  it('is on its own bus, by name or by ARN', async () => {
    const { put, calls } = await make([
      bus('orders'),
      shopRule(toFunction('named'), { EventBusName: 'orders' }),
      rule('ByArn', {
        EventPattern: { source: ['shop'] },
        EventBusName: busArn('orders'),
        Targets: toFunction('byArn'),
      }),
      rule('Default', { EventPattern: { source: ['shop'] }, Targets: toFunction('default') }),
    ])
    await put({ EventBusName: 'orders' })
    await put({ EventBusName: busArn('orders') })
    const names = calls.map(({ target }) => target.split(':').at(-1))
    expect(names).toEqual(['named', 'byArn', 'named', 'byArn'])
  })

  it('matches numbers of the detail as they are written', async () => {
    const { put, calls } = await make([
      rule('Price', { EventPattern: '{"detail":{"price":[300.0]}}', Targets: toFunction('fn') }),
    ])
    await put({ Detail: '{"price":300}' }, { Detail: '{"price":300.0}' })
    expect(calls.length).toBe(1)
  })

  it('does nothing when it is disabled', async () => {
    const { put, calls } = await make([shopRule(toFunction('onPaid'), { State: 'DISABLED' })])
    await put({})
    expect(calls).toEqual([])
  })

  it('sends to queues, to FIFO queues with the group of the target', async () => {
    const { put, received, queue } = await make([
      shopRule([
        { Id: 'A', Arn: arnOf('inbox') },
        {
          Id: 'B',
          Arn: arnOf('ordered.fifo'),
          SqsParameters: { MessageGroupId: 'g' },
          InputPath: '$.detail',
        },
      ]),
    ])
    await put({})
    expect(await received('inbox')).toMatchObject([{ source: 'shop', detail: { id: 1 } }])
    const [message] = await queue('ordered.fifo').receive({ waitSeconds: 0 })
    expect(message).toMatchObject({ body: '{"id":1}', groupId: 'g' })
  })

  it.each([
    [{ Input: '{"fixed":true}' }, { fixed: true }],
    [{ InputPath: '$.detail.id' }, 1],
    [
      {
        InputTransformer: {
          InputPathsMap: { id: '$.detail.id', type: '$.detail-type' },
          InputTemplate: '{"order":<id>,"text":"<type> by <aws.events.rule-name>"}',
        },
      },
      { order: 1, text: 'paid by Shop' },
    ],
  ])('gives its target what %j makes of the event', async (input, expected) => {
    const { put, calls } = await make([shopRule(toFunction('onPaid', input))])
    await put({})
    expect(calls.map(({ event }) => event)).toEqual([expected])
  })

  it('passes events on to another bus, and not round and round', async () => {
    const onward = (name: string, from: string, to: string) =>
      rule(name, {
        EventPattern: { source: ['shop'] },
        EventBusName: from,
        Targets: [{ Id: 'T', Arn: busArn(to) }],
      })
    const { put, calls, lines } = await make([
      bus('a'),
      bus('b'),
      onward('AtoB', 'a', 'b'),
      onward('BtoA', 'b', 'a'),
      rule('OnB', { EventPattern: { source: ['shop'] }, EventBusName: 'b', Targets: toFunction('onB') }),
    ])
    await put({ EventBusName: 'a' })
    expect(calls.length).toBeGreaterThan(0)
    expect(calls[0]?.event).toMatchObject({ source: 'shop', detail: { id: 1 } })
    expect(lines).toEqual([expect.stringMatching(/went through 5 buses; it goes no further/)])
  })

  it('puts what can not be delivered into the dead-letter queue of its target', async () => {
    const { put, queue } = await make([
      shopRule(toFunction('missing', { DeadLetterConfig: { Arn: arnOf('dead') } })),
    ])
    await put({})
    const [message] = await queue('dead').receive({ waitSeconds: 0 })
    expect(JSON.parse(message?.body ?? '')).toMatchObject({ source: 'shop', detail: { id: 1 } })
    const values = Object.entries(message?.attributes ?? {}).map(([name, { StringValue }]) => [
      name,
      StringValue,
    ])
    expect(Object.fromEntries(values)).toMatchObject({
      ERROR_CODE: 'NO_RESOURCE',
      RETRY_ATTEMPTS: '0',
      RULE_ARN: 'arn:aws:events:eu-west-1:123456789012:rule/Shop',
      TARGET_ARN: functionArn('missing'),
    })
  })

  it('invokes no function that its policy does not let it', async () => {
    const asked: unknown[] = []
    const { put, calls, queue } = await make(
      [shopRule(toFunction('onPaid', { DeadLetterConfig: { Arn: arnOf('dead') } }))],
      (...question) => {
        asked.push(question)
        return false
      },
    )
    await put({})
    expect(calls).toEqual([])
    const sourceArn = 'arn:aws:events:eu-west-1:123456789012:rule/Shop'
    expect(asked).toEqual([
      [{ service: 'events.amazonaws.com', sourceArn }, functionArn('onPaid'), undefined],
    ])
    const [message] = await queue('dead').receive({ waitSeconds: 0 })
    expect(message?.attributes?.['ERROR_CODE']?.StringValue).toBe('NO_PERMISSIONS')
  })

  it('reports targets that are not emulated, once, and reaches the others', async () => {
    const Arn = 'arn:aws:states:eu-west-1:123456789012:stateMachine:M'
    const { put, calls, lines } = await make([shopRule([{ Id: 'S', Arn }, ...toFunction('onPaid')])])
    await put({}, {})
    expect(lines).toEqual([`rule "S/Shop" has the target "${Arn}", which is not emulated; it is skipped`])
    expect(calls.length).toBe(2)
  })

  it('is refused with a pattern that EventBridge refuses, in its words', async () => {
    await expect(make([rule('Bad', { EventPattern: { source: 'shop' }, Targets: [] })])).rejects.toThrow(
      'rule "S/Bad": InvalidEventPatternException: Event pattern is not valid. Reason: "source" must be an object or an array',
    )
  })
})
