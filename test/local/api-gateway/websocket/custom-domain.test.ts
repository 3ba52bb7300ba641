import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CustomDomain, customDomains } from '../../../../local/api-gateway/websocket/custom-domain.ts'
import { resource } from '../http/fixture.ts'
import { open, raw, start } from './fixture.ts'

const NAME = 'ws.example.com'
const domain = resource('ApiGatewayV2::DomainName', NAME, { DomainName: NAME })
const mapping = (ApiMappingKey?: string, ApiId = 'w1s2k3abcd', Stage = 'live') =>
  resource('ApiGatewayV2::ApiMapping', `mapping ${ApiMappingKey ?? ''}`, {
    DomainName: NAME,
    ApiId,
    Stage,
    ...(ApiMappingKey === undefined ? {} : { ApiMappingKey }),
  })

/** A gateway, and a domain in front of it; its port is the domain's. */
async function startDomain(...keys: (string | undefined)[]) {
  const gateway = await start()
  const parts = [domain, ...keys.map((key) => mapping(key))]
  const [definition] = customDomains(parts, new Set(['w1s2k3abcd']))
  if (!definition) throw new Error('the resources hold no custom domain')
  const server = new CustomDomain(definition, {
    clock: gateway.clock,
    findApi: (id) => (id === 'w1s2k3abcd' ? gateway.api : undefined),
  })
  const port = await server.listen(0)
  onTestFinished(() => server.close())
  return { ...gateway, port }
}

const managementAt = (endpoint: string) => {
  const client = new ApiGatewayManagementApiClient({
    endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  })
  onTestFinished(() => client.destroy())
  return client
}

describe('a custom domain', () => {
  it('leads to the stage of its mapping, and is the domain name of every event', async () => {
    const gateway = await startDomain('chat')
    const { client } = await open(gateway, '/chat?a=1')
    client.socket.send('{}')
    await gateway.fn.saw('MESSAGE')
    client.socket.close()
    await gateway.fn.saw('DISCONNECT')
    for (const { requestContext } of gateway.fn.events)
      expect(requestContext).toMatchObject({ domainName: NAME, stage: 'live', apiId: 'w1s2k3abcd' })
    expect(gateway.fn.events[0]?.headers).toMatchObject({ Host: NAME })
  })

  it.each([
    [[undefined], '/', 101],
    [['chat'], '/chat', 101],
    [['chat'], '/chat/', 101],
    [['chat'], '/', 403],
    [['chat'], '/chatter', 403],
    [['chat'], '/live', 403],
    [['chat', 'chat/v2'], '/chat/v2', 101],
    [['chat'], '/chat/v2', 403],
    [[undefined], '/ping', 403],
    [[undefined], '/sping', 403],
  ])('with the mapping keys %j answers a handshake at %s with %i', async (keys, path, status) => {
    const { port } = await startDomain(...keys)
    expect((await raw(port, path)).status).toBe(status)
  })

  it('refuses by the clock of the stack, which the ids say', async () => {
    const gateway = await startDomain('chat')
    const idOf = async () => /x-amzn-RequestId: (.{4})/.exec((await raw(gateway.port, '/other')).head)?.[1]
    const before = await idOf()
    gateway.clock.advance(3_600_000)
    expect(await idOf()).not.toBe(before)
  })

  it.each(['/ping', '/sping'])('keeps %s for itself', async (path) => {
    const { port, fn } = await startDomain(undefined)
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    expect([response.status, await response.text()]).toEqual([200, 'healthy'])
    expect(fn.events).toEqual([])
  })

  it.each([
    [undefined, ''],
    ['chat', '/chat'],
  ])('with the mapping key %s takes posts at "%s", without the stage', async (key, path) => {
    const gateway = await startDomain(key)
    const { client, connectionId: ConnectionId } = await open(gateway, path)
    const management = managementAt(`http://127.0.0.1:${gateway.port}${path}`)
    await management.send(new PostToConnectionCommand({ ConnectionId, Data: 'a' }))
    expect(await client.next()).toBe('a')
  })

  it('says that no method matches where the stage stands in the path of a post', async () => {
    const { port } = await startDomain(undefined)
    const url = `http://127.0.0.1:${port}/live/@connections/TXzPWdnOjoECGjA=`
    const response = await fetch(url, { method: 'POST', headers: { authorization: 'a' }, body: 'a' })
    expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([403, 'ForbiddenException'])
    expect(await response.json()).toEqual({
      message: 'No method found matching route live/@connections/TXzPWdnOjoECGjA= for http method POST',
    })
  })
})

describe('a mapping', () => {
  it('to another API than a WebSocket API of the template is said to be a problem', () => {
    const [definition] = customDomains([domain, mapping(), mapping('rest', 'r1')], new Set(['w1s2k3abcd']))
    expect(definition?.mappings).toEqual([{ key: '', apiId: 'w1s2k3abcd', stage: 'live' }])
    expect(definition?.problems).toEqual([
      expect.stringMatching(/"ws.example.com\/rest" leads to no WebSocket API/),
      expect.stringMatching(/can lead to no others/),
    ])
  })

  it('with other characters than documented is said to be a problem', () => {
    const [definition] = customDomains([domain, mapping('a b')], new Set(['w1s2k3abcd']))
    expect(definition?.problems[0]).toMatch(/ApiMappingKey is "a b"/)
  })

  it('is what makes a domain: one without is left alone', () => {
    expect(customDomains([domain], new Set(['w1s2k3abcd']))).toEqual([])
  })
})
