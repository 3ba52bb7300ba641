import type { Access } from '../iam/iam.ts'
import { type ContextValue, UNKNOWN } from '../iam/variables.ts'
import { attributesIn, equalTo } from './expression-attributes.ts'
import type { TableDirectory } from './table-directory.ts'

type Input = Readonly<Record<string, unknown>>

/**
 * What a call needs to be allowed: one access for each table, index or stream that it touches and for each action on it.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
 * @param operation `PutItem`, `GetRecords`, …
 */
export function accessesOf(operation: string, input: Input, tables: TableDirectory): Access[] {
  switch (operation) {
    case 'BatchGetItem':
    case 'BatchWriteItem':
      return Object.entries(record(input['RequestItems'])).map(([table, requests]) =>
        batch(operation, table, requests, input, tables),
      )
    case 'TransactGetItems':
    case 'TransactWriteItems':
      return list(input['TransactItems']).flatMap((item) =>
        Object.entries(item).map(([kind, request]) =>
          ofTable(TRANSACTED[kind] ?? kind, record(request), tables, operation),
        ),
      )
    case 'ExecuteStatement':
      return [statement(String(input['Statement']), tables)]
    case 'BatchExecuteStatement':
      return list(input['Statements']).map((each) => statement(String(each['Statement']), tables, operation))
    case 'ExecuteTransaction':
      return list(input['TransactStatements']).map((each) =>
        statement(String(each['Statement']), tables, operation),
      )
    case 'DescribeStream':
    case 'GetShardIterator':
      return [stream(operation, String(input['StreamArn']), tables)]
    case 'GetRecords':
      return [stream(operation, tableOfIterator(String(input['ShardIterator'])), tables)]
    case 'ListStreams':
      return [{ action: 'dynamodb:ListStreams', resource: `${tables.arnOf('*')}/stream/*` }]
    case 'ListTables':
      return [{ action: 'dynamodb:ListTables', resource: tables.arnOf('*') }]
    case 'DescribeEndpoints':
    case 'DescribeLimits':
      return [{ action: `dynamodb:${operation}`, resource: '*' }]
    default:
      return [ofTable(operation, input, tables)]
  }
}

/** Actions of the parts of a transaction: each is checked as if it came alone. */
const TRANSACTED: Readonly<Record<string, string>> = {
  Get: 'GetItem',
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
}

function ofTable(operation: string, input: Input, tables: TableDirectory, enclosing?: string): Access {
  const { TableName, ResourceArn, IndexName } = input
  const name = typeof TableName === 'string' ? TableName : String(ResourceArn)
  const owner = tables.arnOf(name)
  const index = typeof IndexName === 'string' ? IndexName : undefined
  return {
    action: `dynamodb:${operation}`,
    resource: index === undefined ? owner : `${owner}/index/${index}`,
    owner,
    keys: {
      'dynamodb:leadingkeys': leadingKeys(operation, input, tables.partitionKey(name, index)),
      'dynamodb:attributes': attributes(input),
      'dynamodb:select': selectOf(operation, input),
      'dynamodb:returnvalues': RETURNING.has(operation) ? text(input['ReturnValues'] ?? 'NONE') : undefined,
      'dynamodb:returnconsumedcapacity': text(input['ReturnConsumedCapacity'] ?? 'NONE'),
      'dynamodb:enclosingoperation': enclosing,
      'dynamodb:fulltablescan': undefined,
    },
  }
}

const RETURNING: ReadonlySet<string> = new Set(['PutItem', 'UpdateItem', 'DeleteItem'])

function batch(
  operation: string,
  table: string,
  requests: unknown,
  input: Input,
  tables: TableDirectory,
): Access {
  const key = tables.partitionKey(table)
  const items =
    operation === 'BatchGetItem'
      ? list(record(requests)['Keys'])
      : list(requests).map(({ PutRequest, DeleteRequest }) =>
          record(record(PutRequest)['Item'] ?? record(DeleteRequest)['Key']),
        )
  const projection = operation === 'BatchGetItem' ? record(requests) : {}
  const access = ofTable(operation, { ...input, ...projection, TableName: table }, tables)
  return {
    ...access,
    keys: {
      ...access.keys,
      'dynamodb:leadingkeys': key === undefined ? UNKNOWN : items.map((item) => valueOf(item[key])),
      'dynamodb:attributes': [...new Set([...attributes(projection), ...items.flatMap(Object.keys)])],
    },
  }
}

/** Values of the partition key that an operation reads or writes; a scan has none. */
function leadingKeys(operation: string, input: Input, key: string | undefined): ContextValue {
  const { Key, Item, KeyConditionExpression, KeyConditions } = input
  const names = record(input['ExpressionAttributeNames']) as Record<string, string>
  const values = record(input['ExpressionAttributeValues'])
  const item = Key ?? Item
  if (item === undefined && operation !== 'Query') return undefined
  if (key === undefined) return UNKNOWN
  if (item !== undefined) return [valueOf(record(item)[key])]
  const value =
    typeof KeyConditionExpression === 'string'
      ? equalTo(KeyConditionExpression, key, names, values)
      : list(record(record(KeyConditions)[key])['AttributeValueList'])[0]
  return [valueOf(value)]
}

const EXPRESSIONS = [
  'ProjectionExpression',
  'ConditionExpression',
  'FilterExpression',
  'KeyConditionExpression',
  'UpdateExpression',
] as const

/** Members of older calls whose keys are names of attributes. */
const BY_NAME = [
  'Key',
  'Item',
  'Expected',
  'AttributeUpdates',
  'KeyConditions',
  'QueryFilter',
  'ScanFilter',
] as const

/** Names of the top-level attributes that a call mentions. */
function attributes(input: Input): string[] {
  const names = record(input['ExpressionAttributeNames']) as Record<string, string>
  const asked = Array.isArray(input['AttributesToGet']) ? (input['AttributesToGet'] as string[]) : []
  return [
    ...new Set([
      ...asked,
      ...BY_NAME.flatMap((member) => Object.keys(record(input[member]))),
      ...EXPRESSIONS.flatMap((member) => attributesIn(input[member], names)),
    ]),
  ]
}

/**
 * What a read gives back. AWS documents the key for queries and scans; here a get has it too, so that a policy that wants
 * `SPECIFIC_ATTRIBUTES` does not let a get of whole items through.
 */
function selectOf(operation: string, input: Input): string | undefined {
  if (!['Query', 'Scan', 'GetItem', 'BatchGetItem'].includes(operation)) return undefined
  if (input['Select'] !== undefined) return text(input['Select'])
  if (input['ProjectionExpression'] !== undefined || input['AttributesToGet'] !== undefined)
    return 'SPECIFIC_ATTRIBUTES'
  return input['IndexName'] === undefined ? 'ALL_ATTRIBUTES' : 'ALL_PROJECTED_ATTRIBUTES'
}

const PARTIQL = /^\s*(SELECT|INSERT|UPDATE|DELETE)\b/i
const TARGET = /\b(?:FROM|INTO|UPDATE)\s+"?([\w.-]+)"?(?:\s*\.\s*"?([\w.-]+)"?)?/i

/** A statement of PartiQL: `SELECT * FROM "Tasks"."byOwner" WHERE …` needs `dynamodb:PartiQLSelect` on the index. */
function statement(text: string, tables: TableDirectory, enclosing?: string): Access {
  const verb = PARTIQL.exec(text)?.[1]?.toLowerCase() ?? 'select'
  const [, table = '', index] = TARGET.exec(text) ?? []
  const owner = tables.arnOf(table)
  const hasWhere = /\bWHERE\b/i.test(text)
  return {
    action: `dynamodb:PartiQL${verb.charAt(0).toUpperCase()}${verb.slice(1)}`,
    resource: index === undefined ? owner : `${owner}/index/${index}`,
    owner,
    keys: {
      'dynamodb:leadingkeys': UNKNOWN,
      'dynamodb:attributes': UNKNOWN,
      'dynamodb:enclosingoperation': enclosing,
      'dynamodb:fulltablescan': verb === 'select' ? (hasWhere ? UNKNOWN : 'true') : undefined,
    },
  }
}

function stream(operation: string, table: string, tables: TableDirectory): Access {
  const resource = tables.streamArnOf(table)
  return { action: `dynamodb:${operation}`, resource, owner: `${tables.arnOf(table)}/stream/*` }
}

/** Iterators hold the stream's ARN, or in the engine that comes with the stack the table's name in Base64. */
function tableOfIterator(iterator: string): string {
  const text = iterator.startsWith('arn:') ? iterator : Buffer.from(iterator, 'base64').toString()
  return /:table\/([^/]+)/.exec(text)?.[1] ?? /"table_name":"([^"]+)"/.exec(text)?.[1] ?? '*'
}

/** `{"S":"a"}` → `a`; numbers and binary values are text on the wire already. */
const valueOf = (value: unknown): string => text(Object.values(record(value))[0])

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? ''))
const record = (value: unknown) =>
  (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
const list = (value: unknown) => (Array.isArray(value) ? value : []).map(record)
