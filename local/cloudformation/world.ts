import type { Assembly } from './assembly.ts'
import type { GivenValues } from './given-values.ts'
import type { UnresolvableError } from './intrinsics.ts'
import type { Environment } from './resource.ts'

/**
 * What the stacks of one account and Region share with each other. Values are worked out when asked for, so that the
 * order of the stacks does not matter.
 */
export interface World {
  readonly environment: Environment
  readonly exports: Map<string, () => unknown>
  /** SSM parameters that the templates themselves make, by name. */
  readonly parameters: Map<string, () => string>
  /** Secrets that the templates themselves make, by name and by ARN. */
  readonly secrets: Map<string, () => string>
  readonly given: GivenValues
  readonly assetPath: Assembly['assetPath']
  /** The same account in another Region. */
  readonly elsewhere: (region: string) => World
  /** Told of text that stands for what only AWS could know, when something emulated gets it. */
  readonly onMadeUp: (place: string, what: string) => void
}

/** An emulated resource that could not be had. */
export interface Unresolved {
  readonly logicalId: string
  readonly type: string
  readonly path: string
  readonly reason: string
  /** It only refers to one that could not be had. */
  readonly isConsequence: boolean
  /** Those that can be resolved. */
  readonly properties: Readonly<Record<string, unknown>>
}

export interface StackOutput {
  readonly key: string
  readonly description?: string
  /** What it says, or why it says nothing. */
  readonly value: string | UnresolvableError
}
