import { describe, expect, it } from 'vitest'
import type { Environment, Resource } from '../../../local/cloudformation/resource.ts'
import { ManualClock } from '../../../local/clock.ts'
import { scheduleDefinitions } from '../../../local/events/definition.ts'
import { Schedules } from '../../../local/events/schedules.ts'
import { Targets } from '../../../local/events/targets.ts'
import { FunctionNotFoundError } from '../../../local/lambda/invoker.ts'
import { makeQueues } from '../sqs/fixture.ts'

const environment: Environment = { partition: 'aws', region: 'eu-west-1', accountId: '123456789012' }
const Arn = 'arn:aws:lambda:eu-west-1:123456789012:function:sweep'
const MINUTE = 60_000

function resource(type: string, logicalId: string, properties: Record<string, unknown>): Resource {
  const kind = type === 'AWS::Events::Rule' ? 'events' : 'scheduler'
  const name = kind === 'events' ? `rule/${logicalId}-1A2B` : `schedule/default/${logicalId}-1A2B`
  return {
    logicalId,
    type,
    stack: 'Test',
    path: `Test/${logicalId}`,
    physicalId: `${logicalId}-1A2B`,
    arn: `arn:aws:${kind}:eu-west-1:123456789012:${name}`,
    properties,
  }
}

const rule = (properties: Record<string, unknown> = {}) =>
  resource('AWS::Events::Rule', 'Sweep', {
    ScheduleExpression: 'rate(1 minute)',
    State: 'ENABLED',
    Targets: [{ Id: 'Target0', Arn }],
    ...properties,
  })

const schedule = (properties: Record<string, unknown> = {}, target: Record<string, unknown> = {}) =>
  resource('AWS::Scheduler::Schedule', 'Nightly', {
    ScheduleExpression: 'rate(5 minutes)',
    FlexibleTimeWindow: { Mode: 'OFF' },
    Target: { Arn, RoleArn: 'arn:aws:iam::123456789012:role/r', ...target },
    ...properties,
  })

function make(resources: readonly Resource[], startMs?: number) {
  const clock = new ManualClock(startMs)
  const calls: { target: string; event: Record<string, unknown>; at: string }[] = []
  const logged: string[] = []
  const schedules = new Schedules(scheduleDefinitions(resources, environment), {
    clock,
    environment,
    targets: new Targets({
      queues: makeQueues({}).queues,
      log: {
        info: () => undefined,
        warn: (_, text) => void logged.push(text),
        error: (_, text) => void logged.push(text),
      },
      functions: {
        invoke: () => Promise.reject(new Error('a schedule invokes asynchronously')),
        invokeAsync(target, event) {
          if (target.endsWith('missing')) throw new FunctionNotFoundError('Function not found')
          calls.push({
            target,
            event: event as Record<string, unknown>,
            at: new Date(clock.now()).toISOString().slice(11, 16),
          })
        },
      },
    }),
  })
  return { schedules, clock, calls, logged }
}

describe('a rule', () => {
  it('invokes its function with the scheduled event, first after one period', () => {
    const { schedules, clock, calls } = make([rule()])
    schedules.start()
    clock.advance(MINUTE - 1)
    expect(calls).toEqual([])
    clock.advance(1)
    expect(calls).toEqual([
      {
        at: '09:01',
        target: Arn,
        event: {
          version: '0',
          id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
          'detail-type': 'Scheduled Event',
          source: 'aws.events',
          account: '123456789012',
          time: '2026-11-23T09:01:00Z',
          region: 'eu-west-1',
          resources: ['arn:aws:events:eu-west-1:123456789012:rule/Sweep-1A2B'],
          detail: {},
        },
      },
    ])
    clock.advance(3 * MINUTE)
    expect(calls.map((c) => c.at)).toEqual(['09:01', '09:02', '09:03', '09:04'])
    expect(new Set(calls.map((c) => c.event['id'])).size).toBe(4)
  })

  it('follows cron at the minute', () => {
    const { schedules, clock, calls } = make([rule({ ScheduleExpression: 'cron(0/20 9-10 * * ? *)' })])
    schedules.start()
    clock.advance(3 * 60 * MINUTE)
    expect(calls.map((c) => c.at)).toEqual(['09:20', '09:40', '10:00', '10:20', '10:40'])
  })

  it('is due beyond what one timer can wait', () => {
    const { schedules, clock, calls } = make([rule({ ScheduleExpression: 'rate(60 days)' })])
    const capped = clock.after.bind(clock)
    clock.after = (delayMs, callback) => capped(Math.min(delayMs, 2 ** 31 - 1), callback)
    schedules.start()
    clock.advance(60 * 24 * 60 * MINUTE - 1)
    expect(calls).toEqual([])
    clock.advance(1)
    expect(calls).toHaveLength(1)
  })

  it('never comes by itself when it is disabled, and comes when fired by name, logical id or path', () => {
    const { schedules, clock, calls } = make([rule({ State: 'DISABLED' })])
    schedules.start()
    clock.advance(60 * MINUTE)
    expect(calls).toEqual([])
    for (const name of ['Sweep-1A2B', 'Sweep', 'Test/Sweep']) schedules.fire(name)
    expect(calls.map((c) => c.event['time'])).toEqual(Array(3).fill('2026-11-23T10:00:00Z'))
    expect(() => schedules.fire('Swep')).toThrow('no rule or schedule "Swep"; expected one of: Sweep')
  })

  it('stops, and starts again once only', () => {
    const { schedules, clock, calls } = make([rule()])
    schedules.start()
    schedules.start()
    clock.advance(MINUTE)
    expect(calls).toHaveLength(1)
    schedules.stop()
    clock.advance(60 * MINUTE)
    expect(calls).toHaveLength(1)
  })

  it('goes on after a function that is not there, and serves its other targets', () => {
    const { schedules, clock, calls, logged } = make([
      rule({
        Targets: [
          { Id: 'a', Arn: `${Arn}-missing` },
          { Id: 'b', Arn },
        ],
      }),
    ])
    schedules.start()
    clock.advance(2 * MINUTE)
    expect(calls).toHaveLength(2)
    expect(logged[0]).toBe(`rule "Test/Sweep" could not reach "${Arn}-missing": Function not found`)
  })

  it('reports a target that is not emulated once', () => {
    const queue = 'arn:aws:sqs:eu-west-1:123456789012:Work'
    const { schedules, clock, calls, logged } = make([rule({ Targets: [{ Id: 'a', Arn: queue }] })])
    schedules.start()
    clock.advance(5 * MINUTE)
    expect(calls).toEqual([])
    expect(logged).toEqual([
      `rule "Test/Sweep" has the target "${queue}", which is not emulated; it is skipped`,
    ])
  })

  it.each([
    ['a constant', { Input: '{"a":[1,"<aws.events.rule-name>"]}' }, { a: [1, '<aws.events.rule-name>'] }],
    ['a path', { InputPath: '$.detail-type' }, 'Scheduled Event'],
    [
      'a path into a list',
      { InputPath: '$.resources[0]' },
      'arn:aws:events:eu-west-1:123456789012:rule/Sweep-1A2B',
    ],
    [
      'a transformer of JSON',
      {
        InputTransformer: {
          InputPathsMap: { when: '$.time', all: '$.resources', none: '$.detail.x' },
          InputTemplate:
            '{"at": <when>, "said": "it is <when>, \\"<aws.events.rule-name>\\"", "all": <all>, "none": <none>, "html": "<b>"}',
        },
      },
      {
        at: '2026-11-23T09:00:00Z',
        said: 'it is 2026-11-23T09:00:00Z, "Sweep-1A2B"',
        all: ['arn:aws:events:eu-west-1:123456789012:rule/Sweep-1A2B'],
        none: null,
        html: '<b>',
      },
    ],
    [
      'a transformer of text',
      { InputTransformer: { InputPathsMap: { r: '$.region' }, InputTemplate: '"in <r>"' } },
      'in eu-west-1',
    ],
    [
      'a transformer without paths',
      { InputTransformer: { InputTemplate: '{"fixed":true}' } },
      { fixed: true },
    ],
  ])('gives its target %s', (_, input, expected) => {
    const { schedules, calls } = make([rule({ Targets: [{ Id: 'a', Arn, ...input }] })])
    schedules.fire('Sweep')
    expect(calls.map((c) => c.event)).toEqual([expected])
  })

  it('says which template makes no JSON', () => {
    const { schedules, calls, logged } = make([
      rule({ Targets: [{ Id: 'a', Arn, InputTransformer: { InputTemplate: 'plain <words>' } }] }),
    ])
    schedules.fire('Sweep')
    expect(calls).toEqual([])
    expect(logged).toEqual([expect.stringContaining('the input is not JSON: plain <words>')])
  })
})

describe('a schedule', () => {
  it('invokes at once and then at its rate, with an event of its own source', () => {
    const { schedules, clock, calls } = make([schedule()])
    schedules.start()
    clock.advance(10 * MINUTE)
    expect(calls.map((c) => c.at)).toEqual(['09:00', '09:05', '09:10'])
    expect(calls[0]?.event).toMatchObject({
      source: 'aws.scheduler',
      'detail-type': 'Scheduled Event',
      time: '2026-11-23T09:00:00Z',
      resources: ['arn:aws:scheduler:eu-west-1:123456789012:schedule/default/Nightly-1A2B'],
      detail: '{}',
    })
  })

  it('keeps to its start and end dates', () => {
    const { schedules, clock, calls } = make([
      schedule({ StartDate: '2026-11-23T09:02:00Z', EndDate: '2026-11-23T09:12:00Z' }),
    ])
    schedules.start()
    clock.advance(60 * MINUTE)
    expect(calls.map((c) => c.at)).toEqual(['09:02', '09:07', '09:12'])
  })

  it('goes by its time zone', () => {
    const { schedules, clock, calls } = make([
      schedule({ ScheduleExpression: 'cron(30 10 * * ? *)', ScheduleExpressionTimezone: 'Europe/Berlin' }),
    ])
    schedules.start()
    clock.advance(24 * 60 * MINUTE)
    expect(calls.map((c) => c.at)).toEqual(['09:30'])
  })

  it('comes once with at', () => {
    const { schedules, clock, calls } = make([schedule({ ScheduleExpression: 'at(2026-11-23T09:30:00)' })])
    schedules.start()
    clock.advance(48 * 60 * MINUTE)
    expect(calls.map((c) => c.at)).toEqual(['09:30'])
  })

  it('fills its context attributes into its input', () => {
    const Input = '{"at":"<aws.scheduler.scheduled-time>","try":<aws.scheduler.attempt-number>,"x":"<y>"}'
    const { schedules, calls } = make([schedule({}, { Input })])
    schedules.fire('Nightly')
    expect(calls.map((c) => c.event)).toEqual([{ at: '2026-11-23T09:00:00Z', try: 1, x: '<y>' }])
  })
})

describe('definitions', () => {
  it('leave a rule with an event pattern alone', () => {
    const pattern = resource('AWS::Events::Rule', 'Pattern', { EventPattern: { source: ['aws.s3'] } })
    expect(scheduleDefinitions([pattern], environment)).toEqual([])
  })

  it.each([
    [
      'a bad expression',
      rule({ ScheduleExpression: 'rate(5 minute)' }),
      'rule "Test/Sweep": invalid schedule expression "rate(5 minute)"',
    ],
    [
      'an input that is no JSON',
      rule({ Targets: [{ Id: 'a', Arn, Input: '{' }] }),
      'rule "Test/Sweep": the input is not JSON: {',
    ],
    ['a bad path', rule({ Targets: [{ Id: 'a', Arn, InputPath: 'detail' }] }), 'invalid JSON path "detail"'],
    [
      'a bad path in a transformer',
      rule({
        Targets: [{ Id: 'a', Arn, InputTransformer: { InputPathsMap: { a: '$..b' }, InputTemplate: '1' } }],
      }),
      'invalid JSON path "$..b"',
    ],
    ['a target without ARN', rule({ Targets: [{ Id: 'a' }] }), 'found nothing where a string is expected'],
    [
      'an unknown zone',
      schedule({ ScheduleExpressionTimezone: 'Mars/Olympus' }),
      'schedule "Test/Nightly": unknown time zone "Mars/Olympus"',
    ],
    ['a bad start date', schedule({ StartDate: 'soon' }), 'StartDate is "soon"'],
    ['no expression', schedule({ ScheduleExpression: undefined }), 'schedule "Test/Nightly": found nothing'],
  ])('refuse %s by name', (_, bad, message) => {
    expect(() => scheduleDefinitions([bad], environment)).toThrow(message)
  })

  it('name every problem at once', () => {
    const bad = [rule({ ScheduleExpression: 'x' }), schedule({ ScheduleExpression: 'y' })]
    expect(() => scheduleDefinitions(bad, environment)).toThrow(/Test\/Sweep[^]*\n[^]*Test\/Nightly/)
  })
})
