import { describe, expect, it } from 'vitest'
import { compilePolicy, verdictOf } from '../../../local/iam/policy.ts'
import { type ContextValue, UNKNOWN } from '../../../local/iam/variables.ts'

const TABLE = 'arn:aws:dynamodb:eu-west-1:123456789012:table/Tasks'

type Statement = Readonly<Record<string, unknown>>
type Context = Readonly<Record<string, ContextValue>>

interface Call {
  readonly action?: string
  readonly resource?: string
  readonly context?: Context
  readonly Version?: string
}

/** What one policy says to one call. */
function ask(statements: readonly Statement[], call: Call = {}) {
  const { action = 'dynamodb:GetItem', resource = TABLE, context = {}, Version = '2012-10-17' } = call
  const unknown: string[] = []
  const compiled = compilePolicy({ Version, Statement: statements }, (what) => unknown.push(what))
  const verdict = verdictOf(
    compiled.filter((statement) => statement.concernsAction(action)),
    resource,
    (key) => context[key],
  )
  return { verdict, unknown }
}

const allow = (rest: Statement = {}): Statement => ({
  Effect: 'Allow',
  Action: 'dynamodb:GetItem',
  Resource: TABLE,
  ...rest,
})
const deny = (rest: Statement = {}): Statement => allow({ Effect: 'Deny', ...rest })

describe('actions', () => {
  it.each<[string, Statement, boolean]>([
    ['the same name', { Action: 'dynamodb:GetItem' }, true],
    ['a name in other case', { Action: 'DynamoDB:getitem' }, true],
    ['one of a list', { Action: ['dynamodb:PutItem', 'dynamodb:GetItem'] }, true],
    ['another name', { Action: 'dynamodb:PutItem' }, false],
    ['everything', { Action: '*' }, true],
    ['everything of the service', { Action: 'dynamodb:*' }, true],
    ['everything of another service', { Action: 'sqs:*' }, false],
    ['a wildcard at the end', { Action: 'dynamodb:Get*' }, true],
    ['a wildcard at the start', { Action: 'dynamodb:*Item' }, true],
    ['a single character', { Action: 'dynamodb:Ge?Item' }, true],
    ['a single character too many', { Action: 'dynamodb:GetItem?' }, false],
    ['NotAction of another', { Action: undefined, NotAction: 'dynamodb:PutItem' }, true],
    ['NotAction of this', { Action: undefined, NotAction: ['dynamodb:Get*'] }, false],
  ])('%s', (_name, statement, isAllowed) => {
    expect(ask([allow(statement)]).verdict).toBe(isAllowed ? 'Allow' : undefined)
  })
})

describe('resources', () => {
  it.each<[string, Statement, boolean]>([
    ['the same ARN', { Resource: TABLE }, true],
    ['everything', { Resource: '*' }, true],
    ['one of a list', { Resource: [`${TABLE}2`, TABLE] }, true],
    ['an ARN in other case', { Resource: TABLE.toLowerCase() }, false],
    ['wildcards in several components', { Resource: 'arn:aws:dynamodb:*:*:table/*' }, true],
    ['a wildcard within the name', { Resource: TABLE.replace('Tasks', 'T*s') }, true],
    ['single characters', { Resource: TABLE.replace('Tasks', '?????') }, true],
    ['the table’s indexes alone', { Resource: `${TABLE}/index/*` }, false],
    ['a wildcard that would have to span components', { Resource: 'arn:aws:dynamodb:*:table/Tasks' }, false],
    ['components left out', { Resource: 'arn:aws:dynamodb' }, true],
    ['NotResource of another', { Resource: undefined, NotResource: `${TABLE}2` }, true],
    ['NotResource of this', { Resource: undefined, NotResource: 'arn:aws:dynamodb:*:*:table/T*' }, false],
  ])('%s', (_name, statement, isAllowed) => {
    expect(ask([allow(statement)]).verdict).toBe(isAllowed ? 'Allow' : undefined)
  })

  it('reach past a colon with the wildcards of their last component', () => {
    const resource = 'arn:aws:lambda:eu-west-1:123456789012:function:Fn:live'
    const statement = { Action: '*', Resource: 'arn:aws:lambda:eu-west-1:123456789012:function:F*' }
    expect(ask([allow(statement)], { resource }).verdict).toBe('Allow')
  })
})

describe('policy variables', () => {
  const mine = { Resource: `${TABLE}-\${aws:username}` }

  it.each<[string, Statement, string, Context, boolean]>([
    ['is filled in', mine, 'ann', { 'aws:username': 'ann' }, true],
    ['of another value', mine, 'bob', { 'aws:username': 'ann' }, false],
    ['in other case', { Resource: `${TABLE}-\${AWS:UserName}` }, 'ann', { 'aws:username': 'ann' }, true],
    ['without a value', mine, '', {}, false],
    ['counts a wildcard in its value as a character', mine, 'ann', { 'aws:username': '*' }, false],
    ['with a default', { Resource: `${TABLE}-\${aws:username, 'all'}` }, 'all', {}, true],
    ['of a literal asterisk', { Resource: `${TABLE}-\${*}` }, '*', {}, true],
    ['of a literal asterisk is no wildcard', { Resource: `${TABLE}-\${*}` }, 'ann', {}, false],
  ])('%s', (_name, statement, suffix, context, isAllowed) => {
    const { verdict } = ask([allow(statement)], { resource: `${TABLE}-${suffix}`, context })
    expect(verdict).toBe(isAllowed ? 'Allow' : undefined)
  })

  it('are plain text in a policy of the older version', () => {
    const resource = `${TABLE}-\${aws:username}`
    expect(ask([allow(mine)], { resource, Version: '2008-10-17' }).verdict).toBe('Allow')
  })

  it('in a resource may have a colon in their name', () => {
    const statement = { Action: '*', Resource: 'arn:${aws:a}:sqs:${aws:b}:1:${aws:c}' }
    const context = { 'aws:a': 'aws', 'aws:b': 'eu', 'aws:c': 'x:y' }
    expect(ask([allow(statement)], { resource: 'arn:aws:sqs:eu:1:x:y', context }).verdict).toBe('Allow')
  })

  it('that nobody can know do not allow, and deny', () => {
    const context: Context = { 'aws:username': UNKNOWN }
    expect(ask([allow(mine)], { resource: `${TABLE}-a`, context })).toEqual({
      verdict: undefined,
      unknown: ['a policy variable in a resource'],
    })
    expect(ask([deny(mine)], { resource: `${TABLE}-a`, context }).verdict).toBe('Deny')
  })
})

describe('several statements', () => {
  it('deny where one does, whatever the order', () => {
    expect(ask([allow(), deny()]).verdict).toBe('Deny')
    expect(ask([deny(), allow()]).verdict).toBe('Deny')
  })

  it('allow where one does', () => {
    expect(ask([allow({ Resource: 'arn:aws:sqs:::x' }), allow()]).verdict).toBe('Allow')
  })

  it('may be one, without a list', () => {
    const [statement] = compilePolicy({ Version: '2012-10-17', Statement: allow() })
    expect(statement?.effect).toBe('Allow')
  })

  it('may be JSON text', () => {
    expect(compilePolicy(JSON.stringify({ Statement: [allow()] }))).toHaveLength(1)
  })
})

describe('conditions', () => {
  const when = (Condition: Statement, context: Context) => ask([allow({ Condition })], { context }).verdict

  it.each<[string, unknown, ContextValue, boolean]>([
    ['StringEquals', 'a', 'a', true],
    ['StringEquals', 'a', 'A', false],
    ['StringEquals', ['a', 'b'], 'b', true],
    ['StringEquals', 'a*', 'ab', false],
    ['StringEquals', 'a', undefined, false],
    ['StringEqualsIfExists', 'a', undefined, true],
    ['StringEqualsIfExists', 'a', 'b', false],
    ['StringNotEquals', 'a', 'b', true],
    ['StringNotEquals', ['a', 'b'], 'b', false],
    ['StringNotEquals', 'a', undefined, true],
    ['StringEqualsIgnoreCase', 'Abc', 'aBC', true],
    ['StringNotEqualsIgnoreCase', 'Abc', 'aBC', false],
    ['StringLike', 'a*c?', 'abbcd', true],
    ['StringLike', 'a*c?', 'abbc', false],
    ['StringNotLike', 'a*', 'abc', false],
    ['StringNotLike', 'a*', 'b', true],
    ['NumericEquals', '5', '5.0', true],
    ['NumericNotEquals', 5, '6', true],
    ['NumericLessThan', '5', '4', true],
    ['NumericLessThan', '5', '5', false],
    ['NumericLessThanEquals', 5, '5', true],
    ['NumericGreaterThan', '5', '6', true],
    ['NumericGreaterThanEquals', '5', '4', false],
    ['NumericLessThan', '5', undefined, false],
    ['DateLessThan', '2026-11-24T00:00:00Z', '2026-11-23T09:00:00.000Z', true],
    ['DateGreaterThan', '2026-11-24T00:00:00Z', '2026-11-23T09:00:00.000Z', false],
    ['DateGreaterThanEquals', '1763888400', '2025-11-23T09:00:00Z', true],
    ['DateLessThanEquals', '2026-11-23T09:00:00Z', '2026-11-23T09:00:00.000Z', true],
    ['DateEquals', '2026-11-23T09:00:00Z', '2026-11-23T09:00:00.000Z', true],
    ['DateNotEquals', '2026-11-23T09:00:00Z', '2026-11-23T09:00:00.000Z', false],
    ['Bool', 'true', 'TRUE', true],
    ['Bool', true, 'false', false],
    ['Bool', 'false', undefined, false],
    ['BoolIfExists', 'false', undefined, true],
    ['BinaryEquals', 'QmluYXJ5', 'QmluYXJ5', true],
    ['IpAddress', '203.0.113.0/24', '203.0.113.7', true],
    ['IpAddress', '203.0.113.0/24', '203.0.114.7', false],
    ['IpAddress', '127.0.0.1', '127.0.0.1', true],
    ['IpAddress', ['10.0.0.0/8', '2001:db8::/32'], '2001:db8::1', true],
    ['NotIpAddress', '203.0.113.0/24', '203.0.114.7', true],
    ['NotIpAddress', '203.0.113.0/24', '203.0.113.7', false],
    [
      'ArnLike',
      'arn:aws:execute-api:*:123456789012:a1b2c3d4e5/*',
      'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/$connect',
      true,
    ],
    ['ArnEquals', 'arn:aws:sqs:*:*:Q', 'arn:aws:sqs:eu-west-1:123456789012:Q', true],
    ['ArnLike', 'arn:aws:sqs:*:Q', 'arn:aws:sqs:eu-west-1:123456789012:Q', false],
    ['ArnNotLike', 'arn:aws:sqs:*:*:Q', 'arn:aws:sqs:eu-west-1:123456789012:R', true],
    ['ArnNotEquals', 'arn:aws:sqs:*:*:Q', 'arn:aws:sqs:eu-west-1:123456789012:Q', false],
    ['Null', 'true', undefined, true],
    ['Null', 'true', 'x', false],
    ['Null', false, 'x', true],
    ['Null', 'false', undefined, false],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b'], true],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'c'], false],
    ['ForAllValues:StringEquals', ['a'], [], true],
    ['ForAllValues:StringEquals', ['a'], undefined, true],
    ['ForAllValues:StringLike', ['a*'], ['ab', 'ac'], true],
    ['ForAllValues:StringNotEquals', ['a'], ['b', 'c'], true],
    ['ForAllValues:StringNotEquals', ['a'], ['b', 'a'], false],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['c', 'b'], true],
    ['ForAnyValue:StringEquals', ['a'], ['c'], false],
    ['ForAnyValue:StringEquals', ['a'], undefined, false],
    ['ForAnyValue:StringNotEquals', ['a'], ['a', 'b'], true],
    ['ForAnyValue:StringEqualsIfExists', ['a'], undefined, true],
  ])('%s of %j to %j: %s', (operator, expected, actual, isAllowed) => {
    const context: Context = { 'aws:key': actual }
    expect(when({ [operator]: { 'aws:Key': expected } }, context)).toBe(isAllowed ? 'Allow' : undefined)
  })

  it('take policy variables', () => {
    const Condition = { StringEquals: { 'aws:a': '${aws:b}' }, StringLike: { 'aws:c': '${aws:b}/*' } }
    expect(when(Condition, { 'aws:a': 'x', 'aws:b': 'x', 'aws:c': 'x/1' })).toBe('Allow')
    expect(when(Condition, { 'aws:a': 'y', 'aws:b': 'x', 'aws:c': 'x/1' })).toBeUndefined()
  })

  it('hold only all together', () => {
    const Condition = { StringEquals: { 'aws:a': '1', 'aws:b': '2' }, Bool: { 'aws:c': 'true' } }
    const context = { 'aws:a': '1', 'aws:b': '2', 'aws:c': 'true' }
    expect(when(Condition, context)).toBe('Allow')
    for (const key of Object.keys(context))
      expect(when(Condition, { ...context, [key]: 'x' })).toBeUndefined()
  })

  describe('that nobody here can judge', () => {
    const cases: [string, Statement, string][] = [
      ['an unknown operator', { StringMatches: { 'aws:a': 'x' } }, 'the condition operator "StringMatches"'],
      [
        'an unknown key',
        { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } },
        'the condition key "aws:PrincipalOrgID"',
      ],
      [
        'an unknown key with IfExists',
        { StringEqualsIfExists: { 'aws:PrincipalOrgID': 'o-1' } },
        'the condition key "aws:PrincipalOrgID"',
      ],
      [
        'an unknown key that is asked to be null',
        { Null: { 'aws:PrincipalOrgID': 'true' } },
        'the condition key "aws:PrincipalOrgID"',
      ],
    ]
    const context: Context = { 'aws:a': 'x', 'aws:principalorgid': UNKNOWN }

    it.each(cases)('do not allow, and are said: %s', (_name, Condition, what) => {
      expect(ask([allow({ Condition })], { context })).toEqual({ verdict: undefined, unknown: [what] })
    })

    it.each(cases)('deny: %s', (_name, Condition) => {
      expect(ask([allow(), deny({ Condition })], { context }).verdict).toBe('Deny')
    })

    it('count for nothing beside one that does not hold', () => {
      const Condition = { StringEquals: { 'aws:PrincipalOrgID': 'o-1', 'aws:a': 'y' } }
      expect(ask([allow(), deny({ Condition })], { context }).verdict).toBe('Allow')
    })
  })
})

describe('a policy document is refused', () => {
  it.each<[string, unknown, string]>([
    ['that is nothing', undefined, 'the policy document is missing; expected an object'],
    ['whose statement is text', { Statement: ['x'] }, 'a statement is "x"; expected an object'],
    [
      'without an effect',
      { Statement: { Action: '*' } },
      'a statement has the Effect undefined; expected Allow or Deny',
    ],
    ['without an action', { Statement: { Effect: 'Allow' } }, 'neither or both of Action and NotAction'],
  ])('%s', (_name, document, text) => {
    expect(() => compilePolicy(document)).toThrow(text)
  })
})
