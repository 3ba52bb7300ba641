import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Credentials, DEVELOPER } from '../../../../local/iam/credentials.ts'
import { FN, functionWithRole, inline, makeIam } from '../../iam/fixture.ts'
import { open, start } from './fixture.ts'

const GONE_ID = 'TXzPWdnOjoECGjA='
const post = (ConnectionId: string, Data = 'text') => new PostToConnectionCommand({ ConnectionId, Data })
const failure = (name: string, status: number) => ({ name, $metadata: { httpStatusCode: status } })

describe('@connections with IAM', () => {
  const API = 'arn:aws:execute-api:eu-west-1:123456789012:w1s2k3abcd'
  const allowed = { Action: 'execute-api:ManageConnections', Resource: `${API}/live/*/@connections/*` }

  /** A gateway, and a client of the management API that signs as a function whose role has the statement. */
  async function startWith(statement: object, credentials: Credentials = FN) {
    const { iam, warnings } = makeIam(functionWithRole({ Policies: inline({ ...statement }) }))
    const gateway = await start({}, { iam })
    const clientOf = (region = 'eu-west-1') => {
      const client = new ApiGatewayManagementApiClient({
        endpoint: `http://127.0.0.1:${gateway.port}/live`,
        region,
        credentials,
        maxAttempts: 1,
      })
      onTestFinished(() => client.destroy())
      return client
    }
    return { ...gateway, warnings, management: clientOf(), clientOf }
  }

  it('lets posts through that are signed and allowed, with an id that needs escapes', async () => {
    const gateway = await startWith(allowed)
    const { client, connectionId } = await open(gateway)
    await gateway.management.send(post(connectionId))
    expect(await client.next()).toBe('text')
    await expect(gateway.management.send(post('_-zPWdnOjoECGjA='))).rejects.toMatchObject(
      failure('GoneException', 410),
    )
  })

  it('lets the developer’s own credentials through', async () => {
    const { management } = await startWith({}, DEVELOPER)
    await expect(management.send(post(GONE_ID))).rejects.toMatchObject(failure('GoneException', 410))
  })

  it('refuses with 403 what is not signed, and lets it through when IAM is off', async () => {
    const statusOf = async (port: number) => {
      const url = `http://127.0.0.1:${port}/live/@connections/${encodeURIComponent(GONE_ID)}`
      const response = await fetch(url, { method: 'POST', body: 'text' })
      return [response.status, response.headers.get('x-amzn-errortype'), await response.text()]
    }
    const { port } = await startWith(allowed)
    const text = '{"message":"Missing Authentication Token"}'
    expect(await statusOf(port)).toEqual([403, 'ForbiddenException', text])
    expect(await statusOf((await start()).port)).toEqual([410, 'GoneException', ''])
  })

  it('refuses a denied post with 403 AccessDeniedException, and masks the account', async () => {
    const { management, warnings } = await startWith({ ...allowed, Resource: `${API}/dev/*` })
    await expect(management.send(post(GONE_ID))).rejects.toMatchObject({
      ...failure('AccessDeniedException', 403),
      message:
        'User: arn:aws:sts::123456789012:assumed-role/Role/Fn is not authorized to perform: execute-api:ManageConnections ' +
        'on resource: arn:aws:execute-api:eu-west-1:********9012:w1s2k3abcd/live/POST/@connections/{connectionId}',
    })
    expect(warnings).toEqual([
      expect.stringMatching(
        /^iam: Fn may not execute-api:ManageConnections on .*\/live\/POST\/@connections\/\*: .*grantManageConnections\(fn\)/,
      ),
    ])
  })

  it('says so when a policy denies', async () => {
    const { management } = await startWith({ ...allowed, Effect: 'Deny' })
    await expect(management.send(post(GONE_ID))).rejects.toThrow(
      '/live/POST/@connections/{connectionId} with an explicit deny',
    )
  })

  it('checks each method by itself', async () => {
    const { management } = await startWith({ ...allowed, Resource: `${API}/*/POST/@connections/*` })
    const ConnectionId = GONE_ID
    await expect(management.send(post(GONE_ID))).rejects.toMatchObject(failure('GoneException', 410))
    await expect(management.send(new GetConnectionCommand({ ConnectionId }))).rejects.toThrow(
      '/live/GET/@connections/{connectionId}',
    )
    await expect(management.send(new DeleteConnectionCommand({ ConnectionId }))).rejects.toThrow(
      '/live/DELETE/@connections/{connectionId}',
    )
  })

  it.each<[string, Credentials, string, string]>([
    [
      'an unknown key',
      { ...FN, accessKeyId: 'ASIAUNKNOWN' },
      'UnrecognizedClientException',
      'security token',
    ],
    ['another secret', { ...FN, secretAccessKey: 'other' }, 'InvalidSignatureException', 'does not match'],
  ])('refuses %s', async (_name, credentials, name, text) => {
    const { management } = await startWith(allowed, credentials)
    const refusal = { ...failure(name, 403), message: expect.stringContaining(text) as string }
    await expect(management.send(post(GONE_ID))).rejects.toMatchObject(refusal)
  })

  it('refuses a signature for another Region', async () => {
    const gateway = await startWith(allowed)
    await expect(gateway.clientOf('us-east-1').send(post(GONE_ID))).rejects.toMatchObject({
      ...failure('InvalidSignatureException', 403),
      message: 'Credential should be scoped to a valid region. ',
    })
  })
})
