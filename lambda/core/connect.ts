import { MAX_CHANNELS_PER_CONNECTION, parseChannel } from '../../protocol/channel.ts'
import {
  type Channel,
  type ConnectionId,
  type EpochMillis,
  type UserId,
  epochSeconds,
  later,
} from '../../protocol/ids.ts'
import type { ConnectionStore, Greeter, Report } from './ports.ts'

/** Longer than the two hours that a connection can live: TTL is the net, not the way out. */
export const CONNECTION_TTL_MS = 130 * 60 * 1000

export interface Opening {
  readonly id: ConnectionId
  readonly user: UserId
  readonly connectedAt: EpochMillis
  /** The `channel` parameters of the URL, unchecked, in order. */
  readonly channels: readonly string[]
}

export interface ConnectDeps {
  readonly store: ConnectionStore
  readonly greeter: Greeter
  readonly report: Report
}

/**
 * Records a connection with the channels of its URL and has it greeted once the handshake is over.
 * @returns 200 opens the line; 400 refuses it (the handshake carries no body, so the reason goes to the log)
 */
export async function connect(opening: Opening, deps: ConnectDeps): Promise<200 | 400> {
  const { id, user, connectedAt } = opening
  const asked = channelsOf(opening.channels)
  if (typeof asked === 'string') {
    deps.report('warn', 'refused a connection', { connectionId: id, reason: asked })
    return 400
  }
  const [firstChannel] = asked
  const connection = { id, user, connectedAt, ...(firstChannel === undefined ? {} : { firstChannel }) }
  await deps.store.add(connection, asked, epochSeconds(later(connectedAt, CONNECTION_TTL_MS)))
  await deps.greeter.greet({ connectionId: id, channels: asked })
  return 200
}

function channelsOf(names: readonly string[]): readonly Channel[] | string {
  const channels = new Set<Channel>()
  for (const name of names) {
    const parsed = parseChannel(name)
    if (!parsed.ok) return parsed.message
    channels.add(parsed.channel)
  }
  if (channels.size > MAX_CHANNELS_PER_CONNECTION)
    return `${channels.size} channels in the URL; at most ${MAX_CHANNELS_PER_CONNECTION} are allowed`
  return [...channels]
}
