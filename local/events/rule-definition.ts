import type { Environment, Resource } from '../cloudformation/resource.ts'
import { type ScheduleTarget, ruleTargets } from './definition.ts'
import { parseJsonKeepingNumbers } from './json-number.ts'
import { type Matcher, compilePattern } from './pattern.ts'

/** An `AWS::Events::Rule` with an event pattern. */
export interface RuleDefinition {
  readonly logicalId: string
  readonly path: string
  readonly name: string
  readonly arn: string
  /** Name of its event bus. */
  readonly bus: string
  readonly fits: Matcher
  readonly targets: readonly ScheduleTarget[]
}

export const DEFAULT_BUS = 'default'

/** Name of a bus that is given by its name or its ARN. */
export const busName = (nameOrArn: string) => nameOrArn.replace(/^arn:.*:event-bus\//, '')

/**
 * The enabled rules of the template that have an event pattern.
 * @throws Error that lists, one per line, what EventBridge would refuse of which rule
 */
export function ruleDefinitions(resources: readonly Resource[], environment: Environment): RuleDefinition[] {
  const problems: string[] = []
  const rules = resources.filter(
    ({ type, properties }) =>
      type === 'AWS::Events::Rule' &&
      properties['EventPattern'] !== undefined &&
      properties['State'] !== 'DISABLED',
  )
  const definitions = rules.flatMap((resource) => {
    try {
      return [defineRule(resource, environment)]
    } catch (error) {
      problems.push(`rule "${resource.path}": ${error instanceof Error ? error.message : String(error)}`)
      return []
    }
  })
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return definitions
}

function defineRule(
  { properties, physicalId, logicalId, path, arn }: Resource,
  { partition, region, accountId }: Environment,
): RuleDefinition {
  const name = physicalId.split('|').at(-1) ?? physicalId
  const { EventBusName, EventPattern: pattern } = properties
  const bus = typeof EventBusName === 'string' ? busName(EventBusName) : DEFAULT_BUS
  return {
    logicalId,
    path,
    name,
    bus,
    arn: arn || `arn:${partition}:events:${region}:${accountId}:rule/${name}`,
    fits: fitsPattern(pattern),
    targets: ruleTargets(properties['Targets']),
  }
}

/** @throws Error as EventBridge words it */
function fitsPattern(pattern: unknown): Matcher {
  try {
    return compilePattern(typeof pattern === 'string' ? parseJsonKeepingNumbers(pattern) : pattern)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`InvalidEventPatternException: Event pattern is not valid. Reason: ${reason}`, { cause })
  }
}
