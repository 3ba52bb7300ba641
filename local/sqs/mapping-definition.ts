import type { Resource } from '../cloudformation/resource.ts'
import {
  type MappingDefinition,
  integer,
  mappingDefinition,
  mappingsOf,
} from '../lambda/mapping-definition.ts'
import type { Log } from '../log.ts'
import type { Queue } from './queue.ts'
import type { Queues } from './queues.ts'

/** An event source mapping of a queue, with AWS's defaults filled in. */
export interface QueueMappingDefinition extends MappingDefinition {
  readonly queue: Queue
  /** Batches that are handled at once. */
  readonly maximumConcurrency: number
}

const DEFAULT_BATCH_SIZE = 10
/** More than this needs a batching window, and a FIFO queue takes no more. */
const MAX_BATCH_SIZE_WITHOUT_WINDOW = 10
/** With how many batches Lambda begins; on AWS it goes on from there while the queue is not empty. */
const DEFAULT_CONCURRENCY = 5
/** Of a function that says nothing. */
const DEFAULT_TIMEOUT_SECONDS = 3

/**
 * The mappings of the template that read a queue and are enabled. One of a queue outside the template is reported and left out.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
 * @throws for one that Lambda would refuse, naming it
 */
export const queueMappings = (
  resources: readonly Resource[],
  queues: Queues,
  log: Log,
): QueueMappingDefinition[] =>
  mappingsOf(resources, 'sqs').flatMap((resource) => {
    const queue = queues.byArn(String(resource.properties['EventSourceArn']))
    if (queue) return [toDefinition(resource, resources, queue)]
    log.warn(
      'sqs',
      `${resource.path} reads "${String(resource.properties['EventSourceArn'])}", which is no queue of the template; it is skipped`,
    )
    return []
  })

function toDefinition(
  resource: Resource,
  resources: readonly Resource[],
  queue: Queue,
): QueueMappingDefinition {
  const definition = mappingDefinition(resource, resources, DEFAULT_BATCH_SIZE)
  const { path, properties } = resource
  const { batchSize, batchingWindowMs, functionArn } = definition
  const refuse = (message: string) => new Error(`${path}: InvalidParameterValueException: ${message}`)
  if (queue.definition.fifo && batchingWindowMs > 0)
    throw refuse('Batching window is not supported for FIFO queues')
  if (queue.definition.fifo && batchSize > MAX_BATCH_SIZE_WITHOUT_WINDOW)
    throw refuse(
      `Batch size must be ${MAX_BATCH_SIZE_WITHOUT_WINDOW} or less for FIFO queues, not ${batchSize}`,
    )
  if (batchSize > MAX_BATCH_SIZE_WITHOUT_WINDOW && batchingWindowMs === 0)
    throw refuse(
      'Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10',
    )
  const target = resources.find(
    ({ type, arn }) =>
      type === 'AWS::Lambda::Function' && (functionArn === arn || functionArn.startsWith(`${arn}:`)),
  )
  const timeout = Number(target?.properties['Timeout'] ?? DEFAULT_TIMEOUT_SECONDS)
  const { visibilityTimeoutSeconds } = queue.definition
  if (target && visibilityTimeoutSeconds < timeout)
    throw refuse(
      `Queue visibility timeout: ${visibilityTimeoutSeconds} seconds is less than Function timeout: ${timeout} seconds`,
    )
  const scaling = (properties['ScalingConfig'] ?? {}) as Readonly<Record<string, unknown>>
  const maximum = integer({ ...resource, properties: scaling }, 'MaximumConcurrency', 2, 1000)
  return { ...definition, queue, maximumConcurrency: maximum ?? DEFAULT_CONCURRENCY }
}
