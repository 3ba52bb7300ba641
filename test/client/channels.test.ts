import { describe, expect, it, vi } from 'vitest'
import type { OpenlineError } from '../../client/errors.ts'
import { MINUTE, batch, events, lines, said, settle } from './a-line.ts'

describe('Channels', () => {
  const start = lines()

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

  it('ends the subscription to a channel that the server refuses, and keeps the others', async () => {
    const { line, socket, follow, heard } = await start()
    const errors: OpenlineError[] = []
    line.subscribe('nope', { onEvent: () => undefined, onError: (error) => errors.push(error) })
    follow(41)
    socket(0).open()
    socket(0).refuse(socket(0).asked('nope'), 'invalid_channel')
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

  it('has whoever joins in the midst of a frame begin after it', async () => {
    const { line, socket } = await start()
    const told: (string | number)[] = []
    const join = () =>
      line.subscribe('chat/lobby', {
        onSubscribed: (offset) => told.push(offset),
        onEvent: ({ id }) => told.push(id),
      })
    let hasJoined = false
    line.subscribe('chat/lobby', {
      after: 41,
      onEvent: () => {
        if (!hasJoined) join()
        hasJoined = true
      },
    })
    socket(0).open()
    socket(0).answer('chat/lobby', batch(43, 'a', 'b'))
    await settle()
    socket(0).say(events(44, 'c'))
    expect(told).toEqual([43, 'c'])
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
    expect(socket(0).sent.at(-1)).toMatchObject({ action: 'unsubscribe', channel: 'chat/lobby' })
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

  it('asks about a hole with longer and longer waits until it is filled', async () => {
    const { socket, follow, heard } = await start()
    follow(41)
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 41 })
    socket(0).say(events(43, 'b'))
    for (const [index, ms] of [500, 1_000, 2_000].entries()) {
      await vi.advanceTimersByTimeAsync(ms - 1)
      expect(socket(0).asked('chat/lobby')).toHaveLength(index + 1)
      await vi.advanceTimersByTimeAsync(1)
      expect(socket(0).asked('chat/lobby')).toHaveLength(index + 2)
      socket(0).answer('chat/lobby', { offset: 41 })
    }
    socket(0).say(events(42, 'a'))
    socket(0).say(events(45, 'd')) // another hole
    await vi.advanceTimersByTimeAsync(500)
    expect(socket(0).asked('chat/lobby').at(-1)).toMatchObject({ after: 43 })
    expect(heard).toEqual(['a', 'b'])
  })

  it('keeps its questions for a line that is open', async () => {
    const { line, sockets, socket, follow, heard } = await start({ backoff: { baseMs: 100 } })
    follow(41)
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 41 })
    socket(0).say(events(43, 'b'))
    socket(0).end()
    await vi.advanceTimersByTimeAsync(1_000) // the hole is due in the midst of a handshake
    expect(sockets).toHaveLength(2)
    socket(1).open()
    expect(socket(1).asked('chat/lobby')).toMatchObject([{ after: 41 }])
    socket(1).answer('chat/lobby', batch(43, 'a', 'b'))
    expect([heard, line.status]).toEqual([['a', 'b'], 'open'])
  })

  it('renews as for the shortest of leases until it knows how long they are', async () => {
    const { socket, follow } = await start()
    follow(41)
    socket(0).openUngreeted()
    for (let asked = 1; asked <= 3; asked++) {
      expect(socket(0).asked('chat/lobby')).toHaveLength(asked)
      socket(0).answer('chat/lobby', { offset: 41 })
      await vi.advanceTimersByTimeAsync(20_000)
    }
  })

  it('renews at once after a sleep', async () => {
    const { socket, follow } = await start()
    follow(41)
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 41 })
    vi.setSystemTime(Date.now() + 5 * MINUTE)
    await vi.advanceTimersByTimeAsync(15_000)
    expect(socket(0).asked('chat/lobby')).toHaveLength(2)
  })
})
