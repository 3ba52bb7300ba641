import type { Latency } from '../../local/latency.ts'

/**
 * - `calm`: nothing goes wrong but what happens to any client: lines are cut, `$disconnect` is lost. Everything is held
 *   to the letter.
 * - `stormy`: everything that the stack can inject goes wrong as well. What is promised holds in the end.
 */
export type Mood = 'calm' | 'stormy'

interface Settings {
  /** How the app is configured. */
  readonly context: Readonly<Record<string, string>>
  /** How long it keeps the log of a channel, in milliseconds. */
  readonly retentionMs: number
  /** How many times as fast as the machine's time it goes: waits of seconds and minutes are what storms are made of. */
  readonly speed: number
  /** Enough for what runs at once to get in one another's way. */
  readonly latency: Latency
  /** How long everything may take to settle, in milliseconds of the stack's clock. */
  readonly patienceMs: number
}

export const SETTINGS: Readonly<Record<Mood, Settings>> = {
  calm: {
    context: {},
    retentionMs: 24 * 3_600_000,
    speed: 1,
    latency: { coldStartMs: 0, invokeMs: 0, streamPollMs: 10, postMs: 2, dynamodbMs: 4 },
    // Before any lease is renewed: nothing is mended by that.
    patienceMs: 120_000,
  },
  stormy: {
    // Short leases and a short log, so that both run out; sweeps; more shards than one.
    context: {
      'openline:leaseSeconds': '60',
      'openline:logRetentionHours': '3',
      'openline:idleTimeoutSeconds': '600',
      'openline:subscriptionShards': '2',
    },
    retentionMs: 3 * 3_600_000,
    speed: 6,
    latency: { coldStartMs: 0, invokeMs: 0, streamPollMs: 100, postMs: 6, dynamodbMs: 12 },
    patienceMs: 1_200_000,
  },
}

/** How far the clock of a function, or of those who watch, may be off in a storm. */
export const SKEW_MS = 300_000
