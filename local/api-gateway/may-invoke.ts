/**
 * Whether the gateway may invoke a function, by the function's own policy or by a role.
 * @param sourceArn `arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/$default`
 */
export type MayInvoke = (functionArn: string, sourceArn: string, credentialsArn?: string) => boolean
