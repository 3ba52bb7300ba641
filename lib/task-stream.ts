import { Duration } from 'aws-cdk-lib'
import type { Table } from 'aws-cdk-lib/aws-dynamodb'
import { StartingPosition } from 'aws-cdk-lib/aws-lambda'
import { DynamoEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { HandlerFunction } from './handler-function.ts'

export interface TaskStreamProps {
  readonly table: Table
  readonly handler: HandlerFunction
}

/** The Tasks table's stream on its way to the function; what can't be handled ends in a queue, and the shard moves on. */
export class TaskStream extends Construct {
  readonly deadLetters: Queue

  constructor(scope: Construct, id: string, { table, handler }: TaskStreamProps) {
    super(scope, id)
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    })
    handler.function.addEventSource(
      // With a stream the ARN is there; the two types of CDK disagree only where it is not.
      new DynamoEventSource(table as Table & { readonly tableStreamArn: string }, {
        startingPosition: StartingPosition.TRIM_HORIZON, // LATEST may miss what is written while the mapping starts
        batchSize: 100,
        reportBatchItemFailures: true,
        bisectBatchOnError: true,
        retryAttempts: 5,
        onFailure: new SqsDlq(this.deadLetters),
      }),
    )
  }
}
