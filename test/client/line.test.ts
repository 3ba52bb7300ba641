import { describe, expect, it, vi } from 'vitest'
import { batch, events, lines, said, settle, surfacing } from './a-line.ts'

describe('Line', () => {
  const start = lines()

  it('asks for its channels once it is open, and is open when they are answered', async () => {
    const { line, statuses, socket, follow } = await start()
    follow(41)
    socket(0).open()
    expect(socket(0).sent).toEqual([{ action: 'subscribe', channel: 'chat/lobby', after: 41, id: '1' }])
    expect(line.status).toBe('connecting')
    socket(0).answer('chat/lobby', { offset: 41 })
    expect(statuses).toEqual(['open'])
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

  it('is open only when everything that the answer counts on has come', async () => {
    const { line, statuses, socket, follow, heard } = await start()
    follow(41)
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 43 }) // overtakes the frames that it counts on
    expect(line.status).toBe('connecting')
    socket(0).say(events(43, 'b'))
    expect(line.status).toBe('connecting')
    socket(0).say(events(42, 'a'))
    expect([heard, statuses]).toEqual([['a', 'b'], ['open']])
    socket(0).end()
    await vi.advanceTimersByTimeAsync(500)
    socket(1).open()
    socket(1).answer('chat/lobby', { offset: 44 })
    expect(line.status).toBe('resuming')
    socket(1).say(events(44, 'c'))
    expect(statuses).toEqual(['open', 'resuming', 'open'])
  })

  it('is open when what it counted on is lost and comes in the next answer', async () => {
    const { line, socket, follow, heard } = await start()
    follow(41)
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 43 })
    await vi.advanceTimersByTimeAsync(500)
    expect(socket(0).asked('chat/lobby')).toMatchObject([{ after: 41 }, { after: 41 }])
    expect(line.status).toBe('connecting')
    socket(0).answer('chat/lobby', batch(43, 'a', 'b'))
    expect([heard, line.status]).toEqual([['a', 'b'], 'open'])
  })

  it('stays open while another channel is asked about, and while a frame is late', async () => {
    const { line, statuses, socket, follow } = await start()
    follow(41)
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 41 })
    line.subscribe('tasks')
    socket(0).say(events(43, 'b'))
    expect(statuses).toEqual(['open'])
  })

  it('is not held back by a callback that throws, whose error surfaces', async () => {
    const surfaced = surfacing()
    const { line, socket, heard } = await start()
    const end = line.onStatus(() => {
      throw new Error('of the status')
    })
    line.subscribe('chat/lobby', {
      after: 41,
      onEvent: ({ id }) => {
        heard.push(id)
        throw new Error(`of ${id}`)
      },
    })
    socket(0).open()
    socket(0).answer('chat/lobby', batch(43, 'a', 'b'))
    expect([heard, line.status]).toEqual([['a', 'b'], 'open'])
    await settle()
    expect(surfaced.map(String)).toEqual(['Error: of a', 'Error: of b', 'Error: of the status'])
    end()
  })

  it('may be closed by what it tells', async () => {
    const { line, socket, heard } = await start()
    line.subscribe('chat/lobby', {
      after: 41,
      onEvent: ({ id }) => {
        heard.push(id)
        line.close()
      },
    })
    socket(0).open()
    socket(0).answer('chat/lobby', batch(43, 'a', 'b'))
    expect(heard).toEqual(['a'])
    expect(socket(0).isClosed).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('leaves nothing behind when it is closed', async () => {
    const { line, socket, follow } = await start()
    follow(41)
    socket(0).open()
    line.publish('chat/lobby', 'one', 'm-1')
    line.publish('chat/lobby', 'two', 'm-2')
    socket(0).refuse(socket(0).said('m-2'), 'internal')
    socket(0).say(events(43, 'b'))
    expect(vi.getTimerCount()).toBeGreaterThan(4)
    line.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})
