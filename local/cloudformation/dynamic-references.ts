import { UnresolvableError } from './intrinsics.ts'

/** Where dynamic references find their values. Each throws `UnresolvableError` for what is not there. */
export interface ReferenceSource {
  ssmParameter(name: string): string
  /** @param id name or ARN @returns the secret's text */
  secret(id: string): string
}

/** `{{resolve:ssm:/name:version}}`, `{{resolve:secretsmanager:id:SecretString:key:stage:version}}` */
const REFERENCE = /\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]+)\}\}/g

/**
 * Puts values in the place of dynamic references, in text anywhere within a resolved value:
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
 * @param place how messages name what is resolved
 * @throws UnresolvableError for a reference to what neither the templates nor the options have
 */
export function resolveReferences(value: unknown, source: ReferenceSource, place: string): unknown {
  if (typeof value === 'string') return value.replace(REFERENCE, replace)
  if (Array.isArray(value)) return value.map((item) => resolveReferences(item, source, place))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, resolveReferences(item, source, place)]),
  )

  function replace(whole: string, service: string, reference: string): string {
    try {
      if (service === 'secretsmanager') return secretValue(reference, source)
      return source.ssmParameter(reference.replace(/:\d+$/, ''))
    } catch (error) {
      if (!(error instanceof UnresolvableError)) throw error
      throw new UnresolvableError(`${place} at ${whole}: ${error.message}`, error.isConsequence)
    }
  }
}

function secretValue(reference: string, source: ReferenceSource): string {
  const [, id = '', key = ''] =
    /^(arn:(?:[^:]*:){5}[^:]+|[^:]+)(?::SecretString(?::([^:]*).*)?)?:*$/.exec(reference) ?? []
  const text = source.secret(id)
  if (key === '') return text
  const value = (parse(text) as Record<string, unknown> | undefined)?.[key]
  if (value !== undefined) return typeof value === 'string' ? value : JSON.stringify(value)
  throw new UnresolvableError(`the secret "${id}" has no key "${key}"`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // text that is no JSON has no keys, which is said where one is asked for
  }
}
