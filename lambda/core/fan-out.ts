import type { Channel } from '../../protocol/ids.ts'
import { forEachBounded } from './bounded.ts'
import { type DeliverDeps, deliver } from './deliver.ts'

/** Posts under way at once: enough for 10,000 a second at 12 ms each, and far below Lambda's 1,024 file descriptors. */
export const FAN_OUT_LANES = 128

/** Posts one frame to every subscriber of a channel. A bad connection fails nobody else. */
export async function fanOut(channel: Channel, frame: string, deps: DeliverDeps): Promise<void> {
  let sent = 0
  let lost = 0
  await forEachBounded(deps.store.subscribers(channel, deps.clock.now()), FAN_OUT_LANES, async (id) => {
    if (await deliver(id, frame, deps)) {
      sent++
      return
    }
    lost++
    // Where the connection's item was gone already, its list of subscriptions was too: this one is left over.
    await deps.store.removeSubscription(id, channel)
  })
  deps.report('info', 'fanned out', { channel, sent, lost })
}
