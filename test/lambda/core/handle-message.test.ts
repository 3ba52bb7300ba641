import { beforeEach, describe, expect, it } from 'vitest'
import { handleMessage } from '../../../lambda/core/handle-message.ts'
import { ECHO, MAX_CHANNELS_PER_CONNECTION, TASKS } from '../../../protocol/channel.ts'
import { type Channel, userId } from '../../../protocol/ids.ts'
import { MAX_FRAME_BYTES } from '../../../protocol/limits.ts'
import { parseClientMessage } from '../../../protocol/parse.ts'
import { ALICE, BOB, START, aTask, fakePorts, open } from '../../support/fakes.ts'

const LOBBY = 'chat/lobby' as Channel

describe('handleMessage', () => {
  let ports: ReturnType<typeof fakePorts>
  beforeEach(() => void (ports = fakePorts()))

  const say = async (body: string, id = ALICE) => {
    const sender = { connectionId: id, user: userId('guest-alice'), requestId: 'req-1' }
    const answer = await handleMessage(parseClientMessage(body), sender, ports)
    return answer?.startsWith('{') ? (JSON.parse(answer) as unknown) : answer
  }

  it.each([[[ECHO]], [[]]])('echoes plain text when the channels are %j', async (channels) => {
    await open(ports.store, ALICE, ...channels)
    expect(await say('hello there')).toBe('You said: hello there')
    expect(ports.sender.frames).toEqual([])
  })

  it.each(['bye', 'BYE', 'Bye', ' bye '])(
    'says Goodbye to %j, closes the line and forgets only it',
    async (bye) => {
      await open(ports.store, ALICE, ECHO, TASKS)
      await open(ports.store, BOB, ECHO, TASKS)
      expect(await say(bye)).toBeUndefined()
      expect(ports.sender.sentTo(ALICE)).toEqual(['Goodbye'])
      expect(ports.sender.closed).toEqual([ALICE])
      expect(ports.store.traceOf(ALICE)).toEqual([])
      expect(ports.store.traceOf(BOB)).toEqual(['connection', 'echo', 'tasks'])
    },
  )

  it('says plain text in the room that is the first channel, to its sender too', async () => {
    await open(ports.store, ALICE, LOBBY)
    await open(ports.store, BOB, LOBBY)
    expect(await say('hi all')).toBeUndefined()
    const frame = {
      type: 'events',
      channel: LOBBY,
      offset: START,
      events: [
        {
          type: 'chat.message',
          id: 'm-1',
          from: 'guest-alice',
          at: '2026-11-23T09:00:00.000Z',
          data: 'hi all',
        },
      ],
    }
    expect(ports.sender.sentTo(ALICE)).toEqual([frame])
    expect(ports.sender.sentTo(BOB)).toEqual([frame])
  })

  it('answers plain text on tasks with an error that names the actions', async () => {
    await open(ports.store, ALICE, TASKS)
    expect(await say('hello')).toMatchObject({
      type: 'error',
      code: 'text_not_understood',
      requestId: 'req-1',
      message: expect.stringContaining('subscribe, unsubscribe, publish or ping') as string,
    })
  })

  it('answers plain text of an unknown connection with an error', async () => {
    expect(await say('hello')).toMatchObject({ type: 'error', code: 'not_connected' })
  })

  it('subscribes and gives the newest offset and the id back', async () => {
    await open(ports.store, ALICE)
    await ports.log.append(TASKS, [], START)
    const at = await ports.log.append(TASKS, [], START)
    const answer = await say('{"action":"subscribe","channel":"tasks","id":"1"}')
    expect(answer).toEqual({ type: 'subscribed', channel: 'tasks', offset: at, id: '1' })
    expect(ports.store.traceOf(ALICE)).toEqual(['connection', 'tasks'])
  })

  it('writes the subscription before it reads the log', async () => {
    await open(ports.store, ALICE)
    const newest = ports.log.newest.bind(ports.log)
    let subscribedWhenRead = false
    ports.log.newest = async (...args) => {
      subscribedWhenRead = ports.store.traceOf(ALICE).includes('tasks')
      return newest(...args)
    }
    await say('{"action":"subscribe","channel":"tasks"}')
    expect(subscribedWhenRead).toBe(true)
  })

  it.each([
    [0, 'subscribed'],
    [1, 'reset'],
  ])('answers a client that is %i entries behind with %s', async (behind, type) => {
    await open(ports.store, ALICE)
    const first = await ports.log.append(TASKS, [], START)
    const newest = behind === 0 ? first : await ports.log.append(TASKS, [], START)
    const answer = await say(JSON.stringify({ action: 'subscribe', channel: TASKS, after: first }))
    expect(answer).toEqual({ type, channel: 'tasks', offset: newest })
  })

  it('gives the version of a task as the offset of its channel', async () => {
    await open(ports.store, ALICE)
    await ports.tasks.create(aTask({ version: 3 }))
    expect(await say('{"action":"subscribe","channel":"tasks/t-7"}')).toMatchObject({ offset: 3 })
    expect(await say('{"action":"subscribe","channel":"tasks/none"}')).toMatchObject({ offset: 0 })
  })

  it(`refuses more than ${MAX_CHANNELS_PER_CONNECTION} channels, and renews one that is there`, async () => {
    const rooms = Array.from({ length: MAX_CHANNELS_PER_CONNECTION }, (_, i) => `chat/room-${i}` as Channel)
    await open(ports.store, ALICE, ...rooms)
    expect(await say('{"action":"subscribe","channel":"tasks"}')).toMatchObject({ code: 'too_many_channels' })
    expect(await say('{"action":"subscribe","channel":"chat/room-3"}')).toMatchObject({ type: 'subscribed' })
  })

  it('refuses to subscribe a connection that is not recorded', async () => {
    expect(await say('{"action":"subscribe","channel":"tasks"}')).toMatchObject({ code: 'not_connected' })
  })

  it('unsubscribes, twice with no harm, and gives plain text its first meaning back', async () => {
    await open(ports.store, ALICE, LOBBY)
    for (const _ of [1, 2])
      expect(await say('{"action":"unsubscribe","channel":"chat/lobby"}')).toEqual({
        type: 'unsubscribed',
        channel: LOBBY,
      })
    expect(ports.store.traceOf(ALICE)).toEqual(['connection'])
    expect(await say('x')).toBe('You said: x')
  })

  it('publishes to a room and answers with the offset', async () => {
    await open(ports.store, ALICE)
    await open(ports.store, BOB, LOBBY)
    const answer = await say(
      '{"action":"publish","channel":"chat/lobby","data":"hi","messageId":"mine","id":"2"}',
    )
    expect(answer).toEqual({ type: 'published', channel: LOBBY, offset: START, id: '2' })
    expect(ports.sender.sentTo(BOB)).toMatchObject([{ events: [{ id: 'mine', data: 'hi' }] }])
  })

  it.each(['tasks', 'tasks/t-7', 'echo'])('refuses to publish to %s', async (channel) => {
    const answer = await say(JSON.stringify({ action: 'publish', channel, data: 'hi', id: '3' }))
    expect(answer).toMatchObject({ type: 'error', code: 'publish_not_allowed', id: '3' })
    expect(ports.log.entries).toEqual([])
  })

  it.each([
    ['fits exactly', 0, 'published'],
    ['is one byte too large', 1, 'error'],
  ])('answers a chat message that %s with its envelope', async (_, over, type) => {
    await open(ports.store, BOB, LOBBY)
    const event = {
      type: 'chat.message',
      id: 'm-1',
      from: 'guest-alice',
      at: '2026-11-23T09:00:00.000Z',
      data: '',
    }
    const envelope = { type: 'events', channel: LOBBY, offset: Number.MAX_SAFE_INTEGER, events: [event] }
    const data = 'x'.repeat(MAX_FRAME_BYTES - JSON.stringify(envelope).length + over)
    expect(await say(JSON.stringify({ action: 'publish', channel: LOBBY, data }))).toMatchObject({ type })
    expect(ports.sender.frames.length).toBe(1 - over)
  })

  it('answers a ping that reaches it with a pong', async () => {
    expect(await say('{"action":"ping","id":"9"}')).toEqual({ type: 'pong', id: '9' })
  })

  it('refuses an echo that fits no frame', async () => {
    await open(ports.store, ALICE, ECHO)
    expect(await say('x'.repeat(MAX_FRAME_BYTES))).toMatchObject({ code: 'message_too_large' })
  })
})
