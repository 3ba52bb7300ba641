import { Duration } from 'aws-cdk-lib'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Node } from 'constructs'

/** Everything that can be chosen for a deployment. */
export interface Config {
  /** Part of the stack's name and the path of the WebSocket URL. */
  readonly stage: string
  /** Requests a second, and at once, that a stage takes before it answers 429. */
  readonly throttle: { readonly ratePerSecond: number; readonly burst: number }
  /** How often clients are asked to ping while nothing else is said. API Gateway closes a line quiet for 10 minutes. */
  readonly heartbeat: Duration
  /** How long a subscription lasts that a client made or renewed with `after`, unless it is renewed again. */
  readonly lease: Duration
  /** Over how long clients that all lost their lines at once spread their first attempt to come back. */
  readonly reconnect: Duration
  /** Connections quiet for longer are closed by a sweep each minute; without it there is no sweep. */
  readonly idleTimeout: Duration | undefined
  /** Shards that a channel's subscriptions are spread over. May be raised at any time, never lowered. */
  readonly subscriptionShards: number
  /** How long a channel's log is kept. */
  readonly logRetention: Duration
  /** How long CloudWatch keeps what the functions write. */
  readonly functionLogRetention: RetentionDays
}

const PREFIX = 'openline:'

/** The settings, each with what it takes: `cdk deploy -c openline:stage=prod`, or in `cdk.json` under `context`. */
const SETTINGS = {
  stage: { fallback: 'dev', expected: 'a letter, then up to 63 of A-Z a-z 0-9 -' },
  throttleRate: { fallback: 1000, expected: 'requests a second from 1 to 10000', min: 1, max: 10_000 },
  throttleBurst: { fallback: 500, expected: 'requests at once from 1 to 5000', min: 1, max: 5000 },
  heartbeatSeconds: { fallback: 240, expected: 'seconds from 5 to 540', min: 5, max: 540 },
  leaseSeconds: { fallback: 900, expected: 'seconds from 60 to 7200', min: 60, max: 7200 },
  // API Gateway takes 500 new connections a second: 200 for 100,000 clients.
  reconnectSeconds: { fallback: 1, expected: 'seconds from 1 to 7200', min: 1, max: 7200 },
  idleTimeoutSeconds: { fallback: 'off', expected: 'seconds from 10 to 600, or off', min: 10, max: 600 },
  subscriptionShards: { fallback: 1, expected: 'a number of shards from 1 to 64', min: 1, max: 64 },
  logRetentionHours: { fallback: 24, expected: 'hours from 3 to 168', min: 3, max: 168 },
  functionLogRetentionDays: {
    fallback: 14,
    expected: 'days from 1 to 3653 that CloudWatch offers, such as 14',
  },
} as const

type Setting = keyof typeof SETTINGS
type NumberSetting = { [K in Setting]: (typeof SETTINGS)[K] extends { min: number } ? K : never }[Setting]

/**
 * Reads the configuration from CDK context.
 * @throws for a wrong value or an unknown setting, naming it
 */
export function readConfig(node: Node): Config {
  refuseUnknown(node)
  const value = (name: Setting): unknown => node.tryGetContext(PREFIX + name) ?? SETTINGS[name].fallback
  const wrong = (name: Setting): never => {
    throw new Error(
      `${PREFIX}${name} is ${JSON.stringify(value(name))}; expected ${SETTINGS[name].expected}. ` +
        `Set it with -c ${PREFIX}${name}=… or in cdk.json`,
    )
  }
  const count = (name: NumberSetting): number => {
    const number = typeof value(name) === 'string' ? Number(value(name)) : value(name)
    const { min, max } = SETTINGS[name]
    if (typeof number !== 'number' || !Number.isInteger(number) || number < min || number > max)
      return wrong(name)
    return number
  }

  const stage = value('stage')
  if (typeof stage !== 'string' || !/^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(stage)) return wrong('stage')
  const heartbeat = Duration.seconds(count('heartbeatSeconds'))
  const idleTimeout =
    value('idleTimeoutSeconds') === 'off' ? undefined : Duration.seconds(count('idleTimeoutSeconds'))
  if (idleTimeout && idleTimeout.toSeconds() < 2 * heartbeat.toSeconds())
    throw new Error(
      `${PREFIX}idleTimeoutSeconds is ${idleTimeout.toSeconds()} and ${PREFIX}heartbeatSeconds ${heartbeat.toSeconds()}; ` +
        'expected a timeout of at least two heartbeats, or clients that do as they are told are closed',
    )
  const days = Number(value('functionLogRetentionDays'))
  if (!isOffered(days)) return wrong('functionLogRetentionDays')
  return {
    stage,
    throttle: { ratePerSecond: count('throttleRate'), burst: count('throttleBurst') },
    heartbeat,
    lease: Duration.seconds(count('leaseSeconds')),
    reconnect: Duration.seconds(count('reconnectSeconds')),
    idleTimeout,
    subscriptionShards: count('subscriptionShards'),
    logRetention: Duration.hours(count('logRetentionHours')),
    functionLogRetention: days,
  }
}

const isOffered = (days: number): days is RetentionDays => RetentionDays[days] !== undefined

function refuseUnknown(node: Node): void {
  const context = node.getAllContext() as Record<string, unknown>
  for (const key of Object.keys(context)) {
    if (!key.startsWith(PREFIX) || Object.hasOwn(SETTINGS, key.slice(PREFIX.length))) continue
    const known = Object.keys(SETTINGS).map((name) => PREFIX + name)
    throw new Error(`unknown setting "${key}"; expected one of ${known.join(', ')}`)
  }
}
