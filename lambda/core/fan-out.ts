import type { Channel } from '../../protocol/ids.ts'
import { Lanes, forEachBounded } from './bounded.ts'
import { type DeliverDeps, deliver } from './deliver.ts'
import type { Sender } from './ports.ts'

/** Posts under way at once: enough for 10,000 a second at 12 ms each, and far below Lambda's 1,024 file descriptors. */
export const FAN_OUT_LANES = 128
/** Connections being served at once. Who waits before another attempt is one of them and holds up no lane. */
export const FAN_OUT_CONNECTIONS = 2_048

/** Posts one frame to every subscriber of a channel. A bad connection fails nobody else, nor keeps anybody waiting. */
export async function fanOut(channel: Channel, frame: string, given: DeliverDeps): Promise<void> {
  const deps = { ...given, sender: inLanes(given.sender) }
  const counts = { sent: 0, lost: 0 }
  const subscribers = deps.store.subscribers(channel, deps.clock.now())
  await forEachBounded(subscribers, FAN_OUT_CONNECTIONS, async (id) => {
    const delivery = await deliver(id, frame, deps)
    counts[delivery === 'sent' ? 'sent' : 'lost']++
    if (delivery !== 'forgotten') return
    try {
      // Where the connection's item was gone already, its list of subscriptions was too: this one is left over.
      await deps.store.removeSubscription(id, channel)
    } catch (error) {
      deps.report('error', 'could not remove a subscription', {
        connectionId: id,
        channel,
        error: String(error),
      })
    }
  })
  deps.report('info', 'fanned out', { channel, ...counts })
}

/** Fan-outs side by side share the lanes of the sender that they are given. */
export const inLanes = (sender: Sender): Sender =>
  sender instanceof SenderInLanes ? sender : new SenderInLanes(sender)

class SenderInLanes implements Sender {
  readonly #sender: Sender
  readonly #lanes = new Lanes(FAN_OUT_LANES)

  constructor(sender: Sender) {
    this.#sender = sender
  }

  send: Sender['send'] = (id, frame) => this.#run(() => this.#sender.send(id, frame))
  inspect: Sender['inspect'] = (id) => this.#run(() => this.#sender.inspect(id))
  close: Sender['close'] = (id) => this.#run(() => this.#sender.close(id))

  async #run<T>(request: () => Promise<T>): Promise<T> {
    const leave = await this.#lanes.enter()
    try {
      return await request()
    } finally {
      leave()
    }
  }
}
