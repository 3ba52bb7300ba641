import { describe, expect, it } from 'vitest'
import type { Resource } from '../../../local/cloudformation/resource.ts'
import { DEVELOPER, sessionCredentials, userCredentials } from '../../../local/iam/credentials.ts'
import {
  FN,
  FUNCTION,
  ROLE,
  TABLE,
  functionWithRole,
  inline,
  makeIam,
  policy,
  resource,
  signedRequest,
} from './fixture.ts'

const SESSION = 'arn:aws:sts::123456789012:assumed-role/Role/Fn'
const DENIED = `User: ${SESSION} is not authorized to perform: dynamodb:GetItem on resource: ${TABLE} `
const IMPLICIT = `${DENIED}because no identity-based policy allows the dynamodb:GetItem action`

describe('credentials', () => {
  it('are each function’s own, though two have one role', () => {
    expect(sessionCredentials(ROLE, 'Fn')).not.toEqual(sessionCredentials(ROLE, 'Other'))
    expect(sessionCredentials(ROLE, 'Fn')).toEqual(FN)
    expect(FN.accessKeyId).toMatch(/^ASIA[0-9A-F]{16}$/)
  })

  it('tell the role and the function', async () => {
    const { principal } = makeIam().iam.authenticate(await signedRequest(FN), '{}', 'dynamodb')
    expect(principal).toMatchObject({ arn: SESSION, identityArn: ROLE, functionArn: FUNCTION })
    expect(principal.userId).toMatch(/^AROA[A-Z0-9]{17}:Fn$/)
  })

  it.each([
    ['an unknown key', { ...FN, accessKeyId: 'ASIAUNKNOWN' }],
    ['another session’s token', { ...FN, sessionToken: 'other' }],
    ['no session token', { accessKeyId: FN.accessKeyId, secretAccessKey: FN.secretAccessKey }],
  ])('are refused with %s', async (_name, credentials) => {
    expect(await makeIam().refusal({}, credentials)).toBe(
      'The security token included in the request is invalid.',
    )
  })

  it('are refused with another secret', async () => {
    expect(await makeIam().refusal({}, { ...FN, secretAccessKey: 'other' })).toMatch(
      /^The request signature we calculated does not match the signature you provided\./,
    )
  })

  it('of the developer may do anything', async () => {
    expect(await makeIam().refusal({ action: 'sqs:SendMessage' }, DEVELOPER)).toBeUndefined()
  })

  it('of a user of the template are those of its access key', async () => {
    const user = resource('IAM::User', 'ann', { Policies: inline() }, 'arn:aws:iam::123456789012:user/ann')
    const key = resource('IAM::AccessKey', 'Key', { UserName: 'ann' })
    const { refusal } = makeIam([user, key])
    expect(await refusal({}, userCredentials(key))).toBeUndefined()
    expect(await refusal({ action: 'dynamodb:PutItem' }, userCredentials(key))).toMatch(
      /^User: arn:aws:iam::123456789012:user\/ann is not authorized to perform: dynamodb:PutItem/,
    )
  })

  it('of a user are refused once the key is inactive', async () => {
    const user = resource('IAM::User', 'ann', {}, 'arn:aws:iam::123456789012:user/ann')
    const key = resource('IAM::AccessKey', 'Key', { UserName: 'ann', Status: 'Inactive' })
    expect(await makeIam([user, key]).refusal({}, userCredentials(key))).toMatch(/security token/)
  })
})

describe('a role may do what is allowed by', () => {
  const attached: [string, Resource[]][] = [
    ['an inline policy', functionWithRole({ Policies: inline() })],
    [
      'an AWS::IAM::Policy',
      [...functionWithRole(), resource('IAM::Policy', 'P', { PolicyDocument: policy(), Roles: ['Role'] })],
    ],
    [
      'an AWS::IAM::RolePolicy',
      [
        ...functionWithRole(),
        resource('IAM::RolePolicy', 'P', { PolicyDocument: policy(), RoleName: 'Role' }),
      ],
    ],
    [
      'an AWS::IAM::ManagedPolicy that names the role',
      [
        ...functionWithRole(),
        resource('IAM::ManagedPolicy', 'P', { PolicyDocument: policy(), Roles: ['Role'] }),
      ],
    ],
    [
      'an AWS::IAM::ManagedPolicy that the role names',
      [
        ...functionWithRole({ ManagedPolicyArns: ['arn:aws:iam::123456789012:policy/P'] }),
        resource('IAM::ManagedPolicy', 'arn:aws:iam::123456789012:policy/P', { PolicyDocument: policy() }),
      ],
    ],
    [
      'a policy of AWS',
      functionWithRole({ ManagedPolicyArns: ['arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess'] }),
    ],
    [
      'what is attached to it, though it is imported',
      [
        resource('Lambda::Function', 'Fn', { Role: ROLE }, FUNCTION),
        resource('IAM::Policy', 'P', { PolicyDocument: policy(), Roles: ['Role'] }),
      ],
    ],
  ]

  it.each(attached)('%s', async (_name, resources) => {
    expect(await makeIam(resources).refusal()).toBeUndefined()
  })

  it('nothing, where no policy is attached', async () => {
    expect(await makeIam().refusal()).toBe(IMPLICIT)
  })

  it('nothing, where a policy is attached to another role', async () => {
    const other = resource('IAM::Policy', 'P', { PolicyDocument: policy(), Roles: ['Other'] })
    expect(await makeIam([...functionWithRole(), other]).refusal()).toBe(IMPLICIT)
  })

  it('is told aloud once when its policy is not known here, and that allows nothing', async () => {
    const { refusal, warnings } = makeIam(
      functionWithRole({ ManagedPolicyArns: ['arn:aws:iam::aws:policy/AmazonChimeFullAccess'] }),
    )
    expect(warnings).toEqual([
      'iam: Test/Role: AWS\'s policy "AmazonChimeFullAccess" can not be judged here: it allows nothing, and where it denies, it denies',
    ])
    expect(await refusal()).toBe(IMPLICIT)
  })

  it('is told aloud when it is imported', () => {
    const { warnings } = makeIam([resource('Lambda::Function', 'Fn', { Role: ROLE }, FUNCTION)])
    expect(warnings).toEqual([expect.stringContaining(`the role ${ROLE} is not in the template`)])
  })

  it('an error naming the policy that can not be read', () => {
    const broken = functionWithRole({ Policies: [{ PolicyDocument: { Statement: {} } }] })
    expect(() => makeIam(broken)).toThrow('Test/Role: a statement has the Effect undefined')
  })
})

it('a user may do what is allowed to its group', async () => {
  const key = resource('IAM::AccessKey', 'Key', { UserName: 'ann' })
  const { refusal } = makeIam([
    resource('IAM::Group', 'team', { Policies: inline() }),
    resource('IAM::User', 'ann', { Groups: ['team'] }, 'arn:aws:iam::123456789012:user/ann'),
    key,
  ])
  expect(await refusal({}, userCredentials(key))).toBeUndefined()
})

describe('a denial says why', () => {
  const BOUNDARY = 'arn:aws:iam::123456789012:policy/Boundary'
  const bounded = (statement: object) => [
    ...functionWithRole({ Policies: inline(), PermissionsBoundary: BOUNDARY }),
    resource('IAM::ManagedPolicy', BOUNDARY, { PolicyDocument: policy({ ...statement }) }),
  ]

  it.each<[string, Resource[], string]>([
    ['no policy allows', functionWithRole(), IMPLICIT],
    [
      'a policy denies',
      functionWithRole({ Policies: [...inline(), ...inline({ Effect: 'Deny' })] }),
      `${DENIED}with an explicit deny in an identity-based policy`,
    ],
    [
      'the boundary does not allow',
      bounded({ Action: 'sqs:*' }),
      `${DENIED}because no permissions boundary allows the dynamodb:GetItem action`,
    ],
    [
      'the boundary denies',
      bounded({ Effect: 'Deny' }),
      `${DENIED}with an explicit deny in a permissions boundary`,
    ],
    [
      'the resource’s policy denies',
      [
        ...functionWithRole({ Policies: inline() }),
        resource(
          'DynamoDB::Table',
          'Tasks',
          { ResourcePolicy: { PolicyDocument: policy({ Effect: 'Deny', Principal: '*' }) } },
          TABLE,
        ),
      ],
      `${DENIED}with an explicit deny in a resource-based policy`,
    ],
  ])('%s', async (_name, resources, message) => {
    expect(await makeIam(resources).refusal()).toBe(message)
  })

  it('nothing where the boundary allows too', async () => {
    expect(await makeIam(bounded({})).refusal()).toBeUndefined()
  })

  it('to the developer as well: who lacks what, and which grant would give it, once', async () => {
    const { refusal, warnings } = makeIam()
    await refusal()
    await refusal()
    expect(warnings).toEqual([
      `iam: Fn may not dynamodb:GetItem on ${TABLE}: no policy of ${ROLE} allows it; table.grantReadData(fn) would allow it, or ` +
        `new iam.PolicyStatement({ actions: ['dynamodb:GetItem'], resources: ['${TABLE}'] }); --iam off switches the checks off`,
    ])
  })

  it.each<[string, Record<string, unknown>, string]>([
    [
      'its account is empty',
      { Resource: TABLE.replace('123456789012', '') },
      `"${TABLE.replace('123456789012', '')}", where the account is "" instead of "123456789012"`,
    ],
    [
      'it is of another Region and account',
      { Resource: 'arn:aws:dynamodb:us-east-1:1:table/*' },
      '"arn:aws:dynamodb:us-east-1:1:table/*", where the Region is "us-east-1" instead of "eu-west-1" and the account is ' +
        '"1" instead of "123456789012"',
    ],
    [
      'it is the nearest of several',
      { Resource: ['arn:aws:dynamodb:us-east-1:1:table/A', `${TABLE}/index/*`] },
      `"${TABLE}/index/*", where the resource is "table/Tasks/index/*" instead of "table/Tasks"`,
    ],
    [
      'its condition does not hold',
      { Condition: { StringEquals: { 'aws:RequestedRegion': 'us-east-1' } } },
      `"${TABLE}" under a condition that does not hold`,
    ],
  ])('and which statement almost allows it: %s', async (_name, statement, near) => {
    const { refusal, warnings } = makeIam(functionWithRole({ Policies: inline(statement) }))
    expect(await refusal()).toBe(IMPLICIT)
    expect(warnings).toEqual([
      expect.stringContaining(`allows it; it is allowed on ${near}; table.grantRead`),
    ])
  })

  it('and names no statement where none is about the action', async () => {
    const { refusal, warnings } = makeIam(functionWithRole({ Policies: inline({ Action: 'sqs:*' }) }))
    await refusal()
    expect(warnings).toEqual([expect.not.stringContaining('it is allowed on')])
  })
})

describe('a resource’s policy', () => {
  const table = (statement: object) =>
    resource(
      'DynamoDB::Table',
      'Tasks',
      { ResourcePolicy: { PolicyDocument: policy({ ...statement }) } },
      TABLE,
    )

  it.each<[string, unknown, boolean]>([
    ['everybody', '*', true],
    ['everybody of AWS', { AWS: '*' }, true],
    ['the role', { AWS: ROLE }, true],
    ['the session', { AWS: [SESSION] }, true],
    ['another role', { AWS: `${ROLE}2` }, false],
    ['a service', { Service: 'lambda.amazonaws.com' }, false],
    [
      'the account, which leaves it to the policies of the role',
      { AWS: 'arn:aws:iam::123456789012:root' },
      false,
    ],
    ['the account by its id', { AWS: '123456789012' }, false],
  ])('allows %s: %s', async (_name, Principal, isAllowed) => {
    const refused = await makeIam([...functionWithRole(), table({ Principal })]).refusal()
    expect(refused).toBe(isAllowed ? undefined : IMPLICIT)
  })

  it('denies all but those of NotPrincipal', async () => {
    const statement = { Effect: 'Deny', NotPrincipal: { AWS: `${ROLE}2` } }
    const role = functionWithRole({ Policies: inline() })
    expect(await makeIam([...role, table(statement)]).refusal()).toMatch(/explicit deny in a resource-based/)
  })

  it('gives a session what its boundary does not', async () => {
    const bounded = functionWithRole({ PermissionsBoundary: 'arn:aws:iam::aws:policy/AmazonSQSFullAccess' })
    expect(await makeIam([...bounded, table({ Principal: { AWS: SESSION } })]).refusal()).toBeUndefined()
    expect(await makeIam([...bounded, table({ Principal: { AWS: ROLE } })]).refusal()).toMatch(
      /no permissions boundary allows/,
    )
  })

  it('of a queue is the sum of its AWS::SQS::QueuePolicy resources', async () => {
    const arn = 'arn:aws:sqs:eu-west-1:123456789012:Q'
    const url = 'https://sqs.eu-west-1.amazonaws.com/123456789012/Q'
    const document = policy({ Action: 'sqs:SendMessage', Resource: arn, Principal: { AWS: ROLE } })
    const { refusal } = makeIam([
      ...functionWithRole(),
      resource('SQS::Queue', url, {}, arn),
      resource('SQS::QueuePolicy', 'P', { Queues: [url], PolicyDocument: document }),
    ])
    expect(await refusal({ action: 'sqs:SendMessage', resource: arn })).toBeUndefined()
    expect(await refusal({ action: 'sqs:ReceiveMessage', resource: arn })).toMatch(/no identity-based policy/)
  })
})

describe('conditions look at', () => {
  it.each<[string, object, boolean]>([
    ['the role', { ArnEquals: { 'aws:PrincipalArn': ROLE } }, true],
    ['the session’s id', { StringLike: { 'aws:userid': 'AROA*:Fn' } }, true],
    ['the kind of principal', { StringEquals: { 'aws:PrincipalType': 'AssumedRole' } }, true],
    ['the user name, which a session has not', { Null: { 'aws:username': 'true' } }, true],
    [
      'the accounts',
      {
        StringEquals: {
          'aws:PrincipalAccount': '123456789012',
          'aws:ResourceAccount': '${aws:PrincipalAccount}',
        },
      },
      true,
    ],
    ['the Region', { StringEquals: { 'aws:RequestedRegion': ['eu-west-1'] } }, true],
    ['another Region', { StringEquals: { 'aws:RequestedRegion': 'us-east-1' } }, false],
    ['TLS', { Bool: { 'aws:SecureTransport': 'true' } }, true],
    ['the address', { IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } }, true],
    ['another address', { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } }, false],
    [
      'the time',
      {
        DateGreaterThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' },
        NumericGreaterThan: { 'aws:EpochTime': '1577836800' },
      },
      true,
    ],
    ['MFA, which nobody has', { BoolIfExists: { 'aws:MultiFactorAuthPresent': 'true' } }, true],
    ['the VPC, which there is none of', { StringEquals: { 'aws:SourceVpc': 'vpc-1' } }, false],
    [
      'whether a service calls',
      { Bool: { 'aws:ViaAWSService': 'false', 'aws:PrincipalIsAWSService': 'false' } },
      true,
    ],
    ['the function', { ArnEquals: { 'lambda:SourceFunctionArn': FUNCTION } }, true],
    ['a tag of the role', { StringEquals: { 'aws:PrincipalTag/team': 'blue' } }, true],
    ['a tag of the resource', { StringEquals: { 'aws:ResourceTag/team': '${aws:PrincipalTag/Team}' } }, true],
    ['a key of the service', { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['a'] } }, true],
    ['a key that nobody can know', { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } }, false],
  ])('%s', async (_name, Condition, isAllowed) => {
    const team = [{ Key: 'team', Value: 'blue' }]
    const { refusal } = makeIam([
      ...functionWithRole({ Policies: inline({ Condition }), Tags: team }),
      resource('DynamoDB::Table', 'Tasks', { Tags: team }, TABLE),
    ])
    const refused = await refusal({ keys: { 'dynamodb:leadingkeys': ['a'] } })
    expect(refused).toBe(isAllowed ? undefined : IMPLICIT)
  })

  it('the unknown aloud, once, naming the policy', async () => {
    const Condition = { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } }
    const { refusal, warnings } = makeIam(functionWithRole({ Policies: inline({ Condition }) }))
    await refusal()
    await refusal()
    expect(warnings.filter((line) => line.includes('OrgID'))).toEqual([
      'iam: Test/Role: the condition key "aws:PrincipalOrgID" can not be judged here: it allows nothing, and where it denies, it denies',
    ])
  })
})

describe('a service may invoke a function', () => {
  const ROUTE = 'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/$connect'
  const gateway = { service: 'apigateway.amazonaws.com', sourceArn: ROUTE }
  const permission = (properties: object = {}) =>
    resource('Lambda::Permission', 'Permission', {
      Action: 'lambda:InvokeFunction',
      FunctionName: FUNCTION,
      Principal: 'apigateway.amazonaws.com',
      SourceArn: 'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/*$connect',
      ...properties,
    })
  const mayInvoke = (properties?: object, target = FUNCTION) =>
    makeIam([...functionWithRole(), ...(properties ? [permission(properties)] : [])]).iam.mayInvoke(
      gateway,
      target,
    )

  it.each<[string, object, boolean]>([
    ['as the CDK writes it', {}, true],
    ['by the function’s name', { FunctionName: 'Fn' }, true],
    ['by part of its ARN', { FunctionName: '123456789012:function:Fn' }, true],
    ['from everywhere', { SourceArn: undefined }, true],
    ['from the account', { SourceAccount: '123456789012' }, true],
    ['of all actions', { Action: 'lambda:*' }, true],
    ['from another account', { SourceAccount: '210987654321' }, false],
    [
      'from another route',
      { SourceArn: 'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/*$default' },
      false,
    ],
    ['of another function', { FunctionName: 'Other' }, false],
    ['of an alias of it', { FunctionName: `${FUNCTION}:live` }, false],
    ['of another service', { Principal: 'events.amazonaws.com' }, false],
    ['of another action', { Action: 'lambda:GetFunction' }, false],
  ])('with a permission %s: %s', (_name, properties, isAllowed) => {
    expect(mayInvoke(properties)).toBe(isAllowed)
  })

  it('by an alias with a permission of the alias', () => {
    expect(mayInvoke({ FunctionName: `${FUNCTION}:live` }, `${FUNCTION}:live`)).toBe(true)
    expect(mayInvoke({}, `${FUNCTION}:live`)).toBe(false)
  })

  it('not without one, and that is said once with what would help', () => {
    const { iam, warnings } = makeIam()
    expect(iam.mayInvoke(gateway, FUNCTION)).toBe(false)
    expect(iam.mayInvoke(gateway, FUNCTION)).toBe(false)
    expect(warnings).toEqual([
      `iam: apigateway.amazonaws.com may not lambda:InvokeFunction on ${FUNCTION} for ${ROUTE}: no AWS::Lambda::Permission allows it; ` +
        `fn.addPermission(…, { principal: new iam.ServicePrincipal('apigateway.amazonaws.com'), sourceArn: '${ROUTE}' }) would; --iam off switches the checks off`,
    ])
  })

  it.each<[string, object, boolean]>([
    ['that trusts it and may', {}, true],
    ['that trusts another service', { Principal: { Service: 'events.amazonaws.com' } }, false],
    ['that may not', { Resource: `${FUNCTION}2` }, false],
  ])(
    'as a role %s: %s',
    (_name, { Principal, Resource }: { Principal?: object; Resource?: string }, isAllowed) => {
      const role = resource(
        'IAM::Role',
        'Caller',
        {
          AssumeRolePolicyDocument: {
            Version: '2012-10-17',
            Statement: {
              Effect: 'Allow',
              Action: 'sts:AssumeRole',
              Principal: Principal ?? { Service: 'apigateway.amazonaws.com' },
            },
          },
          Policies: inline({ Action: 'lambda:InvokeFunction', Resource: Resource ?? FUNCTION }),
        },
        'arn:aws:iam::123456789012:role/Caller',
      )
      const { iam } = makeIam([...functionWithRole(), role])
      expect(iam.mayInvoke(gateway, FUNCTION, role.arn)).toBe(isAllowed)
    },
  )

  it('not as a role that is not in the template', () => {
    expect(makeIam().iam.mayInvoke(gateway, FUNCTION, 'arn:aws:iam::123456789012:role/None')).toBe(false)
  })
})

it('tells those who act for a function whether its role may', () => {
  const { iam } = makeIam(functionWithRole({ Policies: inline() }))
  expect(iam.mayFunction(FUNCTION, { action: 'dynamodb:GetItem', resource: TABLE })).toBe(true)
  expect(iam.mayFunction(FUNCTION, { action: 'dynamodb:PutItem', resource: TABLE })).toBe(false)
})
