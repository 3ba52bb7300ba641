import { type Channel, type Offset, offset } from '../../protocol/ids.ts'
import { MAX_FRAME_BYTES, utf8Bytes } from '../../protocol/limits.ts'
import type { ChannelEvent, ServerMessage } from '../../protocol/messages.ts'

export const encode = (message: ServerMessage) => JSON.stringify(message)

export const eventsFrame = (channel: Channel, at: Offset, events: readonly ChannelEvent[]) =>
  encode({ type: 'events', channel, offset: at, events })

/** Bytes of an events frame around its events, with the longest offset there can be. */
const envelopeBytes = (channel: Channel) =>
  utf8Bytes(eventsFrame(channel, offset(Number.MAX_SAFE_INTEGER), []))

/** Bytes left for events in one frame of a channel. */
export const eventBytesAllowed = (channel: Channel) => MAX_FRAME_BYTES - envelopeBytes(channel)

/**
 * Splits events at their boundaries into groups of one frame each, order kept.
 * @throws RangeError for an event that fits no frame
 */
export function groupByFrame<E extends ChannelEvent>(channel: Channel, events: readonly E[]): E[][] {
  const allowed = eventBytesAllowed(channel)
  const groups: E[][] = []
  let room = -1
  for (const event of events) {
    const bytes = utf8Bytes(JSON.stringify(event))
    if (bytes > allowed)
      throw new RangeError(
        `an event of ${bytes} bytes fits no frame of "${channel}"; at most ${allowed} bytes do`,
      )
    if (bytes > room) {
      groups.push([])
      room = allowed
    }
    groups.at(-1)?.push(event)
    room -= bytes + 1 // the comma between two events
  }
  return groups
}
