import { kindOf } from '../../protocol/channel.ts'
import { type Channel, type ConnectionId, type Offset, later } from '../../protocol/ids.ts'
import { CONNECTION_LIFETIME_MS } from '../../protocol/limits.ts'
import { ECHO_GREETING } from '../../protocol/messages.ts'
import { fullJitterMs } from './backoff.ts'
import { type DeliverDeps, HANDSHAKE_GRACE_MS, deliver } from './deliver.ts'
import { forget } from './forget.ts'
import { type GiveUpDeps, close } from './give-up.ts'
import { type CatchUpDeps, type Missed, missedSince } from './catch-up.ts'
import { encode, packEntries } from './frames.ts'
import { newestOffset } from './newest-offset.ts'
import type { AskedChannel, Greeting } from './ports.ts'

export interface WelcomeDeps extends DeliverDeps, CatchUpDeps {
  /** How often clients are asked to ping while nothing else is said, in milliseconds. */
  readonly heartbeatMs: number
  /** How long a subscription with `after` lasts unless it is renewed, in milliseconds. */
  readonly leaseMs: number
  /** Over how long clients that all lost their lines at once spread their first attempt, in milliseconds. */
  readonly reconnectMs: number
}

/**
 * Greets a connection as soon as its handshake is over, and sends it what it missed. The offsets are read only then: a
 * frame published before that may have found the line closed, every later one finds it open.
 * @throws when the connection may be open and has not been told all: it is to be turned away then
 */
export async function welcome({ connectionId, channels }: Greeting, deps: WelcomeDeps): Promise<void> {
  if (!(await mayBeOpen(connectionId, deps))) {
    await forget(connectionId, 'gone', deps)
    return
  }
  if ((await deps.store.find(connectionId, deps.clock.now())) === undefined) {
    // Given up while its handshake dragged on: open but known to nobody. Closed, it comes back.
    await closeForSure(connectionId, deps)
    return
  }
  const say = async (frames: readonly string[]) => {
    for (const frame of frames) {
      const delivery = await deliver(connectionId, frame, deps)
      if (delivery === 'kept')
        throw new Error(`connection "${connectionId}" could be neither greeted nor closed`)
      if (delivery === 'forgotten') return
    }
  }
  const first = channels[0]?.channel
  if (first !== undefined && kindOf(first).kind === 'echo') {
    await say([ECHO_GREETING])
    return
  }
  const states = await Promise.all(channels.map((asked) => stateOf(asked, deps)))
  const greeting = encode({
    type: 'welcome',
    connectionId,
    heartbeatMs: deps.heartbeatMs,
    leaseMs: deps.leaseMs,
    reconnectMs: deps.reconnectMs,
    lifetimeMs: CONNECTION_LIFETIME_MS,
    channels: Object.fromEntries(states.map(({ channel, newest }) => [channel, newest])),
  })
  await say([greeting, ...states.flatMap(framesOf)])
}

/**
 * Closes a connection that could not be greeted: it comes back, instead of waiting for what it missed.
 * @throws when it can't be closed now
 */
export async function turnAway(id: ConnectionId, deps: GiveUpDeps): Promise<void> {
  // Before the end of its handshake it can't be closed, and opens all the same.
  const isOpen = await mayBeOpen(id, deps)
  if (isOpen) await closeForSure(id, deps)
  await forget(id, isOpen ? 'not-greeted' : 'gone', deps)
}

/** @throws when it can't be closed now */
async function closeForSure(id: ConnectionId, deps: GiveUpDeps): Promise<void> {
  const outcome = await close(id, deps)
  if (outcome !== 'closed') throw new Error(`connection "${id}" could not be closed: ${outcome}`)
}

interface ChannelState {
  readonly channel: Channel
  readonly newest: Offset
  /** Where the client said what it has. */
  readonly missed?: Missed
}

async function stateOf({ channel, after }: AskedChannel, deps: WelcomeDeps): Promise<ChannelState> {
  const now = deps.clock.now()
  if (after === undefined) return { channel, newest: await newestOffset(channel, now, deps) }
  const missed = await missedSince(channel, after, now, deps)
  return { channel, newest: missed.newest, missed }
}

function framesOf({ channel, missed }: ChannelState): string[] {
  if (!missed) return []
  if (missed.kind === 'reset') return [encode({ type: 'reset', channel, offset: missed.newest })]
  return packEntries(channel, missed.batches).map((packed) => encode({ type: 'events', channel, ...packed }))
}

/**
 * Waits for the end of the handshake: until then the gateway does not know the connection.
 * @returns false when there is none after all; true as well where the gateway can't say
 */
async function mayBeOpen(
  id: ConnectionId,
  deps: Pick<GiveUpDeps, 'sender' | 'clock' | 'random'>,
): Promise<boolean> {
  const deadline = later(deps.clock.now(), HANDSHAKE_GRACE_MS)
  for (let attempt = 0; ; attempt++) {
    const state = await deps.sender.inspect(id)
    if (typeof state === 'object') return true
    const wait = fullJitterMs(attempt, deps.random, 20, 500)
    if (deps.clock.now() + wait > deadline) return state !== 'gone'
    await deps.clock.sleep(wait)
  }
}
