import { MAX_CHANNELS_PER_CONNECTION, kindOf } from '../../protocol/channel.ts'
import type { Complaint } from '../../protocol/errors.ts'
import { type Channel, type ConnectionId, type Offset, type UserId, isoTime } from '../../protocol/ids.ts'
import { MAX_FRAME_BYTES, MAX_ID_LENGTH, utf8Bytes } from '../../protocol/limits.ts'
import {
  type ChatEvent,
  type ClientMessage,
  ECHO_GOODBYE,
  type PublishMessage,
  type ServerMessage,
  type SubscribeMessage,
  echoOf,
  isBye,
} from '../../protocol/messages.ts'
import type { Parsed } from '../../protocol/parse.ts'
import { deliver } from './deliver.ts'
import { type CatchUpDeps, missedSince } from './catch-up.ts'
import { encode, eventBytesAllowed, packEntries } from './frames.ts'
import { giveUp } from './give-up.ts'
import { subscribedUntil } from './lease.ts'
import { newestOffset } from './newest-offset.ts'
import type { LogEntry } from './ports.ts'
import { type PublishDeps, publish, publishOnce } from './publish.ts'

export interface MessageDeps extends PublishDeps, CatchUpDeps {
  /** Makes a message id for a sender who gave none. */
  readonly newId: () => string
  /** How long a subscription with `after` lasts unless it is renewed, in milliseconds. */
  readonly leaseMs: number
}

/** Who sent a message, and the request that carried it. */
export interface Sender {
  readonly connectionId: ConnectionId
  readonly user: UserId
  readonly requestId: string
}

/** One frame back to the sender, or none; whatever goes to others has been posted by then. */
export type Answer = string | undefined

/** One client message in, at most one frame back. */
export async function handleMessage(parsed: Parsed, sender: Sender, deps: MessageDeps): Promise<Answer> {
  if (!parsed.ok) return refusal(parsed.error, sender, parsed.id)
  const { message } = parsed
  const answer = await answerTo(message, sender, deps)
  if (answer === undefined || typeof answer === 'string') return answer
  const id = message.action === 'text' ? undefined : message.id
  if ('code' in answer) return refusal(answer, sender, id)
  return encode(id === undefined ? answer : { ...answer, id })
}

/** An error frame: the code, a safe sentence and the request id. */
export const refusal = (error: Complaint, sender: Pick<Sender, 'requestId'>, id?: string) =>
  encode({ type: 'error', ...error, requestId: sender.requestId, ...(id === undefined ? {} : { id }) })

/** Frames that answer an action: only these carry its id. */
type ReplyFrame = Exclude<ServerMessage, { type: 'welcome' | 'events' | 'error' }>

type Outcome = ReplyFrame | Complaint | Answer

async function answerTo(message: ClientMessage, sender: Sender, deps: MessageDeps): Promise<Outcome> {
  switch (message.action) {
    case 'text':
      return handleText(message.text, sender, deps)
    case 'subscribe':
      return handleSubscribe(message, sender, deps)
    case 'unsubscribe':
      await deps.store.unsubscribe(sender.connectionId, message.channel)
      return { type: 'unsubscribed', channel: message.channel }
    case 'publish':
      return handlePublish(message, sender, deps)
    case 'ping':
      return { type: 'pong' }
  }
}

async function handleSubscribe(
  message: SubscribeMessage,
  sender: Sender,
  deps: MessageDeps,
): Promise<Outcome> {
  const { channel, after } = message
  const now = deps.clock.now()
  const outcome = await deps.store.subscribe(sender.connectionId, channel, subscribedUntil(now, after, deps))
  if (outcome === 'unknown-connection') return unknownConnection
  if (outcome === 'too-many-channels')
    return {
      code: 'too_many_channels',
      message: `this connection is subscribed to ${MAX_CHANNELS_PER_CONNECTION} channels, the most allowed; unsubscribe from one first`,
    }
  // The log is read only now: an event published since the subscription was written is delivered, every earlier one
  // is in what is read.
  if (after === undefined)
    return { type: 'subscribed', channel, offset: await newestOffset(channel, now, deps) }
  const missed = await missedSince(channel, after, now, deps)
  if (missed.kind === 'reset') return { type: 'reset', channel, offset: missed.newest }
  return replay(channel, missed, sender, deps)
}

/** Posts what was missed, in order, but for what the answer itself can hold. */
async function replay(
  channel: Channel,
  { newest, batches }: { readonly newest: Offset; readonly batches: readonly LogEntry[] },
  { connectionId }: Sender,
  deps: MessageDeps,
): Promise<Outcome> {
  const frames = packEntries(channel, batches)
  const last = frames.at(-1)
  if (!last) return { type: 'subscribed', channel, offset: newest }
  const answer = { type: 'subscribed', channel, ...last } as const
  const fits = utf8Bytes(encode(answer)) <= MAX_FRAME_BYTES - MAX_ID_BYTES
  for (const frame of fits ? frames.slice(0, -1) : frames) {
    // A frame that can't be delivered closes the connection: the client comes back and asks again.
    const delivery = await deliver(connectionId, encode({ type: 'events', channel, ...frame }), deps)
    if (delivery !== 'sent') return undefined
  }
  return fits ? answer : { type: 'subscribed', channel, offset: newest }
}

/** What an action's `id` may add to its answer: its name, its characters of up to six bytes in JSON, punctuation. */
const MAX_ID_BYTES = 16 + MAX_ID_LENGTH * 6

async function handlePublish(message: PublishMessage, sender: Sender, deps: MessageDeps): Promise<Outcome> {
  const { channel, data, messageId } = message
  if (kindOf(channel).kind !== 'chat')
    return {
      code: 'publish_not_allowed',
      message: `clients may not publish to "${channel}"; chat/{room} is the only kind they may publish to`,
    }
  const said = await say(channel, data, messageId, sender, deps)
  return typeof said === 'number' ? { type: 'published', channel, offset: said } : said
}

/** Publishes what a user says in a room; once, where the message has an id by which a retry is known. */
async function say(
  channel: Channel,
  data: string,
  messageId: string | undefined,
  sender: Sender,
  deps: MessageDeps,
): Promise<Offset | Complaint> {
  const event: ChatEvent = {
    type: 'chat.message',
    id: messageId ?? deps.newId(),
    from: sender.user,
    at: isoTime(deps.clock.now()),
    data,
  }
  const bytes = utf8Bytes(JSON.stringify(event))
  const allowed = eventBytesAllowed(channel)
  if (bytes > allowed)
    return {
      code: 'message_too_large',
      message: `the message takes ${bytes} bytes with its envelope; at most ${allowed} fit a frame of ${MAX_FRAME_BYTES}`,
    }
  if (messageId !== undefined) return publishOnce(channel, messageId, [event], deps)
  const newest = await publish(channel, [event], deps)
  if (newest === undefined) throw new Error(`nothing was published to "${channel}"`)
  return newest
}

async function handleText(text: string, sender: Sender, deps: MessageDeps): Promise<Outcome> {
  const connection = await deps.store.find(sender.connectionId, deps.clock.now())
  if (connection === undefined) return unknownConnection
  const channel = connection.firstChannel
  const kind = channel === undefined ? 'echo' : kindOf(channel).kind
  if (channel === undefined || kind === 'echo') return echo(text, sender, deps)
  if (kind === 'chat') {
    const said = await say(channel, text, undefined, sender, deps)
    return typeof said === 'number' ? undefined : said
  }
  return {
    code: 'text_not_understood',
    message: `plain text means nothing on "${channel}"; send JSON with an action: subscribe, unsubscribe, publish or ping`,
  }
}

async function echo(text: string, sender: Sender, deps: MessageDeps): Promise<Outcome> {
  if (isBye(text)) {
    // Posted rather than answered: an answer would leave only after this function has closed the line.
    await deliver(sender.connectionId, ECHO_GOODBYE, deps)
    await giveUp(sender.connectionId, 'said-bye', deps)
    return undefined
  }
  const reply = echoOf(text)
  const bytes = utf8Bytes(reply)
  if (bytes <= MAX_FRAME_BYTES) return reply
  return {
    code: 'message_too_large',
    message: `the echo takes ${bytes} bytes; at most ${MAX_FRAME_BYTES} fit a frame`,
  }
}

const unknownConnection: Complaint = {
  code: 'not_connected',
  message: 'this connection is not recorded (any more); close it and connect again',
}
