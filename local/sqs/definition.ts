import type { Resource } from '../cloudformation/resource.ts'
import {
  DEFAULT_RETENTION_SECONDS,
  DEFAULT_VISIBILITY_TIMEOUT_SECONDS,
  MAX_DELAY_SECONDS,
  MAX_MESSAGE_BYTES,
  MAX_RETENTION_SECONDS,
  MAX_VISIBILITY_TIMEOUT_SECONDS,
  MAX_WAIT_SECONDS,
  MIN_RETENTION_SECONDS,
} from './limits.ts'

/** An `AWS::SQS::Queue` with its defaults filled in. */
export interface QueueDefinition {
  readonly logicalId: string
  readonly name: string
  /** `https://sqs.eu-west-1.amazonaws.com/123456789012/Failed` */
  readonly url: string
  readonly arn: string
  readonly visibilityTimeoutSeconds: number
  readonly delaySeconds: number
  readonly retentionSeconds: number
  readonly waitSeconds: number
  readonly maxMessageBytes: number
  readonly redrive?: { readonly deadLetterArn: string; readonly maxReceiveCount: number }
  readonly fifo?: { readonly contentBasedDeduplication: boolean; readonly deduplicatesPerGroup: boolean }
}

/** @throws Error that lists, one per line, the properties that SQS would refuse */
export function queueDefinitions(resources: readonly Resource[]): QueueDefinition[] {
  const problems: string[] = []
  const queues = resources.filter((r) => r.type === 'AWS::SQS::Queue').map((r) => defineQueue(r, problems))
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return queues
}

function defineQueue(resource: Resource, problems: string[]): QueueDefinition {
  const { properties, path } = resource
  const integer = (name: string, fallback: number, min: number, max: number): number => {
    const value = Number(properties[name] ?? fallback)
    if (Number.isInteger(value) && value >= min && value <= max) return value
    problems.push(
      `queue "${path}" has the ${name} "${String(properties[name])}"; expected an integer from ${min} to ${max}`,
    )
    return fallback
  }
  const fifo = isTrue(properties['FifoQueue'])
  const name = resource.arn.split(':').at(-1) ?? ''
  const givenName = properties['QueueName']
  if (fifo && givenName !== undefined && !name.endsWith('.fifo')) {
    problems.push(`queue "${path}" is a FIFO queue named "${name}"; expected a name that ends in .fifo`)
  }
  const redrive = readRedrive(properties['RedrivePolicy'], path, problems)
  return {
    logicalId: resource.logicalId,
    name,
    url: resource.physicalId,
    arn: resource.arn,
    visibilityTimeoutSeconds: integer(
      'VisibilityTimeout',
      DEFAULT_VISIBILITY_TIMEOUT_SECONDS,
      0,
      MAX_VISIBILITY_TIMEOUT_SECONDS,
    ),
    delaySeconds: integer('DelaySeconds', 0, 0, MAX_DELAY_SECONDS),
    retentionSeconds: integer(
      'MessageRetentionPeriod',
      DEFAULT_RETENTION_SECONDS,
      MIN_RETENTION_SECONDS,
      MAX_RETENTION_SECONDS,
    ),
    waitSeconds: integer('ReceiveMessageWaitTimeSeconds', 0, 0, MAX_WAIT_SECONDS),
    maxMessageBytes: integer('MaximumMessageSize', MAX_MESSAGE_BYTES, 1024, MAX_MESSAGE_BYTES),
    ...(redrive ? { redrive } : {}),
    ...(fifo
      ? {
          fifo: {
            contentBasedDeduplication: isTrue(properties['ContentBasedDeduplication']),
            deduplicatesPerGroup: properties['DeduplicationScope'] === 'messageGroup',
          },
        }
      : {}),
  }
}

/** An object in most templates, JSON text in some. */
function readRedrive(value: unknown, path: string, problems: string[]): QueueDefinition['redrive'] {
  if (value === undefined) return undefined
  let policy: unknown = value
  try {
    if (typeof value === 'string') policy = JSON.parse(value)
  } catch {
    // Not JSON: told below, as any other policy without its two members.
  }
  const { deadLetterTargetArn, maxReceiveCount } = (policy ?? {}) as Record<string, unknown>
  const count = Number(maxReceiveCount)
  if (typeof deadLetterTargetArn === 'string' && Number.isInteger(count) && count >= 1 && count <= 1000) {
    return { deadLetterArn: deadLetterTargetArn, maxReceiveCount: count }
  }
  problems.push(
    `queue "${path}" has the RedrivePolicy ${JSON.stringify(value)}; expected a deadLetterTargetArn and a maxReceiveCount from 1 to 1000`,
  )
  return undefined
}

const isTrue = (value: unknown) => value === true || value === 'true'
