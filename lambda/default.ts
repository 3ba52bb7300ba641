// $default: one client message in, at most one frame back to its sender; frames to others are posted.
import type { Context } from 'aws-lambda'
import { documentClient } from './aws/document-client.ts'
import { type MessageEvent, type RouteReply, senderOf, textOf } from './aws/events.ts'
import { halfTime, newMessageId } from './aws/system.ts'
import { wirePublish, wireTasks } from './aws/wire.ts'
import { handleMessage, refusal } from './core/handle-message.ts'
import { readCount } from './env.ts'
import { parseClientMessage } from '../protocol/parse.ts'

const client = documentClient()
const deps = {
  ...wirePublish(client),
  tasks: wireTasks(client),
  newId: newMessageId,
  leaseMs: readCount('leaseSeconds') * 1000,
}

export async function handler(event: MessageEvent, context: Context): Promise<RouteReply> {
  const sender = senderOf(event)
  try {
    const message = parseClientMessage(textOf(event))
    const answer = await handleMessage(message, sender, { ...deps, deadline: halfTime(context) })
    return { statusCode: 200, ...(answer === undefined ? {} : { body: answer }) }
  } catch (error) {
    deps.report('error', 'a message could not be handled', {
      ...sender,
      error: String(error),
      stack: stackOf(error),
    })
    const complaint = { code: 'internal', message: 'the message could not be handled; try again' } as const
    return { statusCode: 500, body: refusal(complaint, sender) }
  }
}

const stackOf = (error: unknown) => (error instanceof Error ? error.stack : undefined)
