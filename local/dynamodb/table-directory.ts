import { STREAM_LABEL } from '../cloudformation/physical-ids.ts'
import type { Environment, Resource } from '../cloudformation/resource.ts'
import { isTable } from './tables.ts'

interface KeySchema {
  readonly KeySchema?: readonly { readonly AttributeName: string; readonly KeyType: string }[]
  readonly IndexName?: string
}

/** What can be said of a table by its name, without asking the engine: its ARN, and its partition keys. */
export class TableDirectory {
  readonly #environment: Environment
  #tables: ReadonlyMap<string, Resource> = new Map()

  constructor(resources: readonly Resource[], environment: Environment) {
    this.#environment = environment
    this.update(resources)
  }

  /** Knows the tables of another deployment from now on. */
  update(resources: readonly Resource[]): void {
    this.#tables = new Map(resources.filter(isTable).map((table) => [table.physicalId, table]))
  }

  /** @param name its name, or an ARN of it, of one of its indexes or of its stream */
  arnOf(name: string): string {
    const { partition, region, accountId } = this.#environment
    const [, bare = name] = /:table\/([^/]+)/.exec(name) ?? []
    return `arn:${partition}:dynamodb:${region}:${accountId}:table/${bare}`
  }

  /** The ARN of a table's stream, whatever the engine calls it. */
  streamArnOf(name: string): string {
    return `${this.arnOf(name)}/stream/${STREAM_LABEL}`
  }

  /** The attribute that is the partition key of a table or of one of its indexes; undefined for one that is not of the template. */
  partitionKey(name: string, indexName?: string): string | undefined {
    const properties = this.#tables.get(name.split('/').at(1) ?? name)?.properties
    if (!properties) return undefined
    const indexes = ['GlobalSecondaryIndexes', 'LocalSecondaryIndexes'].flatMap(
      (kind) => (properties[kind] ?? []) as readonly KeySchema[],
    )
    const schema: KeySchema | undefined =
      indexName === undefined ? properties : indexes.find((index) => index.IndexName === indexName)
    return schema?.KeySchema?.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName
  }
}
