import { type Channel, type Offset, offset } from '../../protocol/ids.ts'
import { MAX_FRAME_BYTES, utf8Bytes } from '../../protocol/limits.ts'
import type { ChannelEvent, ServerMessage } from '../../protocol/messages.ts'
import type { MissedBatch } from './catch-up.ts'

export const encode = (message: ServerMessage) => JSON.stringify(message)

/** @param first the offset of the first events, where the frame holds those of more than one */
export const eventsFrame = (
  channel: Channel,
  at: Offset,
  events: readonly ChannelEvent[],
  first: Offset = at,
) => encode({ type: 'events', channel, offset: at, ...(first === at ? {} : { first }), events })

const LONGEST_OFFSET = offset(Number.MAX_SAFE_INTEGER)

/** Bytes left for events in one frame of a channel, with the longest offset there can be. */
export const eventBytesAllowed = (channel: Channel) =>
  MAX_FRAME_BYTES - utf8Bytes(eventsFrame(channel, LONGEST_OFFSET, []))

/** The same in a frame that holds those of more than one offset, and says so. */
const packedBytesAllowed = (channel: Channel) =>
  MAX_FRAME_BYTES - utf8Bytes(eventsFrame(channel, LONGEST_OFFSET, [], offset(LONGEST_OFFSET - 1)))

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

/**
 * Puts batches together into as few frames as they fit, order kept; each of them fits a frame by itself, since it came
 * in one.
 */
export function packBatches(channel: Channel, batches: readonly MissedBatch[]): MissedBatch[] {
  const allowed = packedBytesAllowed(channel)
  const packed: MissedBatch[] = []
  let room = -1
  for (const batch of batches) {
    const bytes = utf8Bytes(JSON.stringify(batch.events)) - BRACKETS
    const last = packed.at(-1)
    if (last && bytes + 1 <= room) {
      packed[packed.length - 1] = { ...last, offset: batch.offset, events: [...last.events, ...batch.events] }
      room -= bytes + 1
    } else {
      packed.push(batch)
      room = allowed - bytes
    }
  }
  return packed
}

/** Of a list without its items. */
const BRACKETS = 2
