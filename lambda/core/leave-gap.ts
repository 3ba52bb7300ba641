import type { Channel, Offset } from '../../protocol/ids.ts'
import { fanOut } from './fan-out.ts'
import { encode } from './frames.ts'
import type { PublishDeps } from './publish.ts'

/**
 * Makes a loss known where events of a channel were given up: a gap in its log, for whoever comes back or finds the hole,
 * and `reset` to everybody who listens. Once more does no harm but another snapshot.
 * @returns the offset of the gap
 */
export async function leaveGap(channel: Channel, deps: PublishDeps): Promise<Offset> {
  const at = await deps.log.appendGap(channel, deps.clock.now())
  await fanOut(channel, encode({ type: 'reset', channel, offset: at }), deps)
  return at
}
