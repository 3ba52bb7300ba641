// Decides by the token, which says what to do.
import { observe } from './observations.mjs'

const policy = (Effect, Resource) => ({
  principalId: 'user-42',
  policyDocument: { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect, Resource }] },
  context: { tenant: 't1', admin: true, level: 3 },
})

export async function handler(event) {
  await observe(event)
  const { methodArn } = event
  const stage = methodArn.slice(0, methodArn.lastIndexOf('/'))
  switch (event.queryStringParameters.token) {
    case 'allow':
      return policy('Allow', methodArn)
    case 'allow-stage':
      return policy('Allow', `${stage}/*`)
    case 'allow-like-rest':
      return policy('Allow', `${stage}/*/*`)
    case 'deny':
      return policy('Deny', methodArn)
    case 'malformed':
      return { isAuthorized: true }
    case 'unauthorized':
      throw new Error('Unauthorized')
    default:
      throw new Error('the authorizer broke')
  }
}
