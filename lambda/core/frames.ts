import { type Channel, type Offset, offset } from '../../protocol/ids.ts'
import { MAX_FRAME_BYTES, utf8Bytes } from '../../protocol/limits.ts'
import type { ChannelEvent, EventsFrame, ServerMessage } from '../../protocol/messages.ts'
import type { LogEntry } from './ports.ts'

export const encode = (message: ServerMessage) => JSON.stringify(message)

export const eventsFrame = (channel: Channel, at: Offset, events: readonly ChannelEvent[]) =>
  encode({ type: 'events', channel, offset: at, events })

const LONGEST_OFFSET = offset(Number.MAX_SAFE_INTEGER)

/** Bytes left for events in one frame of a channel, with the longest offset there can be. */
export const eventBytesAllowed = (channel: Channel) =>
  MAX_FRAME_BYTES - utf8Bytes(eventsFrame(channel, LONGEST_OFFSET, []))

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

/** What a frame says of events that take one or more offsets. */
export type Packed = Pick<EventsFrame, 'offset' | 'sizes' | 'events'>

/**
 * Puts entries of a log together into as few frames as they fit, order kept; each of them fits a frame by itself, since
 * it came in one.
 */
export function packEntries(channel: Channel, entries: readonly LogEntry[]): Packed[] {
  const packed: Packed[] = []
  let room = 0
  for (const { offset: at, events } of entries) {
    const bytes = utf8Bytes(JSON.stringify(events)) - BRACKETS
    const last = packed.at(-1)
    if (last && bytes + COMMA + SIZE_BYTES <= room) {
      const sizes = [...(last.sizes ?? [last.events.length]), events.length]
      packed[packed.length - 1] = { offset: at, sizes, events: [...last.events, ...events] }
      room -= bytes + COMMA + SIZE_BYTES
    } else {
      packed.push({ offset: at, events })
      room = eventBytesAllowed(channel) - bytes - SIZES_BYTES - SIZE_BYTES
    }
  }
  return packed
}

/** Of a list without its items. */
const BRACKETS = 2
const COMMA = 1
const SIZES_BYTES = utf8Bytes('"sizes":[],')
/** A number of events, of which a frame holds no more than four digits, and a comma. */
const SIZE_BYTES = 5
