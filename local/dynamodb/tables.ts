import { isDeepStrictEqual } from 'node:util'
import { difference } from '../cloudformation/difference.ts'
import { STREAM_LABEL } from '../cloudformation/physical-ids.ts'
import type { Resource } from '../cloudformation/resource.ts'
import type { Log } from '../log.ts'
import { type EngineClient, EngineError } from './client.ts'
import { BOTH_IMAGES, type ViewType } from './stream.ts'

/** A table of the template, in the engine. */
export interface Table {
  readonly resource: Resource
  readonly name: string
  readonly partitionKey: string
  /** The engine's own stream ARN; undefined without a stream. */
  readonly engineStreamArn: string | undefined
  /** What the records of the stream show. */
  readonly viewType: ViewType
  /** The attribute that says when an item expires, in epoch seconds. */
  readonly ttlAttribute: string | undefined
}

type Description = Readonly<Record<string, unknown>>
type Index = Readonly<Record<string, unknown>>

const TABLE_TYPES = ['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable']
/** What the engine knows of a table; the rest (backups, encryption, tags, …) changes nothing that a function can see. */
const KNOWN = ['AttributeDefinitions', 'KeySchema', 'LocalSecondaryIndexes'] as const
/** What a function could see, and the engine does not do. */
const IGNORED = ['ImportSourceSpecification', 'KinesisStreamSpecification'] as const
/** Names of the engine's own tables. */
const TAKEN = /^_(tables|config|stream_records)$/

/** The ARN of its stream in the template. */
export const streamArnOf = ({ resource }: Table) => `${resource.arn}/stream/${STREAM_LABEL}`

export const isTable = (resource: Resource) => TABLE_TYPES.includes(resource.type)

/**
 * Creates every table of the template, or takes it over from an earlier start.
 * @throws for a table that the engine can't hold, naming it
 */
export async function createTables(
  resources: readonly Resource[],
  client: EngineClient,
  log: Log,
): Promise<Table[]> {
  const tables = resources.filter(isTable)
  const names = new Map<string, Resource>()
  for (const table of tables) {
    const other = names.get(table.physicalId)
    if (other)
      throw new Error(
        `${table.path} and ${other.path} are both named "${table.physicalId}"; give one another TableName`,
      )
    names.set(table.physicalId, table)
    for (const name of IGNORED)
      if (table.properties[name] !== undefined)
        log.warn('dynamodb', `${table.path}: ${name} is not emulated; the table is there without it`)
  }
  return Promise.all(tables.map((resource) => createTable(resource, client)))
}

async function createTable(resource: Resource, client: EngineClient): Promise<Table> {
  const { properties, physicalId: name } = resource
  if (TAKEN.test(name))
    throw new Error(
      `${resource.path}: a table can not be named "${name}" here, the engine has one of that name`,
    )
  const stream = properties['StreamSpecification'] as { StreamViewType?: ViewType } | undefined
  const indexes = properties['GlobalSecondaryIndexes'] as readonly Index[] | undefined
  const input = {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    ...Object.fromEntries(
      KNOWN.filter((key) => properties[key] !== undefined).map((key) => [key, properties[key]]),
    ),
    ...(indexes ? { GlobalSecondaryIndexes: indexes.map(toIndex) } : {}),
    ...(stream ? { StreamSpecification: { StreamEnabled: true, StreamViewType: BOTH_IMAGES } } : {}),
  }
  const description = await create(resource, input, client)
  const ttl = properties['TimeToLiveSpecification'] as
    { AttributeName?: string; Enabled?: boolean } | undefined
  const ttlAttribute = String(ttl?.Enabled) === 'false' ? undefined : ttl?.AttributeName
  if (ttlAttribute !== undefined) await enableTtl(name, ttlAttribute, client)
  const keys = (properties['KeySchema'] ?? []) as { AttributeName: string; KeyType: string }[]
  return {
    resource,
    name,
    partitionKey: keys.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName ?? '',
    engineStreamArn: stream && (description['LatestStreamArn'] as string | undefined),
    viewType: stream?.StreamViewType ?? BOTH_IMAGES,
    ttlAttribute,
  }
}

async function create(resource: Resource, input: Description, client: EngineClient): Promise<Description> {
  try {
    const { TableDescription } = await client.call('CreateTable', input)
    return TableDescription as Description
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    if (error.code !== 'ResourceInUseException')
      throw new Error(`${resource.path}: ${error.message}`, { cause: error })
    return takeOver(resource, input, client)
  }
}

/**
 * A table that outlived the stack, brought up to the template as far as DynamoDB itself can change a table.
 * @throws when the keys are others
 */
async function takeOver(resource: Resource, input: Description, client: EngineClient): Promise<Description> {
  const TableName = input['TableName']
  const describe = async () => (await client.call('DescribeTable', { TableName }))['Table'] as Description
  const found = await describe()
  if (!isDeepStrictEqual(found['KeySchema'], input['KeySchema']))
    throw new Error(
      `${resource.path}: the table "${String(TableName)}" is there from an earlier start with the keys ${JSON.stringify(found['KeySchema'])}; expected ${JSON.stringify(input['KeySchema'])}; delete the data or rename the table`,
    )
  const update = (change: Description) => client.call('UpdateTable', { TableName, ...change })
  const { StreamSpecification } = input
  if (StreamSpecification && found['LatestStreamArn'] === undefined) await update({ StreamSpecification })
  const named = (value: unknown) => ((value ?? []) as Index[]).map(({ IndexName }) => IndexName)
  const existing = named(found['GlobalSecondaryIndexes'])
  for (const index of (input['GlobalSecondaryIndexes'] ?? []) as Index[])
    if (!existing.includes(index['IndexName']))
      await update({
        AttributeDefinitions: input['AttributeDefinitions'],
        GlobalSecondaryIndexUpdates: [{ Create: index }],
      })
  return describe()
}

async function enableTtl(TableName: string, AttributeName: string, client: EngineClient): Promise<void> {
  const { TimeToLiveDescription } = await client.call('DescribeTimeToLive', { TableName })
  const { AttributeName: current } = TimeToLiveDescription as { AttributeName?: string }
  if (current === AttributeName) return // DynamoDB refuses to enable what is enabled
  if (current !== undefined)
    await client.call('UpdateTimeToLive', {
      TableName,
      TimeToLiveSpecification: { AttributeName: current, Enabled: false },
    })
  await client.call('UpdateTimeToLive', {
    TableName,
    TimeToLiveSpecification: { AttributeName, Enabled: true },
  })
}

const toIndex = ({ IndexName, KeySchema, Projection }: Index) => ({ IndexName, KeySchema, Projection })

/** What a table here has from its template; the rest changes nothing that a function can see. */
const APPLIED = [...KNOWN, 'GlobalSecondaryIndexes', 'StreamSpecification', 'TimeToLiveSpecification']

/** Says which tables of a running engine are no more as their template has them. */
export function keptTables(before: readonly Resource[], after: readonly Resource[]): string[] {
  const { changed, removed } = difference(before.filter(isTable), after.filter(isTable))
  const old = new Map(before.map((resource) => [resource.physicalId, resource.properties]))
  return [
    ...changed.flatMap(({ path, physicalId, properties }) => {
      const names = APPLIED.filter(
        (name) => !isDeepStrictEqual(old.get(physicalId)?.[name], properties[name]),
      ).join(', ')
      return names === '' ? [] : [`table "${path}" has changed (${names}); restart to apply`]
    }),
    ...removed.map(({ path }) => `table "${path}" is gone from the template; it stays until you restart`),
  ]
}
