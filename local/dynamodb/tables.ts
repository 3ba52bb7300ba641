import type { Resource } from '../cloudformation/resource.ts'
import { type EngineClient, EngineError } from './client.ts'

/** A table of the template, in the engine. */
export interface Table {
  readonly resource: Resource
  readonly name: string
  /** The engine's own stream ARN; undefined without a stream. */
  readonly engineStreamArn: string | undefined
  /** The attribute that says when an item expires, in epoch seconds. */
  readonly ttlAttribute: string | undefined
}

const TABLE_TYPES = ['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable']
/** What the engine knows of a table; the rest (backups, encryption, tags, …) changes nothing that a function can see. */
const KNOWN = ['AttributeDefinitions', 'KeySchema', 'LocalSecondaryIndexes'] as const
/** Names of the engine's own tables. */
const TAKEN = /^_(tables|config|stream_records)$/

export const isTable = (resource: Resource) => TABLE_TYPES.includes(resource.type)

/**
 * Creates every table of the template.
 * @throws for a table that the engine can't hold, naming it
 */
export async function createTables(resources: readonly Resource[], client: EngineClient): Promise<Table[]> {
  return Promise.all(resources.filter(isTable).map((resource) => createTable(resource, client)))
}

async function createTable(resource: Resource, client: EngineClient): Promise<Table> {
  const { properties, physicalId: name } = resource
  if (TAKEN.test(name))
    throw new Error(
      `${resource.path}: a table can not be named "${name}" here, the engine has one of that name`,
    )
  const stream = properties['StreamSpecification'] as { StreamViewType?: string } | undefined
  const indexes = properties['GlobalSecondaryIndexes'] as
    readonly Readonly<Record<string, unknown>>[] | undefined
  const input = {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    ...Object.fromEntries(
      KNOWN.filter((key) => properties[key] !== undefined).map((key) => [key, properties[key]]),
    ),
    ...(indexes ? { GlobalSecondaryIndexes: indexes.map(toIndex) } : {}),
    ...(stream
      ? { StreamSpecification: { StreamEnabled: true, StreamViewType: stream.StreamViewType } }
      : {}),
  }
  const description = await create(resource, input, client)
  const ttl = properties['TimeToLiveSpecification'] as
    { AttributeName?: string; Enabled?: boolean } | undefined
  const ttlAttribute = ttl?.Enabled === false ? undefined : ttl?.AttributeName
  if (ttlAttribute !== undefined)
    await client.call('UpdateTimeToLive', {
      TableName: name,
      TimeToLiveSpecification: { AttributeName: ttlAttribute, Enabled: true },
    })
  const engineStreamArn = description['LatestStreamArn'] as string | undefined
  return { resource, name, engineStreamArn, ttlAttribute }
}

async function create(
  resource: Resource,
  input: Readonly<Record<string, unknown>>,
  client: EngineClient,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    const { TableDescription } = await client.call('CreateTable', input)
    return TableDescription as Record<string, unknown>
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    if (error.code !== 'ResourceInUseException')
      throw new Error(`${resource.path}: ${error.message}`, { cause: error })
    // An engine that outlives the stack, named by DYNAMODB_ENDPOINT, has the table from the start before.
    const { Table } = await client.call('DescribeTable', { TableName: input['TableName'] })
    return Table as Record<string, unknown>
  }
}

const toIndex = ({ IndexName, KeySchema, Projection }: Readonly<Record<string, unknown>>) => ({
  IndexName,
  KeySchema,
  Projection,
})
