import { describe, expect, it, vi } from 'vitest'
import type { OpenlineError } from '../../client/errors.ts'
import { Line } from '../../client/line.ts'
import type { WebSocketConstructor } from '../../client/link.ts'
import { MINUTE, events, lines, settle } from './a-line.ts'

/** A life of which half is over after four minutes, with no ping before. */
const SHORT = { lifetimeMs: 8 * MINUTE, heartbeatMs: 60 * MINUTE }

describe('Links', () => {
  const start = lines()

  it('offers the protocol, and the token beside it', async () => {
    const { socket } = await start({ token: async () => 't0k.en' })
    expect(socket(0).protocols).toEqual(['openline.v1', 'bearer.t0k.en'])
    expect(socket(0).url).toBe('wss://x/dev')
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

  it('gives a handshake up that takes too long', async () => {
    const { sockets, socket } = await start()
    await vi.advanceTimersByTimeAsync(15_000)
    expect(socket(0).isClosed).toBe(true)
    await vi.advanceTimersByTimeAsync(500)
    expect(sockets).toHaveLength(2)
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

  it('comes back at once when the server does not know the connection', async () => {
    const { sockets, socket, follow } = await start()
    follow(41)
    socket(0).open()
    socket(0).refuse(socket(0).asked('chat/lobby'), 'not_connected')
    expect(socket(0).isClosed).toBe(true)
    await vi.advanceTimersByTimeAsync(500)
    expect(sockets).toHaveLength(2)
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
    socket(0).open(SHORT)
    socket(0).answer('chat/lobby', { offset: 41 })
    await vi.advanceTimersByTimeAsync(4 * MINUTE)
    socket(1).open()
    socket(0).end(1001)
    expect(statuses).toEqual(['open', 'resuming'])
    socket(1).answer('chat/lobby', { offset: 41 })
    expect(statuses).toEqual(['open', 'resuming', 'open'])
  })

  it('closes the old line only when nothing of what the new one has answered is missing', async () => {
    const { socket, follow, heard } = await start()
    follow(41)
    socket(0).open(SHORT)
    socket(0).answer('chat/lobby', { offset: 41 })
    await vi.advanceTimersByTimeAsync(4 * MINUTE)
    socket(1).open()
    socket(1).answer('chat/lobby', { offset: 43 })
    expect(socket(0).isClosed).toBe(false)
    socket(1).say(events(43, 'b'))
    expect(socket(0).isClosed).toBe(false)
    socket(0).say(events(42, 'a'))
    expect(socket(0).isClosed).toBe(true)
    socket(0).say(events(44, 'stray'))
    socket(1).say(events(44, 'c'))
    expect(heard).toEqual(['a', 'b', 'c'])
  })

  it('takes no answer from a line that has been replaced', async () => {
    const { line, socket, statuses } = await start()
    line.subscribe('tasks')
    socket(0).open({ ...SHORT, leaseMs: 12 * MINUTE })
    socket(0).answer('tasks', { offset: 41 })
    await vi.advanceTimersByTimeAsync(4 * MINUTE) // asked on the old line for its lease, and a new one is opened
    expect(socket(0).asked('tasks')).toHaveLength(2)
    socket(1).open()
    socket(1).answer('tasks', { offset: 41 })
    socket(0).refuse(socket(0).asked('tasks'), 'not_connected')
    socket(0).answer('tasks', { type: 'reset', offset: 57 })
    socket(0).end()
    await vi.advanceTimersByTimeAsync(15_000)
    expect(statuses).toEqual(['open'])
    expect(socket(1).isClosed).toBe(false)
    expect(socket(1).asked('tasks')).toHaveLength(1)
  })

  it('tries to replace a line again with growing waits, and stays open meanwhile', async () => {
    const { sockets, socket, statuses } = await start()
    socket(0).open(SHORT)
    await vi.advanceTimersByTimeAsync(4 * MINUTE)
    for (const [index, ms] of [500, 1_000, 2_000].entries()) {
      socket(index + 1).end()
      socket(0).say({ type: 'pong' })
      await vi.advanceTimersByTimeAsync(ms - 1)
      expect(sockets).toHaveLength(index + 2)
      await vi.advanceTimersByTimeAsync(1)
      expect(sockets).toHaveLength(index + 3)
    }
    expect(statuses).toEqual(['open'])
  })

  it('replaces a line whose life is short no more often than twice in it', async () => {
    const { sockets, socket } = await start()
    socket(0).open({ lifetimeMs: MINUTE })
    await vi.advanceTimersByTimeAsync(29_999)
    expect(sockets).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(sockets).toHaveLength(2)
  })

  it('replaces a line in time when welcome never comes', async () => {
    const { sockets, socket } = await start()
    socket(0).openUngreeted()
    for (let elapsed = 0; elapsed < 112.5 * MINUTE; elapsed += MINUTE / 2) {
      socket(0).say({ type: 'pong' })
      await vi.advanceTimersByTimeAsync(MINUTE / 2)
    }
    expect(sockets).toHaveLength(2)
  })

  it('has one line where the old one ends while the address of the new one is looked up', async () => {
    let calls = 0
    let give: (url: string) => void = () => undefined
    const url = () => (++calls === 2 ? new Promise<string>((resolve) => (give = resolve)) : 'wss://x/dev')
    const { line, sockets, socket } = await start({ url })
    socket(0).open(SHORT)
    await vi.advanceTimersByTimeAsync(4 * MINUTE)
    socket(0).end(1001)
    give('wss://y/dev')
    await settle()
    expect(sockets).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1_000)
    socket(1).open()
    await vi.advanceTimersByTimeAsync(1_000)
    expect([line.status, sockets.length, calls]).toEqual(['open', 2, 2])
  })

  it('tries again when the token can not be had, or is not given in time', async () => {
    const answers: (() => Promise<string>)[] = [
      () => Promise.reject(new Error('signed out')),
      () => new Promise(() => undefined),
      () => Promise.resolve('t0k.en'),
    ]
    const { line, sockets, socket } = await start({ token: () => answers.shift()?.() ?? '' })
    await vi.advanceTimersByTimeAsync(500)
    expect(answers).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(15_000 + 1_000)
    expect(sockets).toHaveLength(1)
    expect(socket(0).protocols).toContain('bearer.t0k.en')
    expect(line.status).toBe('connecting')
  })

  it('is closed for good when the platform takes no such URL or token', async () => {
    const errors: (OpenlineError | undefined)[] = []
    const WebSocket = function () {
      throw new SyntaxError('the URL is invalid')
    } as unknown as WebSocketConstructor
    const line = new Line({ url: 'nonsense', WebSocket })
    line.onStatus((_, error) => errors.push(error))
    await settle()
    expect(line.status).toBe('closed')
    expect(errors[0]?.code).toBe('refused')
    expect(errors[0]?.message).toContain('to "nonsense"; expected wss://…')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('opens nothing more when it is closed before its address is known, and ends a handshake', async () => {
    const early = await start({ url: () => new Promise((resolve) => setTimeout(resolve, 1_000, 'wss://x')) })
    early.line.close()
    const { line, socket, follow } = await start()
    follow(41)
    line.close()
    expect(socket(0).isClosed).toBe(true)
    socket(0).openUngreeted()
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect(early.sockets).toHaveLength(0)
    expect(socket(0).sent).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('takes no harm from frames that are none', async () => {
    const { line, socket } = await start()
    socket(0).open()
    for (const frame of [
      null,
      7,
      'Connected. Say something.',
      [],
      {},
      { type: 'later' },
      { message: 'Forbidden' },
    ])
      socket(0).say(frame)
    expect(line.status).toBe('open')
  })
})
