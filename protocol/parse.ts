import { parseChannel } from './channel.ts'
import type { Complaint, ErrorCode } from './errors.ts'
import { type Channel, type Offset, offset } from './ids.ts'
import { MAX_ID_LENGTH } from './limits.ts'
import type { ClientMessage } from './messages.ts'

export type Parsed =
  | { readonly ok: true; readonly message: ClientMessage }
  | { readonly ok: false; readonly error: Complaint; readonly id?: string }

const FIELDS = {
  subscribe: ['action', 'channel', 'after', 'id'],
  unsubscribe: ['action', 'channel', 'id'],
  publish: ['action', 'channel', 'data', 'messageId', 'id'],
  ping: ['action', 'id'],
} as const

type ActionName = keyof typeof FIELDS
const isAction = (value: unknown): value is ActionName =>
  typeof value === 'string' && Object.hasOwn(FIELDS, value)

class Refusal extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * One client message from the text of a WebSocket message. Text that begins with `{`, and a whole JSON array, are meant
 * as JSON; all other text is plain, `42`, `"hi"` and `[hi]` included.
 * @param body undefined for a binary message
 * @returns the message, or a complaint with the action's `id` where that could be read; never throws
 */
export function parseClientMessage(body: string | undefined): Parsed {
  if (body === undefined)
    return { ok: false, error: { code: 'binary_message', message: 'the message is binary; expected text' } }
  if (!isMeantAsJson(body)) return { ok: true, message: { action: 'text', text: body } }
  let id: string | undefined
  try {
    const fields = parseObject(body)
    id = optionalId(fields, 'id')
    return { ok: true, message: parseAction(fields, id) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return {
      ok: false,
      error: { code: error.code, message: error.message },
      ...(id === undefined ? {} : { id }),
    }
  }
}

function parseAction(fields: Record<string, unknown>, id: string | undefined): ClientMessage {
  const action = fields['action']
  if (!isAction(action))
    throw new Refusal(
      'unknown_action',
      `unknown action ${shown(action)}; expected subscribe, unsubscribe, publish or ping`,
    )
  const allowed: readonly string[] = FIELDS[action]
  const unknown = Object.keys(fields).find((name) => !allowed.includes(name))
  if (unknown !== undefined)
    throw new Refusal(
      'invalid_field',
      `unknown field ${shown(unknown)} in ${action}; it takes ${allowed.join(', ')}`,
    )
  const withId = id === undefined ? {} : { id }
  switch (action) {
    case 'subscribe': {
      const after = optionalOffset(fields)
      return { action, channel: channelOf(fields), ...(after === undefined ? {} : { after }), ...withId }
    }
    case 'unsubscribe':
      return { action, channel: channelOf(fields), ...withId }
    case 'publish': {
      const messageId = optionalId(fields, 'messageId')
      const channel = channelOf(fields)
      return {
        action,
        channel,
        data: dataOf(fields),
        ...(messageId === undefined ? {} : { messageId }),
        ...withId,
      }
    }
    case 'ping':
      return { action, ...withId }
  }
}

function isMeantAsJson(body: string): boolean {
  const start = body.trimStart()[0]
  if (start !== '[') return start === '{'
  try {
    JSON.parse(body)
    return true
  } catch {
    return false // somebody who types brackets, not a program
  }
}

function parseObject(body: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    // The parser's own words differ between engines and quote the input: not for the wire.
    throw new Refusal(
      'invalid_json',
      'the message begins like JSON but can not be parsed; expected an object with an action',
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refusal('invalid_json', 'the message is JSON but no object; expected an object with an action')
  return value as Record<string, unknown>
}

function channelOf(fields: Record<string, unknown>): Channel {
  const value = fields['channel']
  if (typeof value !== 'string')
    throw new Refusal('invalid_channel', `channel is ${typeName(value)}; expected a string such as "tasks"`)
  const parsed = parseChannel(value)
  if (!parsed.ok) throw new Refusal('invalid_channel', parsed.message)
  return parsed.channel
}

function dataOf(fields: Record<string, unknown>): string {
  const value = fields['data']
  if (typeof value === 'string' && value !== '') return value
  throw new Refusal(
    'invalid_field',
    `data is ${value === '' ? 'empty' : typeName(value)}; expected a string that is not empty`,
  )
}

function optionalOffset(fields: Record<string, unknown>): Offset | undefined {
  const value = fields['after']
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return offset(value)
  throw new Refusal('invalid_field', `after is ${shown(value)}; expected an offset, a whole number from 0`)
}

function optionalId(fields: Record<string, unknown>, name: 'id' | 'messageId'): string | undefined {
  const value = fields[name]
  if (value === undefined) return undefined
  if (typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH) return value
  throw new Refusal(
    'invalid_field',
    `${name} is ${shown(value)}; expected a string of 1 to ${MAX_ID_LENGTH} characters`,
  )
}

const SHOWN_LENGTH = 40

/** A value from outside, short enough for a message. */
function shown(value: unknown): string {
  if (value === undefined) return 'missing'
  const text = JSON.stringify(value)
  return text.length <= SHOWN_LENGTH ? text : `${text.slice(0, SHOWN_LENGTH)}…`
}

function typeName(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
