import { App } from 'aws-cdk-lib'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../lib/config.ts'

const read = (settings: Record<string, unknown> = {}) => {
  const named = Object.entries(settings).map(([name, value]) => [`openline:${name}`, value])
  return readConfig(new App({ context: Object.fromEntries(named) as Record<string, unknown> }).node)
}

describe('readConfig', () => {
  it('has a value for everything', () => {
    const { heartbeat, lease, logRetention, reconnect, ...rest } = read()
    expect(reconnect.toSeconds()).toBe(1)
    expect(lease.toMinutes()).toBe(15)
    expect(heartbeat.toSeconds()).toBe(240)
    expect(logRetention.toHours()).toBe(24)
    expect(rest).toEqual({
      stage: 'dev',
      throttle: { ratePerSecond: 1000, burst: 500 },
      idleTimeout: undefined,
      subscriptionShards: 1,
      functionLogRetention: 14,
    })
  })

  it('takes numbers as text, as -c gives them', () => {
    const config = read({
      stage: 'prod',
      throttleRate: '20',
      heartbeatSeconds: '5',
      idleTimeoutSeconds: '10',
    })
    expect(config).toMatchObject({ stage: 'prod', throttle: { ratePerSecond: 20, burst: 500 } })
    expect(config.heartbeat.toSeconds()).toBe(5)
    expect(config.idleTimeout?.toSeconds()).toBe(10)
  })

  it.each([
    ['stage', '', 'a letter, then up to 63 of A-Z a-z 0-9 -'],
    ['stage', 'a_b', 'a letter, then up to 63 of A-Z a-z 0-9 -'],
    ['stage', '7a', 'a letter, then up to 63 of A-Z a-z 0-9 -'],
    ['stage', 'a/b', 'a letter, then up to 63 of A-Z a-z 0-9 -'],
    ['stage', 'a'.repeat(65), 'a letter, then up to 63 of A-Z a-z 0-9 -'],
    ['stage', 7, 'a letter, then up to 63 of A-Z a-z 0-9 -'],
    ['throttleRate', 0, 'requests a second from 1 to 10000'],
    ['throttleRate', '10001', 'requests a second from 1 to 10000'],
    ['throttleRate', 'many', 'requests a second from 1 to 10000'],
    ['throttleBurst', 5001, 'requests at once from 1 to 5000'],
    ['throttleBurst', '', 'requests at once from 1 to 5000'],
    ['heartbeatSeconds', 4, 'seconds from 5 to 540'],
    ['heartbeatSeconds', 541, 'seconds from 5 to 540'],
    ['heartbeatSeconds', 5.5, 'seconds from 5 to 540'],
    ['leaseSeconds', 59, 'seconds from 60 to 7200'],
    ['leaseSeconds', 7201, 'seconds from 60 to 7200'],
    ['reconnectSeconds', 0, 'seconds from 1 to 7200'],
    ['idleTimeoutSeconds', 9, 'seconds from 10 to 600, or off'],
    ['idleTimeoutSeconds', 'on', 'seconds from 10 to 600, or off'],
    ['idleTimeoutSeconds', 601, 'seconds from 10 to 600, or off'],
    ['subscriptionShards', 65, 'a number of shards from 1 to 64'],
    ['subscriptionShards', true, 'a number of shards from 1 to 64'],
    ['logRetentionHours', 2, 'hours from 3 to 168'],
    ['functionLogRetentionDays', 15, 'days from 1 to 3653 that CloudWatch offers, such as 14'],
    ['functionLogRetentionDays', 'ever', 'days from 1 to 3653 that CloudWatch offers, such as 14'],
  ])('refuses %s = %j', (name, value, expected) => {
    expect(() => read({ [name]: value })).toThrow(
      `openline:${name} is ${JSON.stringify(value)}; expected ${expected}. ` +
        `Set it with -c openline:${name}=… or in cdk.json`,
    )
  })

  it('refuses a timeout shorter than two heartbeats', () => {
    expect(() => read({ heartbeatSeconds: 240, idleTimeoutSeconds: 479 })).toThrow(
      'openline:idleTimeoutSeconds is 479 and openline:heartbeatSeconds 240; expected a timeout of at least two heartbeats',
    )
    expect(read({ heartbeatSeconds: 240, idleTimeoutSeconds: 480 }).idleTimeout?.toSeconds()).toBe(480)
  })

  it('refuses a setting it does not know', () => {
    expect(() => read({ heartbeat: 5 })).toThrow(
      'unknown setting "openline:heartbeat"; expected one of openline:stage, openline:throttleRate, ',
    )
  })
})
