import type { Resource } from '../cloudformation/resource.ts'

/** An event source mapping of a DynamoDB stream, with AWS's defaults filled in. */
export interface MappingDefinition {
  readonly resource: Resource
  /** Name or ARN. */
  readonly functionName: string
  readonly streamArn: string
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST'
  readonly batchSize: number
  readonly batchingWindowMs: number
  /** Tries after the first; undefined: as long as the records live. */
  readonly maximumRetryAttempts: number | undefined
  /** Records older than this are given up, in milliseconds; undefined: never. */
  readonly maximumRecordAgeMs: number | undefined
  readonly bisectBatchOnFunctionError: boolean
  readonly reportBatchItemFailures: boolean
  /** ARN of the queue for what is given up. */
  readonly onFailure: string | undefined
}

const UNSUPPORTED = ['FilterCriteria', 'TumblingWindowInSeconds'] as const

/**
 * The mappings of the template that read a DynamoDB stream and are enabled.
 * @throws for one that asks for what is not emulated, naming it: taken silently, it would behave differently here
 */
export function streamMappings(resources: readonly Resource[]): MappingDefinition[] {
  return resources
    .filter(({ type, properties }) => {
      if (type !== 'AWS::Lambda::EventSourceMapping' || properties['Enabled'] === false) return false
      return String(properties['EventSourceArn']).includes(':dynamodb:')
    })
    .map(toDefinition)
}

function toDefinition(resource: Resource): MappingDefinition {
  const { properties, path } = resource
  for (const name of UNSUPPORTED)
    if (properties[name] !== undefined)
      throw new Error(`${path}: ${name} of an event source mapping is not emulated; remove it or run on AWS`)
  const number = (name: string, fallback: number) => Number(properties[name] ?? fallback)
  const bounded = (value: number) => (value < 0 ? undefined : value)
  const destination = properties['DestinationConfig'] as { OnFailure?: { Destination?: string } } | undefined
  const types = (properties['FunctionResponseTypes'] ?? []) as string[]
  const recordAge = bounded(number('MaximumRecordAgeInSeconds', -1))
  return {
    resource,
    functionName: String(properties['FunctionName']),
    streamArn: String(properties['EventSourceArn']),
    startingPosition: properties['StartingPosition'] === 'LATEST' ? 'LATEST' : 'TRIM_HORIZON',
    batchSize: number('BatchSize', 100),
    batchingWindowMs: number('MaximumBatchingWindowInSeconds', 0) * 1000,
    maximumRetryAttempts: bounded(number('MaximumRetryAttempts', -1)),
    maximumRecordAgeMs: recordAge === undefined ? undefined : recordAge * 1000,
    bisectBatchOnFunctionError: properties['BisectBatchOnFunctionError'] === true,
    reportBatchItemFailures: types.includes('ReportBatchItemFailures'),
    onFailure: destination?.OnFailure?.Destination,
  }
}
