import { beforeEach, describe, expect, it } from 'vitest'
import { handleMessage } from '../../../lambda/core/handle-message.ts'
import { ECHO, MAX_CHANNELS_PER_CONNECTION, TASKS } from '../../../protocol/channel.ts'
import { eventBytesAllowed } from '../../../lambda/core/frames.ts'
import { CONNECTION_TTL_MS } from '../../../lambda/core/lease.ts'
import { type Channel, epochSeconds, later, userId } from '../../../protocol/ids.ts'
import { MAX_FRAME_BYTES, utf8Bytes } from '../../../protocol/limits.ts'
import type { ChatEvent } from '../../../protocol/messages.ts'
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

  describe('subscribing with what one has', () => {
    const event = (id: string, data = id): ChatEvent => ({
      type: 'chat.message',
      id,
      from: userId('bob'),
      at: '2026-11-23T09:00:00.000Z',
      data,
    })
    const resume = (after: number, id?: string) =>
      say(JSON.stringify({ action: 'subscribe', channel: LOBBY, after, ...(id ? { id } : {}) }))
    const log = async (...batches: ChatEvent[][]) => {
      const offsets = []
      for (const batch of batches) offsets.push(await ports.log.append(LOBBY, batch, START))
      return offsets as number[]
    }
    beforeEach(() => open(ports.store, ALICE))

    it('says that nothing was missed', async () => {
      const [only] = await log([event('a')])
      expect(await resume(only ?? 0)).toEqual({ type: 'subscribed', channel: LOBBY, offset: only })
      expect(ports.sender.frames).toEqual([])
    })

    it('gives everything after it, in order, in the answer where that can hold it', async () => {
      const [first = 0] = await log([event('a')], [event('b'), event('c')], [event('d')])
      expect(await resume(first, '7')).toEqual({
        type: 'subscribed',
        channel: LOBBY,
        offset: first + 2,
        sizes: [2, 1],
        events: [event('b'), event('c'), event('d')],
        id: '7',
      })
      expect(ports.sender.frames).toEqual([])
    })

    it('posts what does not fit before the answer, each frame with its offsets', async () => {
      const big = 'x'.repeat(15 * 1024)
      const [first = 0] = await log(
        [],
        [event('b', big)],
        [event('c', big)],
        [event('d', big)],
        [event('e', big)],
        [event('f', big)],
      )
      const answer = await resume(first)
      const posted = ports.sender.sentTo(ALICE)
      expect([...posted, answer]).toMatchObject([
        { type: 'events', sizes: [1, 1], offset: first + 2, events: [{ id: 'b' }, { id: 'c' }] },
        { type: 'events', sizes: [1, 1], offset: first + 4, events: [{ id: 'd' }, { id: 'e' }] },
        { type: 'subscribed', offset: first + 5, events: [{ id: 'f' }] },
      ])
      for (const { frame } of ports.sender.frames)
        expect(utf8Bytes(frame)).toBeLessThanOrEqual(MAX_FRAME_BYTES)
    })

    it('posts all of it where the answer with its id would be over a frame', async () => {
      const room = eventBytesAllowed(LOBBY)
      const whole = event('b', 'x'.repeat(room - utf8Bytes(JSON.stringify(event('b', '')))))
      const [first = 0] = await log([], [whole])
      expect(await resume(first)).toEqual({ type: 'subscribed', channel: LOBBY, offset: first + 1 })
      expect(ports.sender.sentTo(ALICE)).toMatchObject([{ type: 'events', offset: first + 1 }])
    })

    it('answers nothing once a frame can not be delivered: the line is closed', async () => {
      const [first = 0] = await log([], [event('b', 'x'.repeat(30_000))], [event('c', 'x'.repeat(30_000))])
      ports.sender.answer = () => 'gone'
      expect(await resume(first)).toBeUndefined()
      expect(ports.store.traceOf(ALICE)).toEqual([])
    })

    it.each([
      ['of which the log has a hole', 1],
      ['that the log does not reach back to', -5],
      ['that the log has not come to', 9],
    ])('resets an offset %s', async (_, away) => {
      const [first = 0, , newest] = await log([event('a')], [event('b')], [event('c')])
      if (away === 1) ports.log.entries = ports.log.entries.filter(({ offset }) => offset !== first + 1)
      const after = away === 1 ? first : first + away
      expect(await resume(after)).toEqual({ type: 'reset', channel: LOBBY, offset: newest })
    })

    it('leases the subscription, and one without for as long as a connection lives', async () => {
      const until = () => ports.store.subscriptions.get(LOBBY)?.get(ALICE)
      await say(JSON.stringify({ action: 'subscribe', channel: LOBBY }))
      expect(until()).toBe(epochSeconds(later(START, CONNECTION_TTL_MS)))
      await resume(0)
      expect(until()).toBe(epochSeconds(later(START, ports.leaseMs)))
    })

    it.each([
      ['nothing when it has the version', 3, 3, undefined],
      ['the task as it is when it has an older one', 1, 3, [{ type: 'task.updated', id: 't-7', version: 3 }]],
      ['that it is gone', 2, undefined, [{ type: 'task.deleted', id: 't-7', version: 3 }]],
    ])('tells who follows one task %s', async (_, after, version, events) => {
      if (version !== undefined) await ports.tasks.create(aTask({ version }))
      const answer = await say(JSON.stringify({ action: 'subscribe', channel: 'tasks/t-7', after }))
      expect(answer).toMatchObject({ type: 'subscribed', offset: 3 })
      expect((answer as { events?: unknown }).events).toEqual(
        events?.map((event) => expect.objectContaining(event) as unknown),
      )
    })

    it('resets a version that a task has never had', async () => {
      await ports.tasks.create(aTask({ version: 3 }))
      const answer = await say(JSON.stringify({ action: 'subscribe', channel: 'tasks/t-7', after: 4 }))
      expect(answer).toEqual({ type: 'reset', channel: 'tasks/t-7', offset: 3 })
    })
  })

  it('publishes a message with an id once, whoever sends it again, and posts its frame again', async () => {
    await open(ports.store, ALICE, LOBBY)
    const message = { action: 'publish', channel: LOBBY, data: 'hi', messageId: 'm-7' }
    const first = await say(JSON.stringify(message))
    expect(await say(JSON.stringify({ ...message, data: 'hi again' }))).toEqual(first)
    expect(ports.log.entries).toHaveLength(1)
    const [one, two] = ports.sender.sentTo(ALICE)
    expect(two).toEqual(one)
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
