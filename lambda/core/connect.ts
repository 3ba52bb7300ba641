import { MAX_CHANNELS_PER_CONNECTION, parseChannel } from '../../protocol/channel.ts'
import {
  type Channel,
  type ConnectionId,
  type EpochMillis,
  type UserId,
  epochSeconds,
  later,
  offset,
} from '../../protocol/ids.ts'
import { CONNECTION_TTL_MS, subscribedUntil } from './lease.ts'
import type { AskedChannel, ConnectionStore, Greeter, Report } from './ports.ts'

export interface Opening {
  readonly id: ConnectionId
  readonly user: UserId
  readonly connectedAt: EpochMillis
  /** The `channel` parameters of the URL, unchecked, in order. */
  readonly channels: readonly string[]
  /** The `after` parameters of the URL, unchecked, in order: none, or one for each channel, empty where it has none. */
  readonly afters: readonly string[]
}

export interface ConnectDeps {
  readonly store: ConnectionStore
  readonly greeter: Greeter
  readonly report: Report
  /** How long a subscription with `after` lasts unless it is renewed, in milliseconds. */
  readonly leaseMs: number
}

/**
 * Records a connection with the channels of its URL and has it greeted once the handshake is over.
 * @returns 200 opens the line; 400 refuses it (the handshake carries no body, so the reason goes to the log)
 */
export async function connect(opening: Opening, deps: ConnectDeps): Promise<200 | 400> {
  const { id, user, connectedAt } = opening
  const asked = channelsOf(opening)
  if (typeof asked === 'string') {
    deps.report('warn', 'refused a connection', { connectionId: id, reason: asked })
    return 400
  }
  const firstChannel = asked[0]?.channel
  const connection = { id, user, connectedAt, ...(firstChannel === undefined ? {} : { firstChannel }) }
  const subscriptions = asked.map(({ channel, after }) => ({
    channel,
    expiresAt: subscribedUntil(connectedAt, after, deps),
  }))
  await deps.store.add(connection, subscriptions, epochSeconds(later(connectedAt, CONNECTION_TTL_MS)))
  await deps.greeter.greet({ connectionId: id, channels: asked })
  return 200
}

/** Each channel once, with what came beside its first mention; or what is wrong. */
function channelsOf({ channels, afters }: Opening): readonly AskedChannel[] | string {
  if (afters.length > 0 && afters.length !== channels.length)
    return `${afters.length} values of after for ${channels.length} channels in the URL; expected none, or one for each channel in the same order, empty where it has none`
  const asked = new Map<Channel, AskedChannel>()
  for (const [index, name] of channels.entries()) {
    const parsed = parseChannel(name)
    if (!parsed.ok) return parsed.message
    const { channel } = parsed
    const after = afters[index] ?? ''
    if (after !== '' && !isOffset(after))
      return `after is "${after}" for "${channel}"; expected an offset, a whole number from 0`
    if (!asked.has(channel))
      asked.set(channel, { channel, ...(after === '' ? {} : { after: offset(Number(after)) }) })
  }
  if (asked.size > MAX_CHANNELS_PER_CONNECTION)
    return `${asked.size} channels in the URL; at most ${MAX_CHANNELS_PER_CONNECTION} are allowed`
  return [...asked.values()]
}

const isOffset = (text: string) => /^\d+$/.test(text) && Number.isSafeInteger(Number(text))
