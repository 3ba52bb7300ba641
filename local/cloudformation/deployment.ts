import { readFileSync } from 'node:fs'
import type { Assembly, Message, Stack, Template, TemplateResource } from './assembly.ts'
import { NO_VALUE, type Scope, UnresolvableError, conditionReference, resolveValue } from './intrinsics.ts'
import { type PhysicalId, physicalId } from './physical-ids.ts'
import type { Environment, Resource } from './resource.ts'

export interface Output {
  readonly stack: string
  readonly key: string
  readonly value: string
  readonly description?: string
}

/** An assembly with every value resolved: what the emulators are made from. */
export interface Deployment {
  readonly environment: Environment
  /** Of all stacks, in template order. */
  readonly resources: readonly Resource[]
  readonly outputs: readonly Output[]
  readonly messages: readonly Message[]
  assetPath(bucket: string, key: string): string | undefined
}

const DEFAULTS: Environment = { partition: 'aws', region: 'eu-west-1', accountId: '123456789012' }
const URL_SUFFIX = 'amazonaws.com'
const NESTED_STACK = 'AWS::CloudFormation::Stack'
const ZONES = ['a', 'b', 'c']

/**
 * Resolves every stack of an assembly.
 * @param environment account and Region for the stacks that the app left open
 * @throws UnresolvableError for an intrinsic function that can't be resolved, naming the resource and the path
 */
export function resolveAssembly(assembly: Assembly, environment: Partial<Environment> = {}): Deployment {
  const fixed = assembly.stacks.find((stack) => stack.environment.region)?.environment ?? {}
  const here: Environment = { ...DEFAULTS, ...environment, ...fixed }
  const exports = new Map<string, unknown>()
  const parameters = new Map<string, string>()
  const resources: Resource[] = []
  const outputs: Output[] = []
  const world: World = { environment: here, exports, parameters, assembly }
  const resolvers = assembly.stacks.map((stack) => new StackResolver(stack, world))
  for (const resolved of resolvers) resolved.findParameters()
  for (const resolved of resolvers) {
    resources.push(...resolved.resources())
    outputs.push(...resolved.outputs())
  }
  return {
    environment: here,
    resources,
    outputs,
    messages: assembly.messages,
    assetPath: assembly.assetPath.bind(assembly),
  }
}

interface World {
  readonly environment: Environment
  /** Values exported by the stacks before. */
  readonly exports: Map<string, unknown>
  /** SSM parameters that the templates themselves make, by name. */
  readonly parameters: Map<string, string>
  readonly assembly: Assembly
}

/** One stack; a nested one is another of these, made with its parameters. */
class StackResolver implements Scope {
  readonly #name: string
  readonly #template: Template
  readonly #world: World
  readonly #given: Readonly<Record<string, unknown>>
  readonly #physicalIds = new Map<string, PhysicalId>()
  readonly #resolving = new Set<string>()
  readonly #nested = new Map<string, StackResolver>()
  #outputs: Output[] | undefined

  constructor(
    stack: Pick<Stack, 'name' | 'template'>,
    world: World,
    given: Readonly<Record<string, unknown>> = {},
  ) {
    this.#name = stack.name
    this.#template = stack.template
    this.#world = world
    this.#given = given
  }

  /** Makes the SSM parameters known whose name and value are plain text, so that their order does not matter. */
  findParameters(): void {
    for (const { Type, Properties } of Object.values(this.#template.Resources ?? {})) {
      const { Name, Value } = Properties ?? {}
      if (Type === 'AWS::SSM::Parameter' && typeof Name === 'string' && typeof Value === 'string')
        this.#world.parameters.set(Name, Value)
    }
  }

  resources(): Resource[] {
    return Object.entries(this.#template.Resources ?? {}).flatMap(([logicalId, resource]) => {
      if (!this.#exists(resource)) return []
      if (resource.Type === NESTED_STACK) return this.#nestedStack(logicalId, resource).resources()
      const properties = this.#resolve(
        resource.Properties ?? {},
        this.#place(logicalId, resource),
        'Properties',
      )
      const { ref, arn } = this.#physicalId(logicalId, resource)
      if (resource.Type === 'AWS::SSM::Parameter')
        this.#world.parameters.set(ref, stringOf(properties['Value']))
      const path = pathOf(resource) ?? `${this.#name}/${logicalId}`
      return [{ logicalId, type: resource.Type, stack: this.#name, path, physicalId: ref, arn, properties }]
    })
  }

  outputs(): Output[] {
    this.#outputs ??= Object.entries(this.#template.Outputs ?? {}).flatMap(([key, output]) => {
      if (output.Condition !== undefined && !this.condition(output.Condition)) return []
      const { Value, Export } = this.#resolve(
        { Value: output.Value, Export: output.Export?.Name },
        `${this.#name}/${key} (output)`,
      )
      const value = stringOf(Value)
      if (Export !== undefined) this.#world.exports.set(stringOf(Export), Value)
      const { Description: description } = output
      return [{ stack: this.#name, key, value, ...(description === undefined ? {} : { description }) }]
    })
    return this.#outputs
  }

  ref(name: string): unknown {
    const pseudo = this.#pseudoParameter(name)
    if (pseudo !== undefined) return pseudo
    const parameter = this.#template.Parameters?.[name]
    if (parameter) return this.#parameter(name, parameter.Type, parameter.Default)
    const resource = this.#template.Resources?.[name]
    if (resource) return this.#physicalId(name, resource).ref
    throw new UnresolvableError(`Ref names "${name}", which is no resource or parameter of the template`)
  }

  attribute(logicalId: string, name: string): unknown {
    const resource = this.#template.Resources?.[logicalId]
    if (!resource)
      throw new UnresolvableError(
        `Fn::GetAtt names "${logicalId}.${name}", which is no resource of the template`,
      )
    if (resource.Type === NESTED_STACK && name.startsWith('Outputs.')) {
      const key = name.slice('Outputs.'.length)
      const output = this.#nestedStack(logicalId, resource)
        .outputs()
        .find((candidate) => candidate.key === key)
      if (output) return output.value
      throw new UnresolvableError(`the nested stack "${logicalId}" has no output "${key}"`)
    }
    const { attributes, arn } = this.#physicalId(logicalId, resource)
    const value = attributes?.[name]
    if (value !== undefined) return value
    if (attributes === undefined) return name === 'Arn' ? arn : `${logicalId}.${name}`
    const known = Object.keys(attributes).join(', ') || 'none'
    throw new UnresolvableError(`${resource.Type} "${logicalId}" has no attribute "${name}"; known: ${known}`)
  }

  condition(name: string): boolean {
    const condition = this.#template.Conditions?.[name]
    if (condition === undefined) throw new UnresolvableError(`no condition "${name}" in the template`)
    const other = conditionReference(condition)
    if (other !== undefined) return this.condition(other)
    return resolveValue(condition, this, `${this.#name}/${name} (condition)`) === true
  }

  mapping(map: string, key: string, second: string): unknown {
    const maps = this.#template.Mappings as
      Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>> | undefined
    return maps?.[map]?.[key]?.[second]
  }

  importValue(name: string): unknown {
    if (this.#world.exports.has(name)) return this.#world.exports.get(name)
    const known = [...this.#world.exports.keys()].join(', ') || 'none'
    throw new UnresolvableError(
      `Fn::ImportValue names "${name}", which no stack before exports; exported: ${known}`,
    )
  }

  availabilityZones(region: string): string[] {
    return ZONES.map((zone) => (region || this.#world.environment.region) + zone)
  }

  #exists({ Condition }: TemplateResource): boolean {
    return Condition === undefined || this.condition(Condition)
  }

  #place(logicalId: string, resource: TemplateResource): string {
    return `${pathOf(resource) ?? `${this.#name}/${logicalId}`} (${resource.Type})`
  }

  #resolve(value: Readonly<Record<string, unknown>>, place: string, under?: string): Record<string, unknown> {
    const whole = under === undefined ? value : { [under]: value }
    const resolved = resolveValue(whole, this, place) as Record<string, unknown>
    return (under === undefined ? resolved : resolved[under]) as Record<string, unknown>
  }

  /** Names need few properties, and those only: resolving them all would go in circles. */
  #physicalId(logicalId: string, resource: TemplateResource): PhysicalId {
    const known = this.#physicalIds.get(logicalId)
    if (known) return known
    if (this.#resolving.has(logicalId))
      throw new UnresolvableError(`the name of "${logicalId}" depends on itself`)
    this.#resolving.add(logicalId)
    const { environment } = this.#world
    const identity = { ...environment, stack: this.#name, logicalId, type: resource.Type }
    const made = physicalId(identity, (property) => {
      const value = resource.Properties?.[property]
      if (value === undefined) return undefined
      return stringOf(
        resolveValue(value, this, `${this.#place(logicalId, resource)} at Properties.${property}`),
      )
    })
    this.#resolving.delete(logicalId)
    this.#physicalIds.set(logicalId, made)
    return made
  }

  #parameter(name: string, type: string, fallback: unknown): unknown {
    const value = this.#given[name] ?? fallback
    if (type.startsWith('AWS::SSM::Parameter::Value<')) {
      // The bootstrap version and the like are made by nobody here: their names serve as values.
      return this.#world.parameters.get(stringOf(value)) ?? value
    }
    if (value === undefined)
      throw new UnresolvableError(`parameter "${name}" has no default; give the template one`)
    return type.startsWith('List<') || type === 'CommaDelimitedList' ? stringOf(value).split(',') : value
  }

  #pseudoParameter(name: string): unknown {
    const { region, accountId, partition } = this.#world.environment
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
        return this.#name
      case 'AWS::StackId':
        return `arn:${partition}:cloudformation:${region}:${accountId}:stack/${this.#name}/local`
      case 'AWS::NotificationARNs':
        return []
      case 'AWS::NoValue':
        return NO_VALUE
      default:
        return undefined
    }
  }

  #nestedStack(logicalId: string, resource: TemplateResource): StackResolver {
    const known = this.#nested.get(logicalId)
    if (known) return known
    const place = this.#place(logicalId, resource)
    const properties = this.#resolve(resource.Properties ?? {}, place, 'Properties')
    const key = stringOf(properties['TemplateURL']).split('/').at(-1) ?? ''
    const file = this.#world.assembly.assetPath('', key)
    if (file === undefined)
      throw new UnresolvableError(`${place} at Properties.TemplateURL: "${key}" is no asset of the assembly`)
    const template = JSON.parse(readFileSync(file, 'utf8')) as Template
    const given = (properties['Parameters'] ?? {}) as Readonly<Record<string, unknown>>
    const nested = new StackResolver({ name: `${this.#name}-${logicalId}`, template }, this.#world, given)
    this.#nested.set(logicalId, nested)
    return nested
  }
}

const pathOf = ({ Metadata }: TemplateResource): string | undefined => {
  const path = Metadata?.['aws:cdk:path']
  return typeof path === 'string' ? path.replace(/\/Resource$/, '') : undefined
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
}
