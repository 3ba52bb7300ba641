/**
 * One resource of the template with every intrinsic function resolved, which is all that the emulators of `local/`
 * ever see of CloudFormation.
 */
export interface Resource {
  /** `Tasks8F0C4E2B` */
  readonly logicalId: string
  /** `AWS::DynamoDB::Table` */
  readonly type: string
  /** Name of the stack the resource belongs to. */
  readonly stack: string
  /** The construct path in `aws:cdk:path` when the template has it, else `stack/logicalId`: for messages to people. */
  readonly path: string
  /** What `Ref` gives: a table's or function's name, an API's id, a queue's URL. */
  readonly physicalId: string
  /** The ARN, for the types that have one; else an empty string. */
  readonly arn: string
  /** The template's `Properties`, every intrinsic resolved, nothing renamed. */
  readonly properties: Readonly<Record<string, unknown>>
}

/** The account and Region that a local stack pretends to be in. */
export interface Environment {
  /** `aws` */
  readonly partition: string
  /** `eu-west-1` */
  readonly region: string
  /** Twelve digits. */
  readonly accountId: string
}
