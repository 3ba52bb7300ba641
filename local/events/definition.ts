import type { Environment, Resource } from '../cloudformation/resource.ts'
import {
  parseRuleExpression,
  parseSchedulerExpression,
  type ScheduleExpression,
} from './schedule-expression.ts'
import { targetEvent, valueAt, type TargetInput } from './target-input.ts'

/** An `AWS::Events::Rule` with a schedule, or an `AWS::Scheduler::Schedule`. */
export interface ScheduleDefinition {
  readonly kind: 'rule' | 'schedule'
  readonly logicalId: string
  /** For messages to people: the construct path. */
  readonly path: string
  readonly name: string
  readonly arn: string
  readonly enabled: boolean
  readonly expression: ScheduleExpression
  /** Epoch milliseconds; nothing is due before. */
  readonly startsAt?: number
  /** Epoch milliseconds; nothing is due after. */
  readonly endsAt?: number
  readonly targets: readonly ScheduleTarget[]
}

/** What a rule or a schedule invokes or sends to. */
export interface ScheduleTarget {
  readonly arn: string
  readonly input: TargetInput
  /** Of the message, where the target is a FIFO queue. */
  readonly messageGroupId?: string
  /** Role that a schedule's target is invoked with. */
  readonly roleArn?: string
  /** Queue for events that the target can not get. */
  readonly deadLetterArn?: string
}

/**
 * Every schedule of the template. A rule with an event pattern alone is none.
 * @throws Error that lists, one per line, what is wrong with which rule
 */
export function scheduleDefinitions(
  resources: readonly Resource[],
  environment: Environment,
): ScheduleDefinition[] {
  const problems: string[] = []
  const definitions = resources.flatMap((resource) => {
    try {
      if (resource.type === 'AWS::Scheduler::Schedule') return [defineSchedule(resource, environment)]
      if (resource.type === 'AWS::Events::Rule' && resource.properties['ScheduleExpression'] !== undefined) {
        return [defineRule(resource, environment)]
      }
    } catch (error) {
      const what = resource.type === 'AWS::Events::Rule' ? 'rule' : 'schedule'
      problems.push(`${what} "${resource.path}": ${error instanceof Error ? error.message : String(error)}`)
    }
    return []
  })
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return definitions
}

function defineRule(resource: Resource, { partition, region, accountId }: Environment): ScheduleDefinition {
  const { properties } = resource
  const name = resource.physicalId.split('|').at(-1) ?? resource.physicalId
  return {
    kind: 'rule',
    logicalId: resource.logicalId,
    path: resource.path,
    name,
    arn: resource.arn || `arn:${partition}:events:${region}:${accountId}:rule/${name}`,
    enabled: properties['State'] !== 'DISABLED',
    expression: parseRuleExpression(text(properties['ScheduleExpression'])),
    targets: ruleTargets(properties['Targets']),
  }
}

/** @throws Error when one is what EventBridge would refuse */
export const ruleTargets = (targets: unknown): ScheduleTarget[] =>
  list(targets).map((target) => defineTarget(target, ruleInput(target)))

function defineTarget(target: Readonly<Record<string, unknown>>, input: TargetInput): ScheduleTarget {
  const { MessageGroupId } = record(target['SqsParameters'])
  const { Arn } = record(target['DeadLetterConfig'])
  return {
    arn: text(target['Arn']),
    input,
    ...(target['RoleArn'] === undefined ? {} : { roleArn: text(target['RoleArn']) }),
    ...(MessageGroupId === undefined ? {} : { messageGroupId: text(MessageGroupId) }),
    ...(Arn === undefined ? {} : { deadLetterArn: text(Arn) }),
  }
}

function ruleInput(target: Readonly<Record<string, unknown>>): TargetInput {
  const { Input, InputPath, InputTransformer } = target
  if (InputTransformer !== undefined) {
    const { InputPathsMap, InputTemplate } = record(InputTransformer)
    const paths = Object.fromEntries(
      Object.entries(record(InputPathsMap)).map(([name, path]) => [name, text(path)]),
    )
    for (const path of Object.values(paths)) valueAt({}, path)
    return { type: 'transformer', paths, template: text(InputTemplate) }
  }
  if (InputPath !== undefined) {
    valueAt({}, text(InputPath))
    return { type: 'path', path: text(InputPath) }
  }
  return Input === undefined ? { type: 'event' } : checked({ type: 'constant', text: text(Input) })
}

function defineSchedule(
  resource: Resource,
  { partition, region, accountId }: Environment,
): ScheduleDefinition {
  const { properties } = resource
  const name = resource.physicalId.split('/').at(-1) ?? resource.physicalId
  const group = text(properties['GroupName'] ?? 'default')
  const target = record(properties['Target'])
  const startsAt = moment(properties['StartDate'], 'StartDate')
  const endsAt = moment(properties['EndDate'], 'EndDate')
  return {
    kind: 'schedule',
    logicalId: resource.logicalId,
    path: resource.path,
    name,
    arn: resource.arn || `arn:${partition}:scheduler:${region}:${accountId}:schedule/${group}/${name}`,
    enabled: properties['State'] !== 'DISABLED',
    expression: parseSchedulerExpression(
      text(properties['ScheduleExpression']),
      text(properties['ScheduleExpressionTimezone'] ?? 'UTC'),
    ),
    ...(startsAt === undefined ? {} : { startsAt }),
    ...(endsAt === undefined ? {} : { endsAt }),
    targets: [defineTarget(target, scheduleInput(target['Input']))],
  }
}

function scheduleInput(input: unknown): TargetInput {
  return input === undefined ? { type: 'event' } : checked({ type: 'attributes', text: text(input) })
}

/** @throws Error when the text is not JSON, whatever its attributes will be */
function checked(input: TargetInput): TargetInput {
  targetEvent(input, undefined, SAMPLE_ATTRIBUTES)
  return input
}

/** `0` makes JSON both inside a string and outside. */
const SAMPLE_ATTRIBUTES = {
  'aws.scheduler.schedule-arn': '0',
  'aws.scheduler.scheduled-time': '0',
  'aws.scheduler.execution-id': '0',
  'aws.scheduler.attempt-number': '0',
}

function moment(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined
  const time = Date.parse(text(value))
  if (Number.isNaN(time))
    throw new Error(`${name} is "${text(value)}"; expected a time such as 2026-11-23T09:00:00Z`)
  return time
}

/** @throws Error for anything but a string, so that a schedule without expression or target says so */
function text(value: unknown): string {
  if (typeof value !== 'string') {
    const found = value === undefined ? 'nothing' : JSON.stringify(value)
    throw new Error(`found ${found} where a string is expected`)
  }
  return value
}

const record = (value: unknown) =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
const list = (value: unknown) => (Array.isArray(value) ? value.map(record) : [])
