import type { Clock } from '../clock.ts'
import type { Environment, Resource } from '../cloudformation/resource.ts'
import { SsmError } from './errors.ts'

/** A parameter as SSM describes it: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Parameter.html */
export interface Parameter {
  readonly Name: string
  readonly Type: string
  readonly Value: string
  readonly Version: number
  /** Epoch seconds. */
  readonly LastModifiedDate: number
  readonly ARN: string
  readonly DataType: 'text'
}

export interface ParameterStoreOptions {
  readonly resources: readonly Resource[]
  /** Parameters that the app takes for granted, by name. */
  readonly given: Readonly<Record<string, string>>
  readonly environment: Environment
  readonly clock: Clock
}

/** The parameters that the templates make, those given beside them, and those that functions put. */
export class ParameterStore {
  readonly #parameters = new Map<string, Parameter>()
  readonly #options: ParameterStoreOptions

  constructor(options: ParameterStoreOptions) {
    this.#options = options
    for (const [name, value] of Object.entries(options.given)) this.#set(name, value, 'String')
    this.update(options.resources)
  }

  /** Makes the parameters that these resources have. */
  update(resources: readonly Resource[]): void {
    for (const { type, physicalId, properties } of resources)
      if (type === 'AWS::SSM::Parameter')
        this.#set(physicalId, text(properties['Value']), text(properties['Type'] ?? 'String'))
  }

  /**
   * @param reference a name or an ARN, each with a version at its end or without
   * @throws SsmError `ParameterNotFound`, `ParameterVersionNotFound`
   */
  get(reference: string): Parameter {
    const [name = '', version] = reference.replace(/^arn:[^/]*:parameter(?=\/)/, '').split(':')
    // The ARN of a parameter without a hierarchy has a slash that its name has not.
    const found = this.#parameters.get(name) ?? this.#parameters.get(name.replace(/^\//, ''))
    if (!found) throw new SsmError('ParameterNotFound')
    if (version !== undefined && Number(version) !== found.Version)
      throw new SsmError(
        'ParameterVersionNotFound',
        `Systems Manager could not find version ${version} of ${found.Name}. Verify the version and try again.`,
      )
    return found
  }

  /** In the order of their names. */
  below(path: string, isRecursive: boolean): Parameter[] {
    const prefix = path.endsWith('/') ? path : `${path}/`
    return [...this.#parameters.values()]
      .filter(({ Name }) => Name.startsWith(prefix))
      .filter(({ Name }) => isRecursive || !Name.slice(prefix.length).includes('/'))
      .sort((a, b) => (a.Name < b.Name ? -1 : 1))
  }

  /** @throws SsmError `ParameterAlreadyExists` */
  put(name: string, value: string, type: string | undefined, overwrite: boolean): Parameter {
    const before = this.#parameters.get(name)
    if (before && !overwrite)
      throw new SsmError(
        'ParameterAlreadyExists',
        'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
      )
    return this.#set(name, value, type ?? before?.Type ?? 'String')
  }

  /** @throws SsmError `ParameterNotFound` */
  delete(name: string): void {
    if (!this.#parameters.delete(name)) throw new SsmError('ParameterNotFound')
  }

  #set(name: string, value: string, type: string): Parameter {
    const { environment, clock } = this.#options
    const { partition, region, accountId } = environment
    const made: Parameter = {
      Name: name,
      Type: type,
      Value: value,
      Version: (this.#parameters.get(name)?.Version ?? 0) + 1,
      LastModifiedDate: clock.now() / 1000,
      ARN: `arn:${partition}:ssm:${region}:${accountId}:parameter/${name.replace(/^\//, '')}`,
      DataType: 'text',
    }
    this.#parameters.set(name, made)
    return made
  }
}

const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
