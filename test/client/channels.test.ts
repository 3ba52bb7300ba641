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

  it('subscribes again only when it has been unsubscribed', async () => {
    const { socket, follow, heard } = await start()
    const first = follow(41)
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 41 })
    first.close()
    follow(43)
    expect(socket(0).left('chat/lobby')).toHaveLength(1)
    expect(socket(0).asked('chat/lobby')).toHaveLength(1)
    socket(0).leave('chat/lobby')
    expect(socket(0).asked('chat/lobby').at(-1)).toMatchObject({ after: 43 })
    socket(0).answer('chat/lobby', { offset: 44, events: [said('c')] })
    expect(heard).toEqual(['c'])
  })

  it('unsubscribes only when it has been subscribed', async () => {
    const { socket, follow } = await start()
    const subscription = follow(41)
    socket(0).open()
    subscription.close()
    expect(socket(0).left('chat/lobby')).toEqual([])
    socket(0).answer('chat/lobby', { offset: 41 })
    expect(socket(0).left('chat/lobby')).toHaveLength(1)
  })

  it('does not take the answer to one subscription for that to the next', async () => {
    const { socket, follow, heard } = await start()
    const first = follow(41)
    socket(0).open()
    const [{ id } = {}] = socket(0).asked('chat/lobby')
    first.close()
    follow(50)
    socket(0).say({ type: 'reset', channel: 'chat/lobby', offset: 57, id })
    expect(heard).toEqual([])
    expect(socket(0).left('chat/lobby')).toEqual([])
    socket(0).answer('chat/lobby', { offset: 51, events: [said('a')] })
    expect(heard).toEqual(['a'])
  })

  it('goes to another line to subscribe again when its unsubscribing stays unanswered', async () => {
    const { socket, follow } = await start()
    const first = follow(41)
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 41 })
    first.close()
    follow(41)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(socket(0).isClosed).toBe(true)
    await vi.advanceTimersByTimeAsync(500)
    socket(1).open()
    expect(socket(1).asked('chat/lobby')).toHaveLength(1)
  })

  it('goes to another line when one of two unsubscriptions may still be carried out', async () => {
    const { socket, follow } = await start()
    const first = follow(41)
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 41 })
    first.close()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(socket(0).left('chat/lobby')).toHaveLength(2)
    socket(0).leave('chat/lobby')
    expect(socket(0).isClosed).toBe(false)
    follow(41)
    expect(socket(0).isClosed).toBe(true)
  })

  it('asks again when it is refused for channels that are being left', async () => {
    const { line, socket } = await start()
    const errors: string[] = []
    const first = line.subscribe('chat/one', { onEvent: () => undefined })
    socket(0).open()
    socket(0).answer('chat/one', { offset: 41 })
    first.close()
    line.subscribe('chat/two', { onError: ({ code }) => errors.push(code) })
    for (let tries = 1; tries < 5; tries++) {
      socket(0).refuse(socket(0).asked('chat/two'), 'too_many_channels')
      await vi.advanceTimersByTimeAsync(9_000)
    }
    expect(errors).toEqual([])
    socket(0).refuse(socket(0).asked('chat/two'), 'too_many_channels')
    expect(errors).toEqual(['too_many_channels'])
  })

  it('is refused at once for too many channels where none was left', async () => {
    const { line, socket } = await start()
    const errors: string[] = []
    line.subscribe('chat/one', { onError: ({ code }) => errors.push(code) })
    socket(0).open()
    socket(0).refuse(socket(0).asked('chat/one'), 'too_many_channels')
    expect([errors, line.status]).toEqual([['too_many_channels'], 'open'])
  })

  it('asks again soon when the server has failed', async () => {
    const { socket, follow } = await start()
    follow(41)
    socket(0).open()
    socket(0).refuse(socket(0).asked('chat/lobby'), 'internal')
    await vi.advanceTimersByTimeAsync(500)
    expect(socket(0).asked('chat/lobby')).toHaveLength(2)
  })

  it('is not moved back by answers that come in the other order', async () => {
    const { socket, follow, heard } = await start()
    follow(41)
    socket(0).open()
    await vi.advanceTimersByTimeAsync(10_000) // asked once more
    const [first, second] = socket(0).asked('chat/lobby')
    socket(0).answer('chat/lobby', { ...batch(43, 'a', 'b'), id: second?.['id'] })
    socket(0).answer('chat/lobby', { offset: 42, events: [said('a')], id: first?.['id'] })
    socket(0).say(events(44, 'c'))
    expect(heard).toEqual(['a', 'b', 'c'])
  })

  it('drops a reset to before what has come meanwhile, and asks once more', async () => {
    const { line, socket, follow, heard } = await start()
    follow(41)
    socket(0).open()
    socket(0).say(events(42, 'a'))
    socket(0).say(events(43, 'b'))
    socket(0).answer('chat/lobby', { type: 'reset', offset: 42 })
    expect([heard, line.status]).toEqual([['a', 'b'], 'connecting'])
    expect(socket(0).asked('chat/lobby').at(-1)).toMatchObject({ after: 43 })
    socket(0).answer('chat/lobby', { offset: 43 })
    expect(line.status).toBe('open')
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

  it('goes back where the log has begun anew, and asks what came since', async () => {
    const { line, socket, follow, heard } = await start()
    follow(900)
    socket(0).open()
    socket(0).say(events(58, 'a')) // looks old until the answer comes
    socket(0).answer('chat/lobby', { type: 'reset', offset: 57 })
    expect(socket(0).asked('chat/lobby').at(-1)).toMatchObject({ after: 57 })
    socket(0).answer('chat/lobby', { offset: 58, events: [said('a')] })
    expect([heard, line.status]).toEqual([['reset@57', 'a'], 'open'])
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
