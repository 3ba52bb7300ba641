import type { TemplateParameter } from './assembly.ts'
import { URL_SUFFIX } from './identity.ts'
import { NO_VALUE, UnresolvableError } from './intrinsics.ts'
import type { Environment } from './resource.ts'

interface ParameterSource {
  /** What the stack was given for it. */
  readonly given: unknown
  readonly stack: string
  readonly ssmParameter: (name: string) => string
}

/** `AWS::SSM::Parameter::Value<List<String>>` */
const SSM_VALUE = /^AWS::SSM::Parameter::Value<(.*)>$/

/** Stands for the AMIs that AWS publishes under SSM parameters of its own. */
const ANY_IMAGE = 'ami-0123456789abcdef0'

/**
 * The value of a template parameter.
 * @throws UnresolvableError for one without a value, saying how to give it one
 */
export function parameterValue(
  name: string,
  { Type, Default }: TemplateParameter,
  { given, stack, ssmParameter }: ParameterSource,
): unknown {
  const value = given ?? Default
  if (value === undefined)
    throw new UnresolvableError(
      `the parameter "${name}" has no default; give it with --parameter "${stack}:${name}=value"`,
    )
  const [, type = Type] = SSM_VALUE.exec(Type) ?? []
  const found =
    type === Type ? value : type === 'AWS::EC2::Image::Id' ? ANY_IMAGE : ssmParameter(textOf(value))
  const isList = type.startsWith('List<') || type === 'CommaDelimitedList'
  if (!isList || Array.isArray(found)) return found
  return textOf(found)
    .split(',')
    .map((item) => item.trim())
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

/** @returns undefined for a name that is none */
export function pseudoParameter(
  name: string,
  stack: string,
  { region, accountId, partition }: Environment,
): unknown {
  switch (name) {
    case 'AWS::Region':
      return region
    case 'AWS::AccountId':
      return accountId
    case 'AWS::Partition':
      return partition
    case 'AWS::URLSuffix':
      return URL_SUFFIX
    case 'AWS::StackName':
      return stack
    case 'AWS::StackId':
      return `arn:${partition}:cloudformation:${region}:${accountId}:stack/${stack}/local`
    case 'AWS::NotificationARNs':
      return []
    case 'AWS::NoValue':
      return NO_VALUE
    default:
      return undefined
  }
}
