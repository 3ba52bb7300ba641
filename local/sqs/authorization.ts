import type { Environment } from '../cloudformation/resource.ts'
import { AccessDeniedError } from '../iam/access-denied-error.ts'
import type { Access } from '../iam/iam.ts'
import type { RefusedError } from '../iam/refused-error.ts'
import { SqsError } from './errors.ts'

/**
 * What a call needs to be allowed: a batch is its single form, and the queue is that of the URL.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
 * @param operation `SendMessageBatch`
 * @param input the request's body, whatever it is
 */
export function accessOf(
  operation: string,
  input: unknown,
  { partition, region, accountId }: Environment,
): Access {
  const { QueueUrl, QueueName } = (input ?? {}) as Readonly<Record<string, unknown>>
  // Listing queues is about none of them.
  const name = typeof QueueUrl === 'string' ? QueueUrl.split('/').at(-1) : QueueName
  return {
    action: `sqs:${operation.replace(/Batch$/, '')}`,
    resource: `arn:${partition}:sqs:${region}:${accountId}:${typeof name === 'string' ? name : ''}`,
  }
}

/** A refusal as SQS words it: with the action in lower case (github.com/aws/serverless-application-model/issues/3633). */
export function toSqsError(refused: RefusedError): SqsError {
  const { exception, message } = refused
  const wording =
    refused instanceof AccessDeniedError
      ? message.replaceAll(refused.action, refused.action.toLowerCase())
      : message
  return new SqsError(exception, wording)
}
