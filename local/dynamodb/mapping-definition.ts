import type { Resource } from '../cloudformation/resource.ts'
import {
  type MappingDefinition,
  integer,
  mappingDefinition,
  mappingsOf,
} from '../lambda/mapping-definition.ts'

/** An event source mapping of a DynamoDB stream, with AWS's defaults filled in. */
export interface StreamMappingDefinition extends MappingDefinition {
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST'
  /** Tries after the first; undefined: as long as the records live. */
  readonly maximumRetryAttempts: number | undefined
  /** Records older than this are given up, in milliseconds; undefined: never. */
  readonly maximumRecordAgeMs: number | undefined
  readonly bisectBatchOnFunctionError: boolean
  /** Batches of one shard that are handled at once, records of a partition key always in order. */
  readonly parallelizationFactor: number
  /** 0: batches stand for themselves. */
  readonly tumblingWindowMs: number
  /** ARN of the queue for what is given up. */
  readonly onFailure: string | undefined
}

const DEFAULT_BATCH_SIZE = 100
const WITHOUT_LIMIT = -1

/**
 * The mappings of the template that read a DynamoDB stream and are enabled.
 * @throws for one that Lambda would refuse, naming it
 */
export const streamMappings = (resources: readonly Resource[]): StreamMappingDefinition[] =>
  mappingsOf(resources, 'dynamodb').map((resource) => toDefinition(resource, resources))

/** Ranges: https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html */
function toDefinition(resource: Resource, resources: readonly Resource[]): StreamMappingDefinition {
  const { properties, path } = resource
  const common = mappingDefinition(resource, resources, DEFAULT_BATCH_SIZE)
  const position = properties['StartingPosition']
  if (position !== 'TRIM_HORIZON' && position !== 'LATEST')
    throw new Error(
      `${path}: StartingPosition is ${JSON.stringify(position)}; a DynamoDB stream takes TRIM_HORIZON or LATEST`,
    )
  const destination = properties['DestinationConfig'] as { OnFailure?: { Destination?: string } } | undefined
  const limit = (name: string, min: number, max: number) => {
    const value = integer(resource, name, min, max, WITHOUT_LIMIT)
    return value === WITHOUT_LIMIT ? undefined : value
  }
  const recordAge = limit('MaximumRecordAgeInSeconds', 60, 604_800)
  return {
    ...common,
    startingPosition: position,
    maximumRetryAttempts: limit('MaximumRetryAttempts', 0, 10_000),
    maximumRecordAgeMs: recordAge === undefined ? undefined : recordAge * 1000,
    bisectBatchOnFunctionError: String(properties['BisectBatchOnFunctionError']) === 'true',
    parallelizationFactor: integer(resource, 'ParallelizationFactor', 1, 10) ?? 1,
    tumblingWindowMs: (integer(resource, 'TumblingWindowInSeconds', 0, 900) ?? 0) * 1000,
    onFailure: destination?.OnFailure?.Destination,
  }
}
