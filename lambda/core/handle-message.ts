import { MAX_CHANNELS_PER_CONNECTION, kindOf } from '../../protocol/channel.ts'
import type { Complaint } from '../../protocol/errors.ts'
import {
  type Channel,
  type ConnectionId,
  type Offset,
  type UserId,
  epochSeconds,
  isoTime,
  later,
} from '../../protocol/ids.ts'
import { MAX_FRAME_BYTES, utf8Bytes } from '../../protocol/limits.ts'
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
import { CONNECTION_TTL_MS } from './connect.ts'
import { deliver } from './deliver.ts'
import { forget } from './forget.ts'
import { encode, eventBytesAllowed } from './frames.ts'
import { type OffsetDeps, newestOffset } from './newest-offset.ts'
import { type PublishDeps, publish } from './publish.ts'

export interface MessageDeps extends PublishDeps, OffsetDeps {
  /** Makes a message id for a sender who gave none. */
  readonly newId: () => string
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
  const expiresAt = epochSeconds(later(now, CONNECTION_TTL_MS))
  const outcome = await deps.store.subscribe(sender.connectionId, channel, expiresAt)
  if (outcome === 'unknown-connection') return unknownConnection
  if (outcome === 'too-many-channels')
    return {
      code: 'too_many_channels',
      message: `this connection is subscribed to ${MAX_CHANNELS_PER_CONNECTION} channels, the most allowed; unsubscribe from one first`,
    }
  // The log is read only now: an event published since the subscription was written is delivered, every earlier one
  // is counted in this offset.
  const newest = await newestOffset(channel, now, deps)
  const whole = after === undefined || after === newest
  return { type: whole ? 'subscribed' : 'reset', channel, offset: newest }
}

async function handlePublish(message: PublishMessage, sender: Sender, deps: MessageDeps): Promise<Outcome> {
  const { channel, data, messageId } = message
  if (kindOf(channel).kind !== 'chat')
    return {
      code: 'publish_not_allowed',
      message: `clients may not publish to "${channel}"; chat/{room} is the only kind they may publish to`,
    }
  const said = await say(channel, data, messageId ?? deps.newId(), sender, deps)
  return typeof said === 'number' ? { type: 'published', channel, offset: said } : said
}

/** Publishes what a user says in a room. */
async function say(
  channel: Channel,
  data: string,
  id: string,
  sender: Sender,
  deps: MessageDeps,
): Promise<Offset | Complaint> {
  const event: ChatEvent = {
    type: 'chat.message',
    id,
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
    const said = await say(channel, text, deps.newId(), sender, deps)
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
    await deps.sender.close(sender.connectionId)
    await forget(sender.connectionId, 'said-bye', deps)
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
