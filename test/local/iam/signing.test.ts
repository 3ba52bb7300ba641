import { expect, it } from 'vitest'
import { DEVELOPER } from '../../../local/iam/credentials.ts'
import { signedHeaders } from '../../../local/iam/signing.ts'
import { FN, makeIam } from './fixture.ts'

it.each([
  ['a user', DEVELOPER, 'arn:aws:iam::123456789012:user/local'],
  ['a session', FN, 'arn:aws:sts::123456789012:assumed-role/Role/Fn'],
])('a call signed as %s is known as that one’s', (_, credentials, arn) => {
  const { iam } = makeIam()
  const url = new URL('https://dynamodb.eu-west-1.amazonaws.com/?a=b%20c')
  const call = {
    method: 'POST',
    url,
    headers: { 'x-amz-target': 'DynamoDB_20120810.GetItem' },
    body: Buffer.from('{}'),
  }
  const scope = { region: 'eu-west-1', service: 'dynamodb' }
  const incoming = (body: string) => {
    const headers = signedHeaders(call, credentials, scope, Date.now())
    const rawHeaders = Object.entries(headers).flat()
    const socket = { remoteAddress: '127.0.0.1' }
    return iam.authenticate({ method: 'POST', url: '/?a=b%20c', rawHeaders, socket }, body, 'dynamodb')
  }
  expect(incoming('{}').principal.arn).toBe(arn)
  expect(() => incoming('{"changed":1}')).toThrow('does not match the signature you provided')
})
