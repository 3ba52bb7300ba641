import { describe, expect, it, vi } from 'vitest'
import { batch, events, lines, said } from './a-line.ts'

describe('Conversation', () => {
  const start = lines()

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
})
