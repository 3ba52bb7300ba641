/** What to write in a CDK app so that an action is allowed: the method that grants it, by action. */
const METHODS: readonly (readonly [RegExp, string])[] = [
  [/^dynamodb:(GetRecords|GetShardIterator|DescribeStream|ListStreams)$/, 'table.grantStreamRead(fn)'],
  [
    /^dynamodb:(BatchGetItem|GetItem|Query|Scan|ConditionCheckItem|DescribeTable)$/,
    'table.grantReadData(fn)',
  ],
  [/^dynamodb:(BatchWriteItem|PutItem|UpdateItem|DeleteItem)$/, 'table.grantWriteData(fn)'],
  [/^sqs:SendMessage$/i, 'queue.grantSendMessages(fn)'],
  [
    /^sqs:(ReceiveMessage|DeleteMessage|ChangeMessageVisibility|GetQueueAttributes)$/i,
    'queue.grantConsumeMessages(fn)',
  ],
  [/^sqs:PurgeQueue$/i, 'queue.grantPurge(fn)'],
  [/^lambda:InvokeFunction$/, 'invoked.grantInvoke(fn)'],
  [/^execute-api:ManageConnections$/, 'webSocketApi.grantManageConnections(fn)'],
  [/^ssm:GetParameter/, 'parameter.grantRead(fn)'],
  [/^ssm:PutParameter$/, 'parameter.grantWrite(fn)'],
  [/^events:PutEvents$/, 'bus.grantPutEventsTo(fn)'],
]

/** Advice for the developer whose function lacks a permission. */
export function grantFor(action: string, resource: string): string {
  const method = METHODS.find(([pattern]) => pattern.test(action))?.[1]
  const statement = `new iam.PolicyStatement({ actions: ['${action}'], resources: ['${resource}'] })`
  return method === undefined ? `${statement} would allow it` : `${method} would allow it, or ${statement}`
}

/** Advice where a service lacks a permission of the resource's own policy. */
export const serviceGrantFor = (action: string, service: string, sourceArn: string): string =>
  action === 'lambda:InvokeFunction'
    ? 'no AWS::Lambda::Permission allows it; fn.addPermission(…, ' +
      `{ principal: new iam.ServicePrincipal('${service}'), sourceArn: '${sourceArn}' }) would`
    : `no policy of the resource allows it; resource.addToResourcePolicy(…) with the principal ${service} would`
