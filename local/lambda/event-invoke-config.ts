import type { Resource } from '../cloudformation/resource.ts'
import { ASYNC_RETRY_MS, MAX_EVENT_AGE_MS } from './limits.ts'
import { LATEST } from './qualifiers.ts'

/** How a function's asynchronous invocations are tried, and where they end. */
export interface EventInvokeConfig {
  /** After the first try. */
  readonly maxRetries: number
  readonly maxEventAgeMs: number
  /** ARN of a queue, function or event bus. */
  readonly onSuccess: string | undefined
  readonly onFailure: string | undefined
}

const DEFAULT: EventInvokeConfig = {
  maxRetries: ASYNC_RETRY_MS.length,
  maxEventAgeMs: MAX_EVENT_AGE_MS,
  onSuccess: undefined,
  onFailure: undefined,
}

/** The `AWS::Lambda::EventInvokeConfig`s of a template. */
export class EventInvokeConfigs {
  readonly #configs: ReadonlyMap<string, EventInvokeConfig>

  constructor(resources: readonly Resource[]) {
    this.#configs = new Map(
      resources
        .filter(({ type }) => type === 'AWS::Lambda::EventInvokeConfig')
        .map(({ properties }) => {
          const { FunctionName = '', Qualifier = LATEST } = properties as Partial<Record<string, string>>
          return [keyOf(FunctionName.split(':function:').at(-1) ?? '', Qualifier), toConfig(properties)]
        }),
    )
  }

  /** @param qualifier as the invocation named it; a configuration belongs to a version or alias */
  of(name: string, qualifier: string | undefined): EventInvokeConfig {
    return this.#configs.get(keyOf(name, qualifier ?? LATEST)) ?? DEFAULT
  }
}

const keyOf = (name: string, qualifier: string) => `${name}:${qualifier}`

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventinvokeconfig.html */
function toConfig(properties: Resource['properties']): EventInvokeConfig {
  const { OnSuccess, OnFailure } = (properties['DestinationConfig'] ?? {}) as Partial<
    Record<'OnSuccess' | 'OnFailure', { Destination?: string }>
  >
  const age = properties['MaximumEventAgeInSeconds']
  return {
    maxRetries: Number(properties['MaximumRetryAttempts'] ?? DEFAULT.maxRetries),
    maxEventAgeMs: age === undefined ? DEFAULT.maxEventAgeMs : Number(age) * 1000,
    onSuccess: OnSuccess?.Destination,
    onFailure: OnFailure?.Destination,
  }
}
