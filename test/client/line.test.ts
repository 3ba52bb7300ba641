import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { OpenlineError } from '../../client/errors.ts'
import { Line, type LineOptions, type Status } from '../../client/line.ts'
import { fakeServer } from './fake-server.ts'

const MINUTE = 60_000
const said = (id: string) => ({ type: 'chat.message', id, from: 'bob', at: '', data: id })
const events = (offset: number, ...ids: string[]) => ({
  type: 'events',
  channel: 'chat/lobby',
  offset,
  events: ids.map(said),
})

describe('Line', () => {
  const lines: Line[] = []
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    for (const line of lines.splice(0)) line.close()
    vi.useRealTimers()
  })

  /** Lets the promises in between go on. */
  const settle = () => vi.advanceTimersByTimeAsync(0)

  async function start(options: Partial<LineOptions> = {}) {
    const server = fakeServer()
    const line = new Line({ url: 'wss://x/dev', WebSocket: server.WebSocket, random: () => 0.5, ...options })
    lines.push(line)
    const statuses: Status[] = []
    line.onStatus((status) => statuses.push(status))
    const heard: string[] = []
    const follow = (after?: number) =>
      line.subscribe('chat/lobby', {
        ...(after === undefined ? {} : { after }),
        onEvent: (event) => heard.push(event.id),
        onReset: (offset) => heard.push(`reset@${offset}`),
      })
    await settle()
    return { ...server, line, statuses, heard, follow }
  }

  it('offers the protocol, and the token beside it', async () => {
    const { socket } = await start({ token: async () => 't0k.en' })
    expect(socket(0).protocols).toEqual(['openline.v1', 'bearer.t0k.en'])
    expect(socket(0).url).toBe('wss://x/dev')
  })

  it('asks for its channels once it is open, and is open when they are answered', async () => {
    const { line, statuses, socket, follow } = await start()
    follow(41)
    socket(0).open()
    expect(socket(0).sent).toEqual([{ action: 'subscribe', channel: 'chat/lobby', after: 41, id: '1' }])
    expect(line.status).toBe('connecting')
    socket(0).answer('chat/lobby', { offset: 41 })
    expect(statuses).toEqual(['open'])
  })

  it('hands on events in order, those that stand in the answer among them', async () => {
    const { socket, follow, heard } = await start()
    follow(41)
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 43, sizes: [1, 1], events: [said('a'), said('b')] })
    socket(0).say(events(44, 'c'))
    expect(heard).toEqual(['a', 'b', 'c'])
  })

  it('asks for what is missing when a hole stays for half a second, and not before', async () => {
    const { socket, follow, heard } = await start()
    follow(41)
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 41 })
    socket(0).say(events(43, 'b'))
    await vi.advanceTimersByTimeAsync(499)
    expect(socket(0).asked('chat/lobby')).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(socket(0).asked('chat/lobby').at(-1)).toMatchObject({ after: 41 })
    socket(0).answer('chat/lobby', { offset: 43, sizes: [1, 1], events: [said('a'), said('b')] })
    expect(heard).toEqual(['a', 'b'])
  })

  it('does not ask when the missing frame was only late', async () => {
    const { socket, follow, heard } = await start()
    follow(41)
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 41 })
    socket(0).say(events(43, 'b'))
    socket(0).say(events(42, 'a'))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(socket(0).asked('chat/lobby')).toHaveLength(1)
    expect(heard).toEqual(['a', 'b'])
  })

  it('is reset unasked where the server lost something, and only by what is news', async () => {
    const { socket, follow, heard } = await start()
    follow(41)
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 41 })
    const gap = { type: 'reset', channel: 'chat/lobby', offset: 42 }
    socket(0).say(events(43, 'b')) // overtakes it
    socket(0).say(gap)
    socket(0).say(gap)
    socket(0).say(events(44, 'c'))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(heard).toEqual(['reset@42', 'b', 'c'])
    expect(socket(0).asked('chat/lobby')).toHaveLength(1)
  })

  it('comes back after a loss, from where it stands, and names a reset', async () => {
    const { line, statuses, socket, follow, heard } = await start()
    follow(41)
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 42, events: [said('a')] })
    socket(0).end(1001)
    expect(line.status).toBe('resuming')
    await vi.advanceTimersByTimeAsync(500) // half of the first second
    socket(1).open()
    expect(socket(1).asked('chat/lobby')).toMatchObject([{ after: 42 }])
    socket(1).answer('chat/lobby', { type: 'reset', offset: 57 })
    expect(heard).toEqual(['a', 'reset@57'])
    expect(statuses).toEqual(['open', 'resuming', 'open'])
  })

  it('waits longer each time it is refused, within what the server says', async () => {
    const { sockets, socket } = await start()
    socket(0).open({ reconnectMs: 10_000 })
    for (const [index, ms] of [5_000, 10_000, 20_000].entries()) {
      socket(index).end()
      await vi.advanceTimersByTimeAsync(ms - 1)
      expect(sockets).toHaveLength(index + 1)
      await vi.advanceTimersByTimeAsync(1)
      expect(sockets).toHaveLength(index + 2)
    }
  })

  it.each([1003, 1008, 1009])('is closed for good by %i, and says why', async (code) => {
    const { line, socket, sockets } = await start()
    const errors: (OpenlineError | undefined)[] = []
    line.onStatus((_, error) => errors.push(error))
    const subscription = line.subscribe('tasks')
    socket(0).end(code)
    await vi.advanceTimersByTimeAsync(10 * MINUTE)
    expect(sockets).toHaveLength(1)
    expect(line.status).toBe('closed')
    expect(errors[0]?.code).toBe('refused')
    await expect(subscription[Symbol.asyncIterator]().next()).rejects.toThrow(`with ${code}`)
  })

  it('pings only when nothing was heard for the heartbeat, and comes back when nobody answers', async () => {
    const { sockets, socket } = await start()
    socket(0).open({ heartbeatMs: MINUTE })
    await vi.advanceTimersByTimeAsync(45_000)
    socket(0).say({ type: 'pong' })
    await vi.advanceTimersByTimeAsync(45_000)
    expect(socket(0).sent).toEqual([])
    await vi.advanceTimersByTimeAsync(30_000)
    expect(socket(0).sent).toEqual([{ action: 'ping' }])
    await vi.advanceTimersByTimeAsync(10_000 + 500)
    expect(socket(0).isClosed).toBe(true)
    expect(sockets).toHaveLength(2)
  })

  it('asks whether anybody is there as soon as it wakes from a sleep', async () => {
    const { socket } = await start()
    socket(0).open({ heartbeatMs: 10 * MINUTE })
    await vi.advanceTimersByTimeAsync(15_000)
    vi.setSystemTime(Date.now() + 5 * MINUTE)
    await vi.advanceTimersByTimeAsync(15_000)
    expect(socket(0).sent).toEqual([{ action: 'ping' }])
  })

  it('gives a handshake up that takes too long', async () => {
    const { sockets, socket } = await start()
    await vi.advanceTimersByTimeAsync(15_000)
    expect(socket(0).isClosed).toBe(true)
    await vi.advanceTimersByTimeAsync(500)
    expect(sockets).toHaveLength(2)
  })

  it('opens another line before the end of its life, and closes the old one once that has caught up', async () => {
    const { statuses, sockets, socket, follow, heard } = await start()
    follow(41)
    socket(0).open({ lifetimeMs: 120 * MINUTE, leaseMs: 600 * MINUTE })
    socket(0).answer('chat/lobby', { offset: 41 })
    for (let elapsed = 0; elapsed < 112.5 * MINUTE; elapsed += 30_000) {
      socket(0).say({ type: 'pong' })
      await vi.advanceTimersByTimeAsync(30_000)
    }
    expect(sockets).toHaveLength(2)
    socket(1).open()
    expect(socket(1).asked('chat/lobby')).toMatchObject([{ after: 41 }])
    socket(0).say(events(42, 'a'))
    expect(socket(0).isClosed).toBe(false)
    socket(1).say(events(42, 'a'))
    socket(1).say(events(43, 'b'))
    socket(1).answer('chat/lobby', { offset: 43 })
    expect(socket(0).isClosed).toBe(true)
    socket(1).say(events(44, 'c'))
    expect(heard).toEqual(['a', 'b', 'c'])
    expect(statuses).toEqual(['open'])
  })

  it('goes on with the new line when the old one ends before that has caught up', async () => {
    const { statuses, socket, follow } = await start()
    follow(41)
    socket(0).open({ lifetimeMs: 8 * MINUTE }) // due at once
    socket(0).answer('chat/lobby', { offset: 41 })
    await vi.advanceTimersByTimeAsync(30_000)
    socket(1).open()
    socket(0).end(1001)
    expect(statuses).toEqual(['open', 'resuming'])
    socket(1).answer('chat/lobby', { offset: 41 })
    expect(statuses).toEqual(['open', 'resuming', 'open'])
  })

  it('renews its leases when a third of them is over', async () => {
    const { socket, follow } = await start()
    follow(41)
    socket(0).open({ leaseMs: 9 * MINUTE, heartbeatMs: 60 * MINUTE })
    socket(0).answer('chat/lobby', { offset: 41 })
    await vi.advanceTimersByTimeAsync(3 * MINUTE)
    expect(socket(0).asked('chat/lobby')).toHaveLength(2)
    expect(socket(0).asked('chat/lobby').at(-1)).toMatchObject({ after: 41 })
  })

  it('asks again when it is not answered, and gives the line up after five times', async () => {
    const { socket, follow } = await start()
    follow(41)
    socket(0).open()
    await vi.advanceTimersByTimeAsync(45_000)
    expect(socket(0).asked('chat/lobby')).toHaveLength(5)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(socket(0).isClosed).toBe(true)
  })

  it('comes back at once when the server does not know the connection', async () => {
    const { sockets, socket, follow } = await start()
    follow(41)
    socket(0).open()
    const id = socket(0).sent[0]?.['id']
    socket(0).say({ type: 'error', code: 'not_connected', message: 'who?', requestId: 'r', id })
    expect(socket(0).isClosed).toBe(true)
    await vi.advanceTimersByTimeAsync(500)
    expect(sockets).toHaveLength(2)
  })

  it('ends the subscription to a channel that the server refuses, and keeps the others', async () => {
    const { line, socket, follow, heard } = await start()
    const errors: OpenlineError[] = []
    line.subscribe('nope', { onEvent: () => undefined, onError: (error) => errors.push(error) })
    follow(41)
    socket(0).open()
    const id = socket(0).asked('nope')[0]?.['id']
    socket(0).say({
      type: 'error',
      code: 'invalid_channel',
      message: 'unknown channel',
      requestId: 'r-1',
      id,
    })
    socket(0).answer('chat/lobby', { offset: 42, events: [said('a')] })
    expect(errors).toMatchObject([{ code: 'invalid_channel', requestId: 'r-1' }])
    expect(heard).toEqual(['a'])
    expect(line.status).toBe('open')
  })

  it('gives each of several subscriptions to a channel what comes from then on', async () => {
    const { line, socket, follow, heard } = await start()
    follow(41)
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 42, events: [said('a')] })
    const [late, from]: [string[], number[]] = [[], []]
    const second = line.subscribe('chat/lobby', {
      onEvent: ({ id }) => late.push(id),
      onSubscribed: (offset) => from.push(offset),
    })
    await settle()
    socket(0).say(events(43, 'b'))
    expect([heard, late, from]).toEqual([['a', 'b'], ['b'], [42]])
    expect(() => line.subscribe('chat/lobby', { after: 1 })).toThrow('followed on this line already')
    second.close()
    socket(0).say(events(44, 'c'))
    expect([heard, late]).toEqual([['a', 'b', 'c'], ['b']])
    expect(socket(0).sent.some(({ action }) => action === 'unsubscribe')).toBe(false)
  })

  it('is read with for await, and unsubscribes when the loop is left', async () => {
    const { line, socket } = await start()
    const subscription = line.subscribe('chat/lobby', { after: 41 })
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 43, sizes: [1, 1], events: [said('a'), said('b')] })
    const read: string[] = []
    for await (const item of subscription) {
      if (item.type === 'event') read.push(item.event.id)
      if (read.length === 2) break
    }
    expect(read).toEqual(['a', 'b'])
    expect(socket(0).sent.at(-1)).toEqual({ action: 'unsubscribe', channel: 'chat/lobby' })
  })

  describe('publishing', () => {
    it('says whether a message has left, and resolves with its offset', async () => {
      const { line, socket } = await start()
      socket(0).open()
      const publication = line.publish('chat/lobby', 'hi', 'm-1')
      expect(publication.state).toBe('sent')
      expect(socket(0).sent).toEqual([
        { action: 'publish', channel: 'chat/lobby', data: 'hi', messageId: 'm-1', id: 'm-1' },
      ])
      socket(0).say({ type: 'published', channel: 'chat/lobby', offset: 42, id: 'm-1' })
      expect(await publication.done).toBe(42)
      expect(publication.state).toBe('published')
    })

    it('keeps messages in order until there is a line, and sends again what was not answered', async () => {
      const { line, socket } = await start()
      const first = line.publish('chat/lobby', 'one', 'm-1')
      expect(first.state).toBe('waiting')
      socket(0).open()
      const second = line.publish('chat/lobby', 'two', 'm-2')
      socket(0).say({ type: 'published', channel: 'chat/lobby', offset: 42, id: 'm-1' })
      expect(second.state).toBe('sent')
      socket(0).end()
      expect(second.state).toBe('waiting')
      line.publish('chat/lobby', 'three', 'm-3')
      await vi.advanceTimersByTimeAsync(500)
      socket(1).open()
      expect(socket(1).sent.map(({ messageId }) => messageId)).toEqual(['m-2', 'm-3'])
    })

    it('fails at once when too many wait, when it is too large, and on a closed line', async () => {
      const { line } = await start({ maxWaiting: 1 })
      line.publish('chat/lobby', 'one')
      const over = line.publish('chat/lobby', 'two')
      expect(over.state).toBe('failed')
      await expect(over.done).rejects.toMatchObject({ code: 'queue_full' })
      await expect(line.publish('chat/lobby', 'x'.repeat(40_000)).done).rejects.toMatchObject({
        code: 'message_too_large',
      })
      line.close()
      await expect(line.publish('chat/lobby', 'three').done).rejects.toMatchObject({ code: 'closed' })
    })

    it('fails with what the server says, and tries again what may be mended', async () => {
      const { line, socket } = await start()
      socket(0).open()
      const refused = line.publish('chat/lobby', 'hi', 'm-1')
      socket(0).say({ type: 'error', code: 'publish_not_allowed', message: 'no', requestId: 'r', id: 'm-1' })
      await expect(refused.done).rejects.toMatchObject({ code: 'publish_not_allowed' })
      line.publish('chat/lobby', 'hi', 'm-2')
      socket(0).say({ type: 'error', code: 'internal', message: 'oops', requestId: 'r', id: 'm-2' })
      await vi.advanceTimersByTimeAsync(1_000)
      expect(socket(0).sent.filter(({ messageId }) => messageId === 'm-2')).toHaveLength(2)
    })
  })

  it('ends loops and fails what waits when it is closed', async () => {
    const { line, statuses } = await start()
    const reading = line.subscribe('tasks')[Symbol.asyncIterator]().next()
    const waiting = line.publish('chat/lobby', 'hi')
    line.close()
    expect(await reading).toEqual({ done: true, value: undefined })
    await expect(waiting.done).rejects.toMatchObject({ code: 'closed' })
    expect(statuses).toEqual(['closed'])
    expect(() => line.subscribe('tasks')).toThrow('the line was closed')
  })

  it('tries again when the address can not be had now', async () => {
    let calls = 0
    const { sockets } = await start({
      url: () => {
        if (++calls === 1) throw new Error('still starting')
        return 'wss://x/dev'
      },
    })
    expect(sockets).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(500)
    expect(sockets).toHaveLength(1)
  })
})
