import type { Stack, Template, TemplateOutput, TemplateResource } from './assembly.ts'
import { type ReferenceSource, resolveReferences } from './dynamic-references.ts'
import type { PhysicalId } from './identity.ts'
import { NO_VALUE, type Scope, UnresolvableError, conditionReference, resolveValue } from './intrinsics.ts'
import { likelyAttribute } from './not-emulated-ids.ts'
import { physicalId } from './physical-ids.ts'
import { readJson } from './read-json.ts'
import type { Resource } from './resource.ts'
import { supportOf } from './resource-types.ts'
import { secretText } from './secrets.ts'
import { parameterValue, pseudoParameter } from './template-parameters.ts'
import type { StackOutput, Unresolved, World } from './world.ts'

const NESTED_STACK = 'AWS::CloudFormation::Stack'
const ZONES = ['a', 'b', 'c']

/** One stack; a nested one is another of these, made with its parameters. */
export class StackResolver implements Scope, ReferenceSource {
  readonly name: string
  readonly #template: Template
  readonly #world: World
  readonly #given: Readonly<Record<string, unknown>>
  readonly #physicalIds = new Map<string, PhysicalId>()
  /** What is being worked out, to notice circles. */
  readonly #resolving = new Set<string>()
  readonly #nested = new Map<string, StackResolver>()
  readonly #unresolved = new Map<string, Unresolved>()
  /** Whether what is being resolved is emulated: what others are given concerns nobody. */
  #listener: string | undefined

  constructor(
    stack: Pick<Stack, 'name' | 'template'>,
    world: World,
    given: Readonly<Record<string, unknown>> = {},
  ) {
    this.name = stack.name
    this.#template = stack.template
    this.#world = world
    this.#given = given
  }

  /** Makes known what other stacks may ask for: exports, SSM parameters and secrets. */
  publish(): void {
    const { exports, parameters, secrets } = this.#world
    for (const [key, output] of Object.entries(this.#template.Outputs ?? {})) {
      const name = this.#attempt(() =>
        this.#outputExists(output) && output.Export
          ? stringOf(resolveValue(output.Export.Name, this, this.#outputPlace(key)))
          : undefined,
      )
      if (name !== undefined) exports.set(name, () => this.#outputValue(key, output))
    }
    for (const [logicalId, resource] of this.#existing()) {
      const id = this.#attempt(() => this.#physicalId(logicalId, resource))
      if (id === undefined) continue
      if (resource.Type === 'AWS::SSM::Parameter')
        parameters.set(id.ref, () => stringOf(this.#property(logicalId, resource, 'Value')))
      if (resource.Type === 'AWS::SecretsManager::Secret') {
        const text = () => secretText(this.#properties(logicalId, resource), id.ref)
        secrets.set(id.ref, text)
        secrets.set(/:secret:(.*)-\w{6}$/.exec(id.ref)?.[1] ?? id.ref, text)
      }
      if (resource.Type === 'Custom::CrossRegionExportWriter') this.#publishElsewhere(logicalId, resource)
    }
  }

  /** Makes known what nested stacks make, once the stacks beside this one are known: their parameters may need them. */
  publishNested(): void {
    for (const [logicalId, resource] of this.#existing())
      if (resource.Type === NESTED_STACK) this.#attempt(() => this.#nestedStack(logicalId, resource))
  }

  /** What the CDK does for `crossRegionReferences`: values go to the other Region as SSM parameters. */
  #publishElsewhere(logicalId: string, { Properties, ...resource }: TemplateResource): void {
    const { region, exports } = (Properties?.['WriterProps'] ?? {}) as {
      region?: string
      exports?: Readonly<Record<string, unknown>>
    }
    const { parameters } = this.#world.elsewhere(region ?? this.#world.environment.region)
    for (const [name, value] of Object.entries(exports ?? {}))
      parameters.set(name, () => stringOf(this.#resolve(value, this.#place(logicalId, resource))))
  }

  /** What can't be had yet; each further call of `resources` may add to it. */
  get unresolved(): Unresolved[] {
    return [...this.#unresolved.values(), ...[...this.#nested.values()].flatMap((stack) => stack.unresolved)]
  }

  resources(): Resource[] {
    return this.#existing().flatMap(([logicalId, resource]) => {
      const path = pathOf(resource) ?? `${this.name}/${logicalId}`
      const { Type: type } = resource
      const isEmulated = supportOf(type) === 'emulated'
      const identity = { logicalId, type, stack: this.name, path }
      try {
        if (type === NESTED_STACK) return this.#nestedStack(logicalId, resource).resources()
        this.#listener = isEmulated ? this.#place(logicalId, resource) : undefined
        const { ref, arn } = this.#physicalId(logicalId, resource)
        return [{ ...identity, physicalId: ref, arn, properties: this.#properties(logicalId, resource) }]
      } catch (error) {
        if (!(error instanceof UnresolvableError)) throw error
        // Nothing here reads the properties of what is not emulated; its name may do.
        if (!isEmulated) return [{ ...identity, physicalId: logicalId, arn: '', properties: {} }]
        this.#leaveOut(logicalId, resource, error)
        return []
      } finally {
        this.#listener = undefined
      }
    })
  }

  outputs(): StackOutput[] {
    return Object.entries(this.#template.Outputs ?? {}).flatMap(([key, output]): StackOutput[] => {
      const { Description } = output
      const description = typeof Description === 'string' ? { description: Description } : {}
      try {
        if (!this.#outputExists(output)) return []
        return [{ key, ...description, value: stringOf(this.#outputValue(key, output)) }]
      } catch (error) {
        if (error instanceof UnresolvableError) return [{ key, ...description, value: error }]
        throw error
      }
    })
  }

  ref(name: string): unknown {
    const pseudo = pseudoParameter(name, this.name, this.#world.environment)
    if (pseudo !== undefined) return pseudo
    const parameter = this.#template.Parameters?.[name]
    if (parameter) {
      const given = { ...this.#world.given.parameters, ...this.#given }
      return parameterValue(name, parameter, {
        given: given[`${this.name}:${name}`] ?? given[name],
        stack: this.name,
        ssmParameter: (parameterName) => this.ssmParameter(parameterName),
      })
    }
    const resource = this.#resource(name)
    if (!resource)
      throw new UnresolvableError(`Ref names "${name}", which is no resource or parameter of the template`)
    if (isCustom(resource)) this.#sayMadeUp(name, resource)
    return this.#physicalId(name, resource).ref
  }

  attribute(logicalId: string, name: string): unknown {
    const resource = this.#resource(logicalId)
    if (!resource)
      throw new UnresolvableError(
        `Fn::GetAtt names "${logicalId}.${name}", which is no resource of the template`,
      )
    if (resource.Type === NESTED_STACK && name.startsWith('Outputs.')) {
      const key = name.slice('Outputs.'.length)
      const output = this.#nestedStack(logicalId, resource)
        .outputs()
        .find((candidate) => candidate.key === key)
      if (output?.value instanceof UnresolvableError) throw output.value
      if (output) return output.value
      throw new UnresolvableError(`the nested stack "${logicalId}" has no output "${key}"`)
    }
    if (resource.Type === 'Custom::CrossRegionExportReader') return this.ssmParameter(name)
    const { attributes, arn } = this.#physicalId(logicalId, resource)
    const value =
      attributes?.[name] ?? (supportOf(resource.Type) === 'emulated' ? undefined : likelyAttribute(name, arn))
    if (value !== undefined) return value
    if (supportOf(resource.Type) === 'emulated' && attributes) {
      const known = Object.keys(attributes).join(', ') || 'none'
      throw new UnresolvableError(
        `${resource.Type} "${logicalId}" has no attribute "${name}"; known: ${known}`,
      )
    }
    this.#sayMadeUp(`${logicalId}.${name}`, resource)
    return `${logicalId}.${name}`
  }

  condition(name: string): boolean {
    const condition = this.#template.Conditions?.[name]
    if (condition === undefined) throw new UnresolvableError(`no condition "${name}" in the template`)
    const other = conditionReference(condition)
    if (other !== undefined) return this.condition(other)
    return resolveValue(condition, this, `${this.name}/${name} (condition)`) === true
  }

  mapping(map: string, key: string, second: string): unknown {
    const maps = this.#template.Mappings as
      Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>> | undefined
    return maps?.[map]?.[key]?.[second]
  }

  importValue(name: string): unknown {
    const exported = this.#world.exports.get(name)
    if (exported) return exported()
    const given = this.#world.given.imports[name]
    if (given !== undefined) return given
    throw new UnresolvableError(
      `Fn::ImportValue names "${name}", which no stack of the app exports; give it with --import "${name}=value"`,
    )
  }

  availabilityZones(region: string): string[] {
    return ZONES.map((zone) => (region || this.#world.environment.region) + zone)
  }

  ssmParameter(name: string): string {
    const value = this.#world.parameters.get(name)?.() ?? this.#world.given.ssm[name]
    if (value !== undefined) return value
    throw new UnresolvableError(
      `the SSM parameter "${name}" is made by no stack of the app; give it with --ssm "${name}=value"`,
    )
  }

  secret(id: string): string {
    const value = this.#world.secrets.get(id)?.() ?? this.#world.given.secrets[id]
    if (value !== undefined) return value
    throw new UnresolvableError(
      `the secret "${id}" is made by no stack of the app; give it with --secret "${id}=text"`,
    )
  }

  /** The resource of that name, unless it could not be had: what refers to it can't be had then either. */
  #resource(logicalId: string): TemplateResource | undefined {
    const unresolved = this.#unresolved.get(logicalId)
    if (unresolved) throw new UnresolvableError(`it needs "${unresolved.path}", which is skipped`, true)
    return this.#template.Resources?.[logicalId]
  }

  /** The resources whose condition holds. One whose condition can't be told is left out, and said to be. */
  #existing(): [string, TemplateResource][] {
    return Object.entries(this.#template.Resources ?? {}).filter(([logicalId, resource]) => {
      if (this.#unresolved.has(logicalId)) return false
      // Not a resource but a loop of the AWS::LanguageExtensions transform, for one.
      if (typeof (resource as Partial<TemplateResource>).Type !== 'string') {
        const error = new UnresolvableError(`${logicalId} is not supported; expected a resource with a Type`)
        this.#leaveOut(logicalId, { Type: logicalId }, error)
        return false
      }
      const { Condition, Type: type } = resource
      if (Condition === undefined) return true
      try {
        return this.condition(Condition)
      } catch (error) {
        if (!(error instanceof UnresolvableError)) throw error
        if (supportOf(type) === 'emulated') this.#leaveOut(logicalId, resource, error)
        return false
      }
    })
  }

  #leaveOut(logicalId: string, resource: TemplateResource, { message, isConsequence }: UnresolvableError) {
    const properties = Object.keys(resource.Properties ?? {}).flatMap((name) => {
      const value = this.#attempt(() => this.#property(logicalId, resource, name))
      return value === undefined ? [] : [[name, value] as const]
    })
    this.#unresolved.set(logicalId, {
      logicalId,
      type: resource.Type,
      path: pathOf(resource) ?? `${this.name}/${logicalId}`,
      reason: message,
      isConsequence,
      properties: Object.fromEntries(properties),
    })
  }

  #outputExists({ Condition }: TemplateOutput): boolean {
    return Condition === undefined || this.condition(Condition)
  }

  #outputValue(key: string, output: TemplateOutput): unknown {
    return this.#guarded(`the output "${key}"`, () =>
      resolveValue(output.Value, this, this.#outputPlace(key)),
    )
  }

  #outputPlace = (key: string) => `${this.name}/${key} (output)`

  #place(logicalId: string, resource: TemplateResource): string {
    return `${pathOf(resource) ?? `${this.name}/${logicalId}`} (${resource.Type})`
  }

  #resolve(value: unknown, place: string): unknown {
    const resolved = resolveValue(value, this, place)
    return resolved === NO_VALUE ? undefined : resolveReferences(resolved, this, place)
  }

  #properties(logicalId: string, resource: TemplateResource): Record<string, unknown> {
    const whole = { Properties: resource.Properties ?? {} }
    const { Properties } = this.#resolve(whole, this.#place(logicalId, resource)) as typeof whole
    return Properties
  }

  #property(logicalId: string, resource: TemplateResource, name: string): unknown {
    return this.#resolve(
      resource.Properties?.[name],
      `${this.#place(logicalId, resource)} at Properties.${name}`,
    )
  }

  /** Names need few properties, and those only: resolving them all would go in circles. */
  #physicalId(logicalId: string, resource: TemplateResource): PhysicalId {
    const known = this.#physicalIds.get(logicalId)
    if (known) return known
    const made = this.#guarded(`the name of "${logicalId}"`, () =>
      physicalId(
        { ...this.#world.environment, stack: this.name, logicalId, type: resource.Type },
        (property) => {
          if (resource.Properties?.[property] === undefined) return undefined
          const value = this.#property(logicalId, resource, property)
          return value === undefined ? undefined : stringOf(value)
        },
      ),
    )
    this.#physicalIds.set(logicalId, made)
    return made
  }

  #nestedStack(logicalId: string, resource: TemplateResource): StackResolver {
    const known = this.#nested.get(logicalId)
    if (known) return known
    return this.#guarded(`the nested stack "${logicalId}"`, () => {
      const place = this.#place(logicalId, resource)
      const { TemplateURL, Parameters } = this.#properties(logicalId, resource)
      const key = stringOf(TemplateURL).split('/').at(-1) ?? ''
      const file = this.#world.assetPath('', key)
      if (file === undefined)
        throw new UnresolvableError(
          `${place} at Properties.TemplateURL: "${key}" is no asset of the assembly`,
        )
      const nested = new StackResolver(
        { name: `${this.name}-${logicalId}`, template: readJson(file) as Template },
        this.#world,
        (Parameters ?? {}) as Readonly<Record<string, unknown>>,
      )
      nested.publish()
      nested.publishNested()
      this.#nested.set(logicalId, nested)
      return nested
    })
  }

  /** @throws UnresolvableError for what is asked for while it is being worked out */
  #guarded<T>(what: string, work: () => T): T {
    if (this.#resolving.has(what)) throw new UnresolvableError(`${what} depends on itself`)
    this.#resolving.add(what)
    try {
      return work()
    } finally {
      this.#resolving.delete(what)
    }
  }

  /** @returns undefined for what can't be resolved: whoever needs it will say so */
  #attempt<T>(work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      if (error instanceof UnresolvableError) return undefined
      throw error
    }
  }

  #sayMadeUp(what: string, { Type }: TemplateResource): void {
    if (this.#listener !== undefined) this.#world.onMadeUp(this.#listener, `${what} of ${Type}`)
  }
}

const isCustom = ({ Type }: TemplateResource) =>
  Type.startsWith('Custom::') || Type === 'AWS::CloudFormation::CustomResource'

const pathOf = ({ Metadata }: TemplateResource): string | undefined => {
  const path = Metadata?.['aws:cdk:path']
  return typeof path === 'string' ? path.replace(/\/Resource$/, '') : undefined
}

const stringOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
