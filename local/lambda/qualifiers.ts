import type { Resource } from '../cloudformation/resource.ts'

export const LATEST = '$LATEST'

interface Alias {
  readonly version: string
  /** Share of the invocations, 0 to 1, by version; the rest goes to `version`. */
  readonly weights: Readonly<Record<string, number>>
}

/**
 * What a function's qualifiers stand for. All versions of a template run the same code here, each in execution
 * environments of its own.
 */
export class Qualifiers {
  /** By the ARN with the qualifier. */
  readonly #versions: ReadonlySet<string>
  readonly #aliases: ReadonlyMap<string, Alias>

  constructor(resources: readonly Resource[]) {
    const ofType = (type: string) => resources.filter((resource) => resource.type === type)
    this.#versions = new Set(ofType('AWS::Lambda::Version').map(({ arn }) => arn))
    this.#aliases = new Map(
      ofType('AWS::Lambda::Alias').map(({ arn, properties }) => [arn, toAlias(properties)]),
    )
  }

  /**
   * @param arn of the function, without a qualifier
   * @returns the version that an invocation runs, undefined when there is none
   */
  versionOf(arn: string, qualifier: string | undefined): string | undefined {
    if (qualifier === undefined || qualifier === LATEST) return LATEST
    if (this.#versions.has(`${arn}:${qualifier}`)) return qualifier
    const alias = this.#aliases.get(`${arn}:${qualifier}`)
    if (!alias) return undefined
    let chance = Math.random()
    for (const [version, weight] of Object.entries(alias.weights)) {
      if (chance < weight) return version
      chance -= weight
    }
    return alias.version
  }
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-alias.html */
function toAlias(properties: Resource['properties']): Alias {
  const routing = properties['RoutingConfig'] as
    { AdditionalVersionWeights?: readonly { FunctionVersion: string; FunctionWeight: number }[] } | undefined
  const others = routing?.AdditionalVersionWeights ?? []
  return {
    version: String(properties['FunctionVersion']),
    weights: Object.fromEntries(others.map((each) => [each.FunctionVersion, each.FunctionWeight])),
  }
}
