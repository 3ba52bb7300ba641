import type { Channel, Offset } from '../../protocol/ids.ts'
import type { ChannelEvent } from '../../protocol/messages.ts'
import type { DeliverDeps } from './deliver.ts'
import { fanOut } from './fan-out.ts'
import { eventsFrame, groupByFrame } from './frames.ts'
import type { ChannelLog } from './ports.ts'

export interface PublishDeps extends DeliverDeps {
  readonly log: ChannelLog
}

/**
 * Appends events to the channel's log, then fans them out: one frame to each subscriber, or a few where they do not
 * fit 32 KB. Appended first, since an event that is in the log can be missed by nobody for good.
 * @returns the newest offset used; undefined without events
 */
export async function publish(
  channel: Channel,
  events: readonly ChannelEvent[],
  deps: PublishDeps,
): Promise<Offset | undefined> {
  let newest: Offset | undefined
  for (const group of groupByFrame(channel, events)) {
    newest = await deps.log.append(channel, group, deps.clock.now())
    await fanOut(channel, eventsFrame(channel, newest, group), deps)
  }
  return newest
}

/**
 * Publishes events that fit one frame under a key, once. A repetition appends nothing and posts the frame of the first
 * once more: that one may have ended between the log and the fan-out, and receivers drop what they have.
 * @returns the offset of the first
 */
export async function publishOnce(
  channel: Channel,
  key: string,
  events: readonly ChannelEvent[],
  deps: PublishDeps,
): Promise<Offset> {
  const entry = await deps.log.appendOnce(channel, key, events, deps.clock.now())
  await fanOut(channel, eventsFrame(channel, entry.offset, entry.events), deps)
  return entry.offset
}
