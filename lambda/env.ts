/**
 * The environment variables of our functions: `lib/` sets them under these names, functions read them once.
 * Numbers are decimal text with their unit in the name.
 */
export const ENV = {
  connectionsTable: 'CONNECTIONS_TABLE',
  channelLogTable: 'CHANNEL_LOG_TABLE',
  tasksTable: 'TASKS_TABLE',
  /** `https://{apiId}.execute-api.{region}.amazonaws.com/{stage}` */
  callbackUrl: 'CALLBACK_URL',
  welcomeFunction: 'WELCOME_FUNCTION',
  /** Shards that a channel's subscriptions are spread over; may grow, never shrink. */
  subscriptionShards: 'SUBSCRIPTION_SHARDS',
  logRetentionSeconds: 'LOG_RETENTION_SECONDS',
  heartbeatSeconds: 'HEARTBEAT_SECONDS',
  leaseSeconds: 'LEASE_SECONDS',
  reconnectSeconds: 'RECONNECT_SECONDS',
  idleTimeoutSeconds: 'IDLE_TIMEOUT_SECONDS',
} as const

export type EnvName = keyof typeof ENV

type Variables = Readonly<Record<string, string | undefined>>

/** @throws when the variable is missing or empty */
export function readText(name: EnvName, variables: Variables = process.env): string {
  const value = variables[ENV[name]]
  if (value) return value
  throw new Error(
    `environment variable ${ENV[name]} is not set; the function's construct in lib/ sets it on deploy`,
  )
}

/** @throws when the variable is missing or is not a whole number from 1 */
export function readCount(name: EnvName, variables: Variables = process.env): number {
  const text = readText(name, variables)
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new Error(`environment variable ${ENV[name]} is "${text}"; expected a whole number from 1`)
}
