import { createHash } from 'node:crypto'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of temporary credentials only. */
  readonly sessionToken?: string
}

/** What developers on this machine sign with: an identity of their own that may do anything. */
export const DEVELOPER: Credentials = { accessKeyId: 'local', secretAccessKey: 'local' }

/** Credentials of a role's session, the same for as long as the stack runs: made up, but each session's own. */
export function sessionCredentials(roleArn: string, sessionName: string): Required<Credentials> {
  const digest = digestOf(`${roleArn}/${sessionName}`)
  return {
    accessKeyId: `ASIA${keyId(digest)}`,
    secretAccessKey: secret(digest),
    sessionToken: digest('token').toString('base64'),
  }
}

/** Long-term credentials of an `AWS::IAM::AccessKey`. */
export function userCredentials({ stack, logicalId }: { stack: string; logicalId: string }): Credentials {
  const digest = digestOf(`${stack}/${logicalId}`)
  return { accessKeyId: `AKIA${keyId(digest)}`, secretAccessKey: secret(digest) }
}

type Digest = (salt: string) => Buffer

const digestOf =
  (seed: string): Digest =>
  (salt) =>
    createHash('sha256').update(`${salt}/${seed}`).digest()

const keyId = (digest: Digest) => digest('id').toString('hex').toUpperCase().slice(0, 16)
const secret = (digest: Digest) => digest('secret').toString('base64').slice(0, 40)
