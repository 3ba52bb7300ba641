import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { handleMessage } from '../../lambda/core/handle-message.ts'
import { welcome } from '../../lambda/core/welcome.ts'
import { MAX_CHANNELS_PER_CONNECTION, MAX_CHANNEL_LENGTH, TASKS } from '../../protocol/channel.ts'
import { ERRORS } from '../../protocol/errors.ts'
import { type Channel, userId } from '../../protocol/ids.ts'
import { MAX_ID_LENGTH, MAX_TITLE_LENGTH } from '../../protocol/limits.ts'
import type { Action, ServerMessage } from '../../protocol/messages.ts'
import { parseClientMessage } from '../../protocol/parse.ts'
import { ALICE, aTask, fakePorts, open } from '../support/fakes.ts'

interface Message {
  readonly payload: { readonly properties: Record<string, { readonly enum?: string[] }> }
  readonly examples: readonly { readonly payload: unknown }[]
}
interface Document {
  readonly channels: {
    readonly socket: {
      readonly messages: Record<string, unknown>
      readonly bindings: {
        readonly ws: { readonly query: { properties: { channel: { maxItems: number } } } }
      }
    }
  }
  readonly operations: Record<'act' | 'tell', { readonly messages: readonly { readonly $ref: string }[] }>
  readonly components: {
    readonly messages: Record<string, Message>
    readonly schemas: { Channel: { maxLength: number }; Id: { maxLength: number } } & Record<string, unknown>
  }
}

const source = readFileSync(new URL('../../docs/asyncapi.yaml', import.meta.url), 'utf8')
const document = parse(source) as Document
const { messages, schemas } = document.components

/** Keyed by the types of the code: one more there does not compile here. */
const ACTIONS: Record<Action['action'], true> = {
  subscribe: true,
  unsubscribe: true,
  publish: true,
  ping: true,
}
const FRAMES: Record<ServerMessage['type'], true> = {
  welcome: true,
  events: true,
  subscribed: true,
  reset: true,
  unsubscribed: true,
  published: true,
  pong: true,
  error: true,
}

const ajv = new Ajv2020({ strict: false, allErrors: true })
ajv.addSchema(document, 'asyncapi')

/** What the schema of a message has against a value. */
function complaints(name: string, value: unknown): unknown[] {
  const validate = ajv.getSchema(`asyncapi#/components/messages/${name}/payload`)
  if (!validate) throw new Error(`no schema for "${name}"`)
  void validate(value)
  return validate.errors ?? []
}

const examples = Object.entries(messages).flatMap(([name, { examples: all }]) =>
  all.map(({ payload }) => [name, payload] as const),
)
const frameOf = (text: string) => JSON.parse(text) as { type: string; code?: string }

describe('docs/asyncapi.yaml', () => {
  it('has a message for every action and every frame, and no other', () => {
    const names = [...Object.keys(ACTIONS), ...Object.keys(FRAMES)]
    expect(Object.keys(messages)).toEqual(names)
    expect(Object.keys(document.channels.socket.messages)).toEqual(names)
  })

  it.each([
    ['act', ACTIONS],
    ['tell', FRAMES],
  ] as const)('sends its messages the right way: %s', (operation, expected) => {
    const names = document.operations[operation].messages.map(({ $ref }) => $ref.split('/').at(-1))
    expect(names).toEqual(Object.keys(expected))
  })

  it('has an example of every message', () => {
    expect([...new Set(examples.map(([name]) => name))]).toEqual(Object.keys(messages))
  })

  it.each(examples)('validates its example of %s: %j', (name, payload) => {
    expect(complaints(name, payload)).toEqual([])
  })

  it.each(examples.filter(([name]) => name in ACTIONS))(
    'gives an example of %s that is parsed: %j',
    (_, payload) => {
      expect(parseClientMessage(JSON.stringify(payload))).toEqual({ ok: true, message: payload })
    },
  )

  it.each([
    { action: 'subscribe' },
    { action: 'subscribe', channel: 'news' },
    { action: 'subscribe', channel: 'tasks', after: -1 },
    { action: 'subscribe', channel: 'tasks', since: 1 },
    { action: 'unsubscribe', channel: 'chat/' },
    { action: 'publish', channel: 'chat/lobby' },
    { action: 'publish', channel: 'chat/lobby', data: '' },
    { action: 'publish', channel: 'chat/lobby', data: 'hi', messageId: 'm'.repeat(MAX_ID_LENGTH + 1) },
    { action: 'ping', id: 1 },
  ])('refuses what the parser refuses: %j', (message) => {
    expect(complaints(message.action, message)).not.toEqual([])
    expect(parseClientMessage(JSON.stringify(message)).ok).toBe(false)
  })

  it('lists the error codes of the code', () => {
    expect(messages['error']?.payload.properties['code']?.enum).toEqual(Object.keys(ERRORS))
  })

  it('gives the limits of the code', () => {
    expect(schemas.Channel.maxLength).toBe(MAX_CHANNEL_LENGTH)
    expect(schemas.Id.maxLength).toBe(MAX_ID_LENGTH)
    expect(schemas).toMatchObject({
      TaskChanged: { properties: { data: { properties: { title: { maxLength: MAX_TITLE_LENGTH } } } } },
    })
    expect(document.channels.socket.bindings.ws.query.properties.channel.maxItems).toBe(
      MAX_CHANNELS_PER_CONNECTION,
    )
  })

  it.each([
    ['subscribed', '{"action":"subscribe","channel":"tasks","id":"1"}'],
    ['reset', '{"action":"subscribe","channel":"tasks","after":1}'],
    ['unsubscribed', '{"action":"unsubscribe","channel":"tasks"}'],
    ['published', '{"action":"publish","channel":"chat/lobby","data":"hi"}'],
    ['pong', '{"action":"ping","id":"1"}'],
    ['error', '{"action":"dance"}'],
    ['error', 'hello'],
  ])('describes the %s that answers %s', async (type, body) => {
    const ports = fakePorts()
    await open(ports.store, ALICE, TASKS)
    const sender = { connectionId: ALICE, user: userId('guest-alice'), requestId: 'req-1' }
    const frame = frameOf((await handleMessage(parseClientMessage(body), sender, ports)) ?? '{}')
    expect(frame.type).toBe(type)
    expect(complaints(type, frame)).toEqual([])
  })

  it('describes the welcome and the events that are posted', async () => {
    const ports = fakePorts()
    const room = 'chat/lobby' as Channel
    ports.tasks.items.set('t-7', aTask())
    await open(ports.store, ALICE, room)
    const channels = [{ channel: room }, { channel: 'tasks/t-7' as Channel }]
    await welcome({ connectionId: ALICE, channels }, { ...ports, heartbeatMs: 240_000, reconnectMs: 1_000 })
    const sender = { connectionId: ALICE, user: userId('guest-alice'), requestId: 'req-1' }
    await handleMessage(parseClientMessage('hi all'), sender, ports)
    const frames = ports.sender.sentTo(ALICE) as { type: string }[]
    expect(frames.map(({ type }) => type)).toEqual(['welcome', 'events'])
    for (const frame of frames) expect(complaints(frame.type, frame)).toEqual([])
  })
})
