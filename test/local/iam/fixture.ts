import { SignatureV4 } from '@smithy/signature-v4'
import { systemClock } from '../../../local/clock.ts'
import type { Environment, Resource } from '../../../local/cloudformation/resource.ts'
import { type Credentials, sessionCredentials } from '../../../local/iam/credentials.ts'
import { type Access, Iam, type IncomingCall } from '../../../local/iam/iam.ts'
import { RefusedError } from '../../../local/iam/refused-error.ts'
import { Sha256 } from './sha256.ts'

export const environment: Environment = { partition: 'aws', region: 'eu-west-1', accountId: '123456789012' }

export const TABLE = 'arn:aws:dynamodb:eu-west-1:123456789012:table/Tasks'
export const ROLE = 'arn:aws:iam::123456789012:role/Role'
export const FUNCTION = 'arn:aws:lambda:eu-west-1:123456789012:function:Fn'

type Properties = Readonly<Record<string, unknown>>

export const resource = (
  type: string,
  physicalId: string,
  properties: Properties = {},
  arn = '',
): Resource => ({
  logicalId: physicalId,
  type: `AWS::${type}`,
  stack: 'Test',
  path: `Test/${physicalId}`,
  physicalId,
  arn,
  properties,
})

/** A policy of one statement, which allows `dynamodb:GetItem` on the table but for what is given. */
export const policy = (statement: Properties = {}) => ({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: 'dynamodb:GetItem', Resource: TABLE, ...statement },
})

export const inline = (statement: Properties = {}) => [
  { PolicyName: 'Inline', PolicyDocument: policy(statement) },
]

/** The function `Fn` and its role `Role`, with properties of the role. */
export const functionWithRole = (role: Properties = {}): Resource[] => [
  resource('IAM::Role', 'Role', role, ROLE),
  resource('Lambda::Function', 'Fn', { Role: ROLE }, FUNCTION),
]

export function makeIam(resources: readonly Resource[] = functionWithRole()) {
  const warnings: string[] = []
  const log = {
    info: () => undefined,
    warn: (source: string, text: string) => void warnings.push(`${source}: ${text}`),
    error: () => undefined,
  }
  const iam = new Iam({ resources, environment, clock: systemClock, log })
  /** Undefined when the call is allowed, else what the caller is told. */
  const refusal = async (
    access: Partial<Access> = {},
    credentials: Credentials = FN,
  ): Promise<string | undefined> => {
    try {
      const caller = iam.authenticate(await signedRequest(credentials), '{}', 'dynamodb')
      iam.authorize(caller, { action: 'dynamodb:GetItem', resource: TABLE, ...access })
      return undefined
    } catch (error) {
      if (error instanceof RefusedError) return error.message
      throw error
    }
  }
  return { iam, warnings, refusal }
}

/** The credentials of the function `Fn`. */
export const FN = sessionCredentials(ROLE, 'Fn')

const HOST = 'dynamodb.eu-west-1.amazonaws.com'

/** A POST of `{}` to DynamoDB, as it comes over the wire. */
export async function signedRequest(credentials: Credentials): Promise<IncomingCall> {
  const signer = new SignatureV4({ credentials, region: 'eu-west-1', service: 'dynamodb', sha256: Sha256 })
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: 'https:',
    hostname: HOST,
    path: '/',
    headers: { host: HOST },
    body: '{}',
  })
  return {
    method: 'POST',
    url: '/',
    rawHeaders: Object.entries(headers).flat(),
    socket: { remoteAddress: '127.0.0.1' },
  }
}
