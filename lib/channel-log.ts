import { RemovalPolicy } from 'aws-cdk-lib'
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import type { IGrantable } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'

/** The ChannelLog table: one item for each published batch, in the order of its channel's offsets. */
export class ChannelLog extends Construct {
  readonly table: Table

  constructor(scope: Construct, id: string) {
    super(scope, id)
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'channel', type: AttributeType.STRING },
      sortKey: { name: 'offset', type: AttributeType.NUMBER },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      timeToLiveAttribute: 'expiresAt',
      removalPolicy: RemovalPolicy.DESTROY, // kept for hours only; the tasks themselves are elsewhere
    })
  }

  /** Appending, and finding the newest offset. */
  grantAppend(grantee: IGrantable): void {
    this.table.grant(grantee, 'dynamodb:PutItem', 'dynamodb:Query')
  }

  /** Appending once, whose repetitions look the first up. */
  grantAppendOnce(grantee: IGrantable): void {
    this.grantAppend(grantee)
    this.table.grant(grantee, 'dynamodb:GetItem')
  }
}
