import { RemovalPolicy } from 'aws-cdk-lib'
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import type { IGrantable } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'

/**
 * The Connections table: connections and their subscriptions. No index and no stream: each would cost more with every
 * connection than it gives.
 */
export class Connections extends Construct {
  readonly table: Table

  constructor(scope: Construct, id: string) {
    super(scope, id)
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      timeToLiveAttribute: 'expiresAt',
      removalPolicy: RemovalPolicy.DESTROY, // every connection ends with its API
    })
  }

  /** Recording a connection with its subscriptions. */
  grantAdd(grantee: IGrantable): void {
    this.table.grant(grantee, 'dynamodb:PutItem', 'dynamodb:BatchWriteItem')
  }

  /** Looking one connection up. */
  grantFind(grantee: IGrantable): void {
    this.table.grant(grantee, 'dynamodb:GetItem')
  }

  /** Forgetting a connection with its subscriptions. */
  grantForget(grantee: IGrantable): void {
    this.table.grant(grantee, 'dynamodb:DeleteItem', 'dynamodb:BatchWriteItem')
  }

  /** Subscribing and unsubscribing. */
  grantSubscribe(grantee: IGrantable): void {
    this.table.grant(
      grantee,
      'dynamodb:GetItem',
      'dynamodb:UpdateItem',
      'dynamodb:PutItem',
      'dynamodb:BatchWriteItem',
    )
  }

  /** Reading a channel's subscribers. */
  grantReadSubscribers(grantee: IGrantable): void {
    this.table.grant(grantee, 'dynamodb:Query')
  }

  /** Going through every connection. */
  grantScan(grantee: IGrantable): void {
    this.table.grant(grantee, 'dynamodb:Scan')
  }
}
