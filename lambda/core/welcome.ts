import { kindOf } from '../../protocol/channel.ts'
import { type Offset, later } from '../../protocol/ids.ts'
import { CONNECTION_LIFETIME_MS } from '../../protocol/limits.ts'
import { ECHO_GREETING } from '../../protocol/messages.ts'
import { fullJitterMs } from './backoff.ts'
import { type DeliverDeps, HANDSHAKE_GRACE_MS, deliver } from './deliver.ts'
import { forget } from './forget.ts'
import { encode } from './frames.ts'
import { type OffsetDeps, newestOffset } from './newest-offset.ts'
import type { Greeting } from './ports.ts'

export interface WelcomeDeps extends DeliverDeps, OffsetDeps {
  /** How often clients are asked to ping while nothing else is said, in milliseconds. */
  readonly heartbeatMs: number
}

/**
 * Greets a connection as soon as its handshake is over. The offsets are read only then: a frame published before that
 * may have found the line closed, every later one finds it open.
 */
export async function welcome({ connectionId, channels }: Greeting, deps: WelcomeDeps): Promise<void> {
  if (!(await opened(connectionId, deps))) {
    await forget(connectionId, 'gone', deps)
    return
  }
  if ((await deps.store.find(connectionId, deps.clock.now())) === undefined) {
    // Given up while its handshake dragged on: open but known to nobody. Closed, it comes back.
    await deps.sender.close(connectionId)
    return
  }
  const [first] = channels
  const echo = first !== undefined && kindOf(first).kind === 'echo'
  await deliver(connectionId, echo ? ECHO_GREETING : await welcomeFrame(), deps)

  async function welcomeFrame(): Promise<string> {
    const offsets: Record<string, Offset> = {}
    for (const channel of channels) offsets[channel] = await newestOffset(channel, deps.clock.now(), deps)
    return encode({
      type: 'welcome',
      connectionId,
      heartbeatMs: deps.heartbeatMs,
      lifetimeMs: CONNECTION_LIFETIME_MS,
      channels: offsets,
    })
  }
}

/** Waits for the end of the handshake: until then the gateway does not know the connection. */
async function opened(id: Greeting['connectionId'], deps: WelcomeDeps): Promise<boolean> {
  const deadline = later(deps.clock.now(), HANDSHAKE_GRACE_MS)
  for (let attempt = 0; ; attempt++) {
    const state = await deps.sender.inspect(id)
    if (typeof state === 'object') return true
    const wait = fullJitterMs(attempt, deps.random, 20, 500)
    if (deps.clock.now() + wait > deadline) return false
    await deps.clock.sleep(wait)
  }
}
