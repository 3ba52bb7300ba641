import { describe, expect, it } from 'vitest'
import { policy, startAuthorized, statement } from './authorizer-fixture.ts'
import { HANDSHAKE, ok, open, raw, recordingLog, routeTo, start } from './fixture.ts'

const FORMAT = [
  'eventType',
  'routeKey',
  'status',
  'stage',
  'connectionId',
  'messageId',
  'requestId',
  'extendedRequestId',
  'apiId',
  'domainName',
  'connectedAt',
  'requestTime',
  'requestTimeEpoch',
  'identity.sourceIp',
  'integration.status',
  'integration.integrationStatus',
  'integration.latency',
  'integrationLatency',
  'integration.error',
  'error.message',
  'error.messageString',
  'error.responseType',
  'error.validationErrorString',
  'authorizer.principalId',
]

const settings = (format: string) => ({
  AccessLogSettings: {
    DestinationArn: 'arn:aws:logs:eu-west-1:123456789012:log-group:access',
    Format: format,
  },
})

type Parts = NonNullable<Parameters<typeof start>[0]>

/** A gateway with an access log, and its lines as objects. */
async function logged(parts: Parts = {}, overrides: Parameters<typeof start>[1] = {}) {
  const { log, lines, wrote } = recordingLog()
  const format = FORMAT.map((name) => `${name}=$context.${name}`).join(';')
  const gateway = await start({ ...parts, stage: settings(format) }, { log, ...overrides })
  const entry = async (text: string) => {
    const line = await wrote(text)
    return Object.fromEntries(
      line
        .replace('access: ', '')
        .split(';')
        .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    ) as Record<string, string>
  }
  return { gateway, entry, lines }
}

describe('the access log of a stage', () => {
  it('has a line for each CONNECT, MESSAGE and DISCONNECT', async () => {
    const { gateway, entry, lines } = await logged()
    const { client, connectionId } = await open(gateway)
    client.socket.send('{}')
    await entry('eventType=MESSAGE')
    client.socket.close(1000)
    await entry('eventType=DISCONNECT')
    expect(lines.map((line) => line.split(';').slice(0, 3).join(' '))).toEqual([
      'access: eventType=CONNECT routeKey=$connect status=200',
      'access: eventType=MESSAGE routeKey=$default status=200',
      'access: eventType=DISCONNECT routeKey=$disconnect status=200',
    ])
    const now = String(gateway.clock.now())
    expect(await entry('eventType=MESSAGE')).toMatchObject({
      connectionId,
      messageId: expect.stringMatching(/^[\w-]{15}=$/) as string,
      requestId: gateway.fn.of('MESSAGE')[0]?.requestContext['requestId'],
      extendedRequestId: gateway.fn.of('MESSAGE')[0]?.requestContext['requestId'],
      apiId: 'w1s2k3abcd',
      domainName: 'w1s2k3abcd.execute-api.eu-west-1.amazonaws.com',
      stage: 'live',
      connectedAt: now,
      requestTime: '23/Nov/2026:09:00:00 +0000',
      requestTimeEpoch: now,
      'identity.sourceIp': '127.0.0.1',
      'integration.status': '200',
      'integration.integrationStatus': '200',
      'integration.latency': '0',
      integrationLatency: '0',
      'integration.error': '-',
      'error.message': '-',
      'authorizer.principalId': '-',
    })
  })

  it('says what the function answered, and how long that took', async () => {
    const { gateway, entry } = await logged()
    const { client } = await open(gateway)
    gateway.fn.answer = async () => {
      gateway.clock.advance(120)
      return ok({ statusCode: 500 })
    }
    client.socket.send('{}')
    expect(await entry('eventType=MESSAGE')).toMatchObject({
      'integration.status': '500',
      'integration.latency': '120',
    })
  })

  it('says why a backend failed', async () => {
    const { gateway, entry } = await logged()
    const { client } = await open(gateway)
    gateway.fn.answer = () => ok({ wrong: true })
    client.socket.send('{}')
    expect(await entry('eventType=MESSAGE')).toMatchObject({
      status: '502',
      'integration.error': expect.stringContaining('has the key "wrong"') as string,
      'error.message': 'Internal server error',
      'error.messageString': '"Internal server error"',
      'error.responseType': 'INTEGRATION_FAILURE',
    })
  })

  it('has the messages that no route took', async () => {
    const { gateway, entry } = await logged({ routes: ['$connect'] })
    const { client } = await open(gateway)
    client.socket.send('{}')
    expect(await entry('eventType=MESSAGE')).toMatchObject({
      status: '403',
      routeKey: '-',
      'error.message': 'Forbidden',
      'error.responseType': 'ACCESS_DENIED',
      'integration.status': '-',
    })
  })

  it('has the messages that fit no model, with what is wrong with them', async () => {
    const { gateway, entry } = await logged({
      more: routeTo('ask', {
        integration: { IntegrationType: 'MOCK' },
        route: { ModelSelectionExpression: 'ask', RequestModels: { ask: 'Ask' } },
        models: { Ask: { type: 'object', required: ['text'] } },
      }),
    })
    const { client } = await open(gateway)
    client.socket.send('{"action":"ask"}')
    expect(await entry('eventType=MESSAGE')).toMatchObject({
      status: '400',
      routeKey: 'ask',
      'error.message': 'Bad request body',
      'error.responseType': 'BAD_REQUEST_BODY',
      'error.validationErrorString': "[the message must have required property 'text']",
    })
  })

  it('has the status of a refused handshake', async () => {
    const { gateway, entry } = await logged()
    gateway.fn.answer = () => ok({ statusCode: 401 })
    await raw(gateway.port)
    expect(await entry('eventType=CONNECT')).toMatchObject({ status: '401', 'integration.status': '401' })
  })

  it('has the handshakes that the gateway refuses by itself', async () => {
    const { gateway, entry } = await logged({}, { throttle: { take: () => false } })
    await raw(gateway.port)
    expect(await entry('eventType=CONNECT')).toMatchObject({
      status: '429',
      'error.message': 'Too Many Requests',
      'error.responseType': 'THROTTLED',
      'integration.status': '-',
    })
  })

  it('has the connections of an API without $connect and $disconnect', async () => {
    const { gateway, entry } = await logged({ routes: ['$default'] })
    const { client } = await open(gateway)
    expect(await entry('eventType=CONNECT')).toMatchObject({ status: '200', 'integration.status': '-' })
    client.socket.close(1000)
    expect(await entry('eventType=DISCONNECT')).toMatchObject({ status: '200' })
  })

  it('has what the authorizer said, who called and a dash for what is not known', async () => {
    const { log, wrote } = recordingLog()
    const names = [
      'requestId',
      'authorizer.principalId',
      'authorizer.tenant',
      'authorizer.integrationLatency',
      'authorizer.latency',
      'identity.userAgent',
      'identity.caller',
      'authenticate.status',
      'waf.status',
    ]
    const gateway = await startAuthorized({
      stage: settings(names.map((name) => `$context.${name}`).join(' ')),
      overrides: { log },
    })
    gateway.authorize = () => ok(policy([statement('*')], { context: { tenant: 't1' } }))
    await raw(gateway.port, '/live', { ...HANDSHAKE, 'User-Agent': 'wscat' })
    expect(await wrote('access: ')).toMatch(/^access: [\w-]{15}= user-42 t1 0 - wscat - - -$/)
  })

  it('is refused without $context.requestId, which is said at the start', async () => {
    const { log, lines } = recordingLog()
    await start({ stage: settings('$context.status') }, { log })
    expect(lines).toEqual([expect.stringContaining('stage "live" keeps no access log') as string])
  })
})
