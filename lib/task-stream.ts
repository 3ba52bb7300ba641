import { Duration } from 'aws-cdk-lib'
import type { Table } from 'aws-cdk-lib/aws-dynamodb'
import { StartingPosition } from 'aws-cdk-lib/aws-lambda'
import { DynamoEventSource, SqsDlq, SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { HandlerFunction } from './handler-function.ts'

export interface TaskStreamProps {
  readonly table: Table
  readonly handler: HandlerFunction
  /** Hears of the records that were given up. */
  readonly gap: HandlerFunction
}

/**
 * The Tasks table's stream on its way to the function. What can't be handled ends in a queue, and the shard moves on; from
 * there it goes to another function, which makes the loss known to the viewers.
 */
export class TaskStream extends Construct {
  readonly deadLetters: Queue

  constructor(scope: Construct, id: string, { table, handler, gap }: TaskStreamProps) {
    super(scope, id)
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      visibilityTimeout: GAP_RETRY,
    })
    handler.function.addEventSource(
      // With a stream the ARN is there; the two types of CDK disagree only where it is not.
      new DynamoEventSource(table as Table & { readonly tableStreamArn: string }, {
        startingPosition: StartingPosition.TRIM_HORIZON, // LATEST may miss what is written while the mapping starts
        batchSize: 100,
        reportBatchItemFailures: true,
        bisectBatchOnError: true,
        retryAttempts: 5,
        maxRecordAge: MAX_RECORD_AGE,
        onFailure: new SqsDlq(this.deadLetters),
      }),
    )
    gap.function.addEventSource(
      new SqsEventSource(this.deadLetters, {
        // Many records are given up together, and one gap does for all of them.
        batchSize: 100,
        maxBatchingWindow: Duration.seconds(1),
        maxConcurrency: 2,
      }),
    )
  }
}

/** The stream itself drops a record after 24 hours, and tells nobody. */
const MAX_RECORD_AGE = Duration.hours(20)
/** After this a gap that could not be left is tried again: no sooner than its function times out. */
const GAP_RETRY = Duration.minutes(2)
