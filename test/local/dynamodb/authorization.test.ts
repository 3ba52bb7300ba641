import { describe, expect, it } from 'vitest'
import { accessesOf } from '../../../local/dynamodb/authorization.ts'
import { TableDirectory } from '../../../local/dynamodb/table-directory.ts'
import { UNKNOWN } from '../../../local/iam/variables.ts'
import { environment, resource } from '../iam/fixture.ts'

const PREFIX = 'arn:aws:dynamodb:eu-west-1:123456789012:table'

const keys = (hash: string, range?: string) => [
  { AttributeName: hash, KeyType: 'HASH' },
  ...(range === undefined ? [] : [{ AttributeName: range, KeyType: 'RANGE' }]),
]
const tables = new TableDirectory(
  [
    resource('DynamoDB::Table', 'Tasks', {
      KeySchema: keys('id'),
      GlobalSecondaryIndexes: [{ IndexName: 'byOwner', KeySchema: keys('owner', 'id') }],
      LocalSecondaryIndexes: [{ IndexName: 'byDate', KeySchema: keys('id', 'date') }],
    }),
    resource('DynamoDB::Table', 'Log', { KeySchema: keys('channel', 'offset') }),
  ],
  environment,
)

const accesses = (operation: string, input: object) =>
  accessesOf(operation, input as Readonly<Record<string, unknown>>, tables)
const wants = (operation: string, input: object) =>
  accesses(operation, input).map(({ action, resource: arn }) => `${action} ${arn}`)
const keysOf = (operation: string, input: object) => accesses(operation, input)[0]?.keys ?? {}

const item = (id: string) => ({ id: { S: id } })

describe('a call needs', () => {
  it.each<[string, object, string[]]>([
    ['GetItem', { TableName: 'Tasks' }, [`dynamodb:GetItem ${PREFIX}/Tasks`]],
    ['PutItem', { TableName: `${PREFIX}/Tasks` }, [`dynamodb:PutItem ${PREFIX}/Tasks`]],
    ['Query', { TableName: 'Tasks', IndexName: 'byOwner' }, [`dynamodb:Query ${PREFIX}/Tasks/index/byOwner`]],
    ['Scan', { TableName: 'Tasks' }, [`dynamodb:Scan ${PREFIX}/Tasks`]],
    ['DescribeTable', { TableName: 'Tasks' }, [`dynamodb:DescribeTable ${PREFIX}/Tasks`]],
    ['TagResource', { ResourceArn: `${PREFIX}/Tasks` }, [`dynamodb:TagResource ${PREFIX}/Tasks`]],
    ['ListTables', {}, [`dynamodb:ListTables ${PREFIX}/*`]],
    [
      'BatchGetItem',
      { RequestItems: { Tasks: { Keys: [item('1')] }, Log: { Keys: [] } } },
      [`dynamodb:BatchGetItem ${PREFIX}/Tasks`, `dynamodb:BatchGetItem ${PREFIX}/Log`],
    ],
    ['BatchWriteItem', { RequestItems: { Log: [] } }, [`dynamodb:BatchWriteItem ${PREFIX}/Log`]],
    [
      'TransactWriteItems',
      {
        TransactItems: [
          { Put: { TableName: 'Tasks', Item: item('1') } },
          { Update: { TableName: 'Log', Key: {} } },
          { Delete: { TableName: 'Log', Key: {} } },
          { ConditionCheck: { TableName: 'Tasks', Key: item('1') } },
        ],
      },
      [
        `dynamodb:PutItem ${PREFIX}/Tasks`,
        `dynamodb:UpdateItem ${PREFIX}/Log`,
        `dynamodb:DeleteItem ${PREFIX}/Log`,
        `dynamodb:ConditionCheckItem ${PREFIX}/Tasks`,
      ],
    ],
    [
      'TransactGetItems',
      { TransactItems: [{ Get: { TableName: 'Tasks', Key: item('1') } }] },
      [`dynamodb:GetItem ${PREFIX}/Tasks`],
    ],
    [
      'ExecuteStatement',
      { Statement: `SELECT * FROM "Tasks"."byOwner" WHERE owner='a'` },
      [`dynamodb:PartiQLSelect ${PREFIX}/Tasks/index/byOwner`],
    ],
    [
      'BatchExecuteStatement',
      {
        Statements: [
          { Statement: `insert into Tasks value {'id':'1'}` },
          { Statement: 'UPDATE "Log" SET a=1' },
        ],
      },
      [`dynamodb:PartiQLInsert ${PREFIX}/Tasks`, `dynamodb:PartiQLUpdate ${PREFIX}/Log`],
    ],
    [
      'ExecuteTransaction',
      { TransactStatements: [{ Statement: `DELETE FROM "Tasks" WHERE id='1'` }] },
      [`dynamodb:PartiQLDelete ${PREFIX}/Tasks`],
    ],
    [
      'DescribeStream',
      { StreamArn: 'arn:aws:dynamodb:dynoxide:000000000000:table/Tasks/stream/1795540015.5' },
      [`dynamodb:DescribeStream ${PREFIX}/Tasks/stream/2026-01-01T00:00:00.000`],
    ],
    [
      'GetRecords',
      { ShardIterator: Buffer.from('{"table_name":"Tasks","shard_id":"s","position":0}').toString('base64') },
      [`dynamodb:GetRecords ${PREFIX}/Tasks/stream/2026-01-01T00:00:00.000`],
    ],
    [
      'GetRecords',
      { ShardIterator: `arn:aws:dynamodb:ddblocal:000000000000:table/Log/stream/2026|1|AAAA` },
      [`dynamodb:GetRecords ${PREFIX}/Log/stream/2026-01-01T00:00:00.000`],
    ],
    ['ListStreams', {}, [`dynamodb:ListStreams ${PREFIX}/*/stream/*`]],
    ['DescribeLimits', {}, ['dynamodb:DescribeLimits *']],
  ])('%s %j', (operation, input, wanted) => {
    expect(wants(operation, input)).toEqual(wanted)
  })
})

describe('dynamodb:LeadingKeys', () => {
  const values = {
    ExpressionAttributeNames: { '#o': 'owner' },
    ExpressionAttributeValues: { ':a': { S: 'ann' } },
  }

  it.each<[string, object, unknown]>([
    ['GetItem', { TableName: 'Tasks', Key: item('1') }, ['1']],
    ['PutItem', { TableName: 'Log', Item: { channel: { N: '7' }, offset: { N: '1' } } }, ['7']],
    ['Query', { TableName: 'Tasks', KeyConditionExpression: 'id = :a', ...values }, ['ann']],
    [
      'Query',
      { TableName: 'Tasks', IndexName: 'byOwner', KeyConditionExpression: 'id > :b AND #o=:a', ...values },
      ['ann'],
    ],
    [
      'Query',
      {
        TableName: 'Tasks',
        KeyConditions: { id: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'bob' }] } },
      },
      ['bob'],
    ],
    ['BatchGetItem', { RequestItems: { Tasks: { Keys: [item('1'), item('2')] } } }, ['1', '2']],
    [
      'BatchWriteItem',
      {
        RequestItems: { Tasks: [{ PutRequest: { Item: item('1') } }, { DeleteRequest: { Key: item('2') } }] },
      },
      ['1', '2'],
    ],
    ['TransactWriteItems', { TransactItems: [{ Delete: { TableName: 'Tasks', Key: item('3') } }] }, ['3']],
    ['Scan', { TableName: 'Tasks' }, undefined],
    ['GetItem', { TableName: 'Other', Key: item('1') }, UNKNOWN],
    ['ExecuteStatement', { Statement: 'SELECT * FROM "Tasks"' }, UNKNOWN],
  ])('of %s %j', (operation, input, expected) => {
    expect(keysOf(operation, input)['dynamodb:leadingkeys']).toEqual(expected)
  })
})

describe('dynamodb:Attributes', () => {
  it.each<[string, object, string[]]>([
    [
      'GetItem',
      { Key: item('1'), ProjectionExpression: 'title, #d.x[0]', ExpressionAttributeNames: { '#d': 'data' } },
      ['id', 'title', 'data'],
    ],
    ['GetItem', { Key: item('1'), AttributesToGet: ['a', 'b'] }, ['a', 'b', 'id']],
    [
      'PutItem',
      {
        Item: { ...item('1'), a: {}, b: {} },
        ConditionExpression: 'attribute_not_exists(id) AND NOT size(c) > :n',
      },
      ['id', 'a', 'b', 'c'],
    ],
    [
      'UpdateItem',
      { Key: item('1'), UpdateExpression: 'SET a = if_not_exists(b, :x) + :y REMOVE c[1] ADD d :z' },
      ['id', 'a', 'b', 'c', 'd'],
    ],
    [
      'Query',
      {
        KeyConditionExpression: 'id = :a AND begins_with(sk, :b)',
        FilterExpression: 'x IN (:p, :q) OR y BETWEEN :r AND :s',
      },
      ['x', 'y', 'id', 'sk'],
    ],
  ])('of %s %j', (operation, input, expected) => {
    expect(keysOf(operation, { TableName: 'Tasks', ...input })['dynamodb:attributes']).toEqual(expected)
  })
})

describe('dynamodb:Select', () => {
  it.each<[string, object, string | undefined]>([
    ['Query', { Select: 'COUNT' }, 'COUNT'],
    ['Query', { ProjectionExpression: 'a' }, 'SPECIFIC_ATTRIBUTES'],
    ['Query', { IndexName: 'byOwner' }, 'ALL_PROJECTED_ATTRIBUTES'],
    ['Scan', {}, 'ALL_ATTRIBUTES'],
    ['GetItem', {}, 'ALL_ATTRIBUTES'],
    ['PutItem', {}, undefined],
  ])('of %s %j is %s', (operation, input, expected) => {
    expect(keysOf(operation, { TableName: 'Tasks', ...input })['dynamodb:select']).toBe(expected)
  })
})

it('gives the other keys of the service', () => {
  expect(keysOf('PutItem', { TableName: 'Tasks', ReturnConsumedCapacity: 'TOTAL' })).toMatchObject({
    'dynamodb:returnvalues': 'NONE',
    'dynamodb:returnconsumedcapacity': 'TOTAL',
    'dynamodb:enclosingoperation': undefined,
  })
  const transaction = { TransactItems: [{ Put: { TableName: 'Tasks', Item: item('1') } }] }
  expect(keysOf('TransactWriteItems', transaction)).toMatchObject({
    'dynamodb:enclosingoperation': 'TransactWriteItems',
  })
  expect(keysOf('ExecuteStatement', { Statement: 'SELECT * FROM "Tasks"' })).toMatchObject({
    'dynamodb:fulltablescan': 'true',
  })
})
