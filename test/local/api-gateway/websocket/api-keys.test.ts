import { describe, expect, it } from 'vitest'
import { UsagePlans } from '../../../../local/api-gateway/usage-plans.ts'
import { ManualClock } from '../../../../local/clock.ts'
import { resource } from '../http/fixture.ts'
import { policy, startAuthorized, statement } from './authorizer-fixture.ts'
import { HANDSHAKE, ok, open, raw, start } from './fixture.ts'

const KEY = 'a-key-of-twenty-characters'

/** A key in a plan for the stage `live`. */
function usagePlans(
  plan: Record<string, unknown> = {},
  key: Record<string, unknown> = {},
  clock = new ManualClock(),
) {
  const parts = [
    resource('ApiGateway::ApiKey', 'key1', { Enabled: true, Value: KEY, ...key }),
    resource('ApiGateway::UsagePlan', 'plan1', {
      ApiStages: [{ ApiId: 'w1s2k3abcd', Stage: 'live' }],
      ...plan,
    }),
    resource('ApiGateway::UsagePlanKey', 'both', { KeyId: 'key1', KeyType: 'API_KEY', UsagePlanId: 'plan1' }),
  ]
  return new UsagePlans(parts, clock)
}

const startWithKey = (plans: UsagePlans) => start({ route: { ApiKeyRequired: true } }, { usagePlans: plans })

const handshake = (port: number, key?: string) =>
  raw(port, '/live', { ...HANDSHAKE, ...(key === undefined ? {} : { 'x-api-key': key }) })

describe('a $connect that asks for an API key', () => {
  it('opens with one, whose value and id are in the identity of every event', async () => {
    const gateway = await startWithKey(usagePlans())
    const { client } = await open(gateway, '/live', { headers: { 'x-api-key': KEY } })
    client.socket.send('{}')
    const identity = { apiKey: KEY, apiKeyId: 'key1', sourceIp: '127.0.0.1' }
    expect((await gateway.fn.saw('CONNECT')).requestContext['identity']).toEqual(identity)
    expect((await gateway.fn.saw('MESSAGE')).requestContext['identity']).toEqual(identity)
  })

  it.each([
    ['without a key', usagePlans(), undefined],
    ['with a key that is none', usagePlans(), 'another'],
    ['with a key that is not enabled', usagePlans({}, { Enabled: false }), KEY],
    ['with a key whose plan has other stages', usagePlans({ ApiStages: [] }), KEY],
    ['with a key in no plan', new UsagePlans([], new ManualClock()), KEY],
  ])('answers 403 %s', async (_, plans, key) => {
    const gateway = await startWithKey(plans)
    const { status, body } = await handshake(gateway.port, key)
    expect([status, JSON.parse(body)]).toMatchObject([403, { message: 'Forbidden' }])
    expect(gateway.fn.events).toEqual([])
  })

  it('answers 429 "Too Many Requests" when the plan’s bucket is empty', async () => {
    const { port } = await startWithKey(usagePlans({ Throttle: { RateLimit: 1, BurstLimit: 1 } }))
    expect((await handshake(port, KEY)).status).toBe(101)
    const { status, body } = await handshake(port, KEY)
    expect([status, JSON.parse(body)]).toMatchObject([429, { message: 'Too Many Requests' }])
  })

  it('answers 429 "Limit Exceeded" when the plan’s quota is used up, until the next period', async () => {
    const clock = new ManualClock()
    const { port } = await startWithKey(usagePlans({ Quota: { Limit: 1, Period: 'DAY' } }, {}, clock))
    expect((await handshake(port, KEY)).status).toBe(101)
    const { status, body } = await handshake(port, KEY)
    expect([status, JSON.parse(body)]).toMatchObject([429, { message: 'Limit Exceeded' }])
    clock.advance(15 * 60 * 60 * 1000)
    expect((await handshake(port, KEY)).status).toBe(101)
  })

  it.each([
    ['WEEK', 0, 6],
    ['WEEK', 1, 7],
    ['MONTH', 0, 8],
  ])(
    'counts anew each %s, with an offset of %i after %i days from Monday, 23 November 2026',
    (Period, Offset, days) => {
      const clock = new ManualClock(Date.UTC(2026, 10, 23))
      const plans = usagePlans({ Quota: { Limit: 1, Period, Offset } }, {}, clock)
      const use = () => 'key' in plans.use('w1s2k3abcd', 'live', KEY)
      expect([use(), use()]).toEqual([true, false])
      clock.advance(days * 24 * 60 * 60 * 1000 - 1)
      expect(use()).toBe(false)
      clock.advance(1)
      expect(use()).toBe(true)
    },
  )

  it('takes the key from the authorizer where the API says so', async () => {
    const gateway = await startAuthorized({
      api: { ApiKeySelectionExpression: '$context.authorizer.usageIdentifierKey' },
      route: { ApiKeyRequired: true },
      overrides: { usagePlans: usagePlans() },
    })
    gateway.authorize = () => ok(policy([statement('*')], { usageIdentifierKey: KEY }))
    expect((await handshake(gateway.port)).status).toBe(101)
    gateway.authorize = () => ok(policy([statement('*')]))
    expect((await handshake(gateway.port, KEY)).status).toBe(403)
  })

  it('knows a value for a key to which the template gives none', () => {
    const [[path, key] = ['', undefined]] = usagePlans({}, { Value: undefined }).generated
    expect(path).toBe('Test/key1')
    expect(key?.value).toMatch(/^\w{40}$/)
  })
})
