/** Somebody who calls: the session of a role, a user. */
export interface Principal {
  readonly type: 'AssumedRole' | 'User'
  /** `arn:aws:sts::123456789012:assumed-role/Role/Function`, `arn:aws:iam::123456789012:user/name` */
  readonly arn: string
  /** Of the role or user itself, which is what policies are attached to: `arn:aws:iam::123456789012:role/path/Role`. */
  readonly identityArn: string
  readonly accountId: string
  /** `AROA…:Function` for a session, `AIDA…` for a user. */
  readonly userId: string
  /** Of a user. */
  readonly userName?: string
  /** The function that the credentials were given to. */
  readonly functionArn?: string
  readonly tags: Readonly<Record<string, string>>
}

/** A service of AWS that acts for one of the account's resources, as `apigateway.amazonaws.com` for a route of an API. */
export interface ServiceCaller {
  readonly service: string
  /** The resource that it acts for. */
  readonly sourceArn: string
}
