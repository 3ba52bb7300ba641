import type { Iam } from '../iam/iam.ts'
import type { Log } from '../log.ts'
import type { MappingDefinition } from './mapping-definition.ts'

interface Reading {
  /** What the function's role must be allowed on the source. */
  readonly actions: readonly string[]
  readonly grant: string
  /** Lambda's words when it refuses to make the mapping. */
  readonly refusal: (sourceArn: string, action: string) => string
}

const READINGS: Readonly<Record<string, Reading>> = {
  // Lambda asks for ListStreams as well, on whatever resource: it is not needed to read, and not asked for here.
  dynamodb: {
    actions: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'],
    grant: 'table.grantStreamRead(fn)',
    refusal: (sourceArn) =>
      `Cannot access stream ${sourceArn}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.`,
  },
  sqs: {
    actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
    grant: 'queue.grantConsumeMessages(fn)',
    refusal: (_sourceArn, action) =>
      `The function execution role does not have permissions to call ${action.slice('sqs:'.length)} on SQS`,
  },
}

/**
 * Whether the role of a mapping's function may read its source. Lambda refuses to make a mapping otherwise, and the
 * deployment fails; here it is said, and nothing is read.
 */
export function mayRead(
  { resource, functionArn, sourceArn }: MappingDefinition,
  { iam, log }: { readonly iam: Iam | undefined; readonly log: Log },
): boolean {
  const reading = READINGS[sourceArn.split(':')[2] ?? '']
  if (!iam || !reading) return true
  const owner = sourceArn.replace(/\/stream\/.*$/, '/stream/*')
  const missing = reading.actions.find(
    (action) => !iam.mayFunction(functionArn, { action, resource: sourceArn, owner }),
  )
  if (missing === undefined) return true
  log.error(
    'iam',
    `${resource.path} would not be deployed, and reads nothing here: ${reading.refusal(sourceArn, missing)} ` +
      `The role of ${functionArn} may not ${missing}; ${reading.grant} allows it`,
  )
  return false
}
