import type { Resource } from '../cloudformation/resource.ts'
import { type AssetPath, CodeStore } from './code-store.ts'
import { isReserved } from './reserved-variables.ts'

/** A Lambda function of the template. */
export interface FunctionDefinition {
  readonly name: string
  readonly arn: string
  readonly path: string
  /** `nodejs24.x` */
  readonly runtime: string
  /** `index.handler` */
  readonly handler: string
  readonly timeoutMs: number
  readonly memoryMb: number
  readonly variables: Readonly<Record<string, string>>
  readonly logGroup: string
  readonly logging: LoggingConfig
  readonly roleArn: string
  /** Invocations at once; undefined when nothing is reserved. */
  readonly reservedConcurrency: number | undefined
  /** Queue for events that an asynchronous invocation gave up. */
  readonly deadLetterArn: string | undefined
  /** Where the template has the code and its layers: another place is other code. */
  readonly code: unknown
  /** Folder of the code. @throws when the code can't be had here */
  readonly codeFolder: () => string
  /** What `/opt` holds, if anything. @throws as `codeFolder` */
  readonly layerRoot: () => string | undefined
  /** Removes what was unpacked, of all functions that were read together. */
  readonly removeCode: () => void
  /** What the developer should know before anything runs. */
  readonly problems: readonly string[]
}

/** https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html */
export interface LoggingConfig {
  readonly isJson: boolean
  /** Of lines in JSON only. */
  readonly applicationLevel: string
  readonly systemLevel: 'DEBUG' | 'INFO' | 'WARN'
}

export function functionDefinitions(
  resources: readonly Resource[],
  assetPath: AssetPath,
): FunctionDefinition[] {
  const code = new CodeStore(resources, assetPath)
  return resources
    .filter(({ type }) => type === 'AWS::Lambda::Function')
    .map((resource) => toDefinition(resource, code))
}

function toDefinition(resource: Resource, code: CodeStore): FunctionDefinition {
  const { properties, physicalId: name, arn, path } = resource
  const variables =
    (properties['Environment'] as { Variables?: Record<string, unknown> } | undefined)?.Variables ?? {}
  const logging = (properties['LoggingConfig'] ?? {}) as Partial<Record<string, string>>
  const deadLetter = properties['DeadLetterConfig'] as { TargetArn?: string } | undefined
  const reserved = properties['ReservedConcurrentExecutions']
  const taken = Object.keys(variables).filter(isReserved)
  return {
    name,
    arn,
    path,
    runtime: text(properties['Runtime']),
    handler: text(properties['Handler']),
    timeoutMs: Number(properties['Timeout'] ?? 3) * 1000,
    memoryMb: Number(properties['MemorySize'] ?? 128),
    variables: Object.fromEntries(Object.entries(variables).map(([key, value]) => [key, text(value)])),
    logGroup: logging['LogGroup'] ?? `/aws/lambda/${name}`,
    logging: {
      isJson: logging['LogFormat'] === 'JSON',
      applicationLevel: logging['ApplicationLogLevel'] ?? 'INFO',
      systemLevel: (logging['SystemLogLevel'] ?? 'INFO') as LoggingConfig['systemLevel'],
    },
    roleArn: text(properties['Role']),
    reservedConcurrency: reserved === undefined ? undefined : Number(reserved),
    deadLetterArn: deadLetter?.TargetArn,
    code: [properties['Code'], code.layerContents(resource)],
    codeFolder: () => code.codeFolder(resource),
    layerRoot: () => code.layerRoot(resource),
    removeCode: () => code.remove(),
    problems: [
      ...(taken.length === 0
        ? []
        : [
            `${path}: the variables ${taken.join(', ')} are Lambda's own; AWS refuses a function that sets them`,
          ]),
      ...code
        .missingLayers(resource)
        .map((layer) => `${path}: the layer "${layer}" is not in the template; its content is missing here`),
    ],
  }
}

const text = (value: unknown) =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
