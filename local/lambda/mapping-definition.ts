import type { Resource } from '../cloudformation/resource.ts'
import { parseJsonKeepingNumbers } from '../events/json-number.ts'
import { type Matcher, compilePattern } from '../events/pattern.ts'
import type { Log } from '../log.ts'

/** What an event source mapping says whatever its source, with AWS's defaults filled in. */
export interface MappingDefinition {
  readonly resource: Resource
  /** Name or ARN, with the qualifier of a version or an alias if the template has one. */
  readonly functionName: string
  /** The same as an ARN. */
  readonly functionArn: string
  readonly sourceArn: string
  readonly batchSize: number
  readonly batchingWindowMs: number
  /** Whether a record goes to the function; what does not is done with. */
  readonly accepts: Matcher
  readonly reportBatchItemFailures: boolean
}

const TYPE = 'AWS::Lambda::EventSourceMapping'
/** Services whose mappings are emulated. */
const EMULATED = ['dynamodb', 'sqs']
/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html; five, and ten on request. */
const MAX_FILTERS = 10
const MAX_BATCH_SIZE = 10_000
const MAX_BATCHING_WINDOW_SECONDS = 300

/**
 * The enabled mappings of a service's sources.
 * @param service `dynamodb`, `sqs`
 */
export const mappingsOf = (resources: readonly Resource[], service: string): Resource[] =>
  resources.filter(
    ({ type, properties }) =>
      type === TYPE &&
      !['false', 'False'].includes(String(properties['Enabled'])) &&
      serviceOf(properties['EventSourceArn']) === service,
  )

const serviceOf = (arn: unknown) => (typeof arn === 'string' ? arn.split(':')[2] : undefined)

/**
 * Says which mappings of the template do nothing here.
 * @throws for two mappings of one function and one source, which Lambda refuses
 */
export function checkMappings(resources: readonly Resource[], log: Log): void {
  const seen = new Map<string, Resource>()
  for (const resource of resources.filter(({ type }) => type === TYPE)) {
    const { properties, path } = resource
    const source = properties['EventSourceArn'] ?? properties['SelfManagedEventSource']
    if (!EMULATED.includes(serviceOf(source) ?? '')) {
      log.warn('lambda', `${path} reads ${JSON.stringify(source)}, which is not emulated; it is skipped`)
      continue
    }
    const functionArn = functionArnOf(String(properties['FunctionName']), resources)
    const pair = `${String(source)} ${functionArn}`
    const other = seen.get(pair)
    if (other)
      throw new Error(
        `${path}: The event source arn (" ${String(source)} ") and function (" ${functionArn} ") provided mapping already exists. Please update or delete the existing mapping with UUID ${other.physicalId}`,
      )
    seen.set(pair, resource)
  }
}

/** @throws for a property that Lambda refuses */
export function mappingDefinition(
  resource: Resource,
  resources: readonly Resource[],
  defaultBatchSize: number,
): MappingDefinition {
  const { properties } = resource
  const functionName = String(properties['FunctionName'])
  const types = (properties['FunctionResponseTypes'] ?? []) as string[]
  return {
    resource,
    functionName,
    functionArn: functionArnOf(functionName, resources),
    sourceArn: String(properties['EventSourceArn']),
    batchSize: integer(resource, 'BatchSize', 1, MAX_BATCH_SIZE) ?? defaultBatchSize,
    batchingWindowMs:
      (integer(resource, 'MaximumBatchingWindowInSeconds', 0, MAX_BATCHING_WINDOW_SECONDS) ?? 0) * 1000,
    accepts: filterOf(resource),
    reportBatchItemFailures: types.includes('ReportBatchItemFailures'),
  }
}

/** @throws unless the property is absent or an integer of the range, or is one of the other values allowed */
export function integer(
  { properties, path }: Resource,
  name: string,
  min: number,
  max: number,
  ...others: number[]
): number | undefined {
  const given = properties[name]
  if (given === undefined) return undefined
  const value = Number(given)
  if (Number.isInteger(value) && ((value >= min && value <= max) || others.includes(value))) return value
  const also = others.map((other) => ` or ${other}`).join('')
  throw new Error(
    `${path}: ${name} is ${JSON.stringify(given)}; expected an integer from ${min} to ${max}${also}`,
  )
}

/** The function of the template that a name, an ARN or part of one stands for. */
function functionArnOf(target: string, resources: readonly Resource[]): string {
  const [, name = target, qualifier] = /^(?:.*:?function:|)([^:]+)(?::([^:]+))?$/.exec(target) ?? []
  const found = resources.find(
    ({ type, physicalId }) => type === 'AWS::Lambda::Function' && physicalId === name,
  )
  if (!found) return target
  return qualifier === undefined ? found.arn : `${found.arn}:${qualifier}`
}

/** A record goes through when one of the filters fits, or when there are none. @throws as Lambda words it */
function filterOf({ properties, path }: Resource): Matcher {
  const criteria = properties['FilterCriteria'] as
    { readonly Filters?: readonly { readonly Pattern?: unknown }[] } | undefined
  const filters = criteria?.Filters ?? []
  if (filters.length > MAX_FILTERS)
    throw new Error(`${path}: FilterCriteria has ${filters.length} filters; expected at most ${MAX_FILTERS}`)
  const matchers = filters.map(({ Pattern }) => {
    try {
      return compilePattern(parseJsonKeepingNumbers(String(Pattern)))
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(
        `${path}: InvalidParameterValueException: Invalid filter pattern definition. (${reason}: ${String(Pattern)})`,
        { cause },
      )
    }
  })
  return matchers.length === 0 ? () => true : (record) => matchers.some((fits) => fits(record))
}
