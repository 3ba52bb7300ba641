import { describe, expect, it, vi } from 'vitest'
import { MINUTE, lines } from './a-line.ts'

describe('Publications', () => {
  const start = lines()

  it('says whether a message has left, and resolves with its offset', async () => {
    const { line, socket } = await start()
    socket(0).open()
    const publication = line.publish('chat/lobby', 'hi', 'm-1')
    expect(publication.state).toBe('sent')
    expect(socket(0).sent).toEqual([
      { action: 'publish', channel: 'chat/lobby', data: 'hi', messageId: 'm-1', id: '1' },
    ])
    socket(0).published('m-1', 42)
    expect(await publication.done).toBe(42)
    expect(publication.state).toBe('published')
  })

  it('keeps messages in order until there is a line, and sends again what was not answered', async () => {
    const { line, socket } = await start()
    const first = line.publish('chat/lobby', 'one', 'm-1')
    expect(first.state).toBe('waiting')
    socket(0).open()
    const second = line.publish('chat/lobby', 'two', 'm-2')
    socket(0).published('m-1', 42)
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
    socket(0).refuse(socket(0).said('m-1'), 'publish_not_allowed')
    await expect(refused.done).rejects.toMatchObject({ code: 'publish_not_allowed' })
    line.publish('chat/lobby', 'hi', 'm-2')
    socket(0).refuse(socket(0).said('m-2'), 'internal')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(socket(0).said('m-2')).toHaveLength(2)
  })

  it('fails when the server has failed five times', async () => {
    const { line, socket } = await start()
    socket(0).open()
    const publication = line.publish('chat/lobby', 'hi', 'm-1')
    for (let tries = 1; tries <= 5; tries++) {
      expect(socket(0).said('m-1')).toHaveLength(tries)
      socket(0).refuse(socket(0).said('m-1'), 'internal')
      await vi.advanceTimersByTimeAsync(9_000)
    }
    await expect(publication.done).rejects.toMatchObject({ code: 'internal' })
    expect(socket(0).said('m-1')).toHaveLength(5)
  })

  it('leaves while the line is still catching up', async () => {
    const { line, socket, follow } = await start()
    follow(41)
    socket(0).open()
    expect(line.status).toBe('connecting')
    expect(line.publish('chat/lobby', 'hi', 'm-1').state).toBe('sent')
  })

  it('is sent again when nothing answers it, and the line is given up after five times', async () => {
    const { line, socket } = await start()
    socket(0).open()
    const publication = line.publish('chat/lobby', 'hi', 'm-1')
    await vi.advanceTimersByTimeAsync(40_000)
    expect(socket(0).said('m-1')).toHaveLength(5)
    await vi.advanceTimersByTimeAsync(10_000 + 500)
    expect(socket(0).isClosed).toBe(true)
    expect(publication.state).toBe('waiting')
    socket(1).open()
    await vi.advanceTimersByTimeAsync(10_000) // this one has its five times too
    expect(socket(1).said('m-1')).toHaveLength(2)
    socket(1).published('m-1', 42)
    expect(await publication.done).toBe(42)
  })

  it('is published by whichever sending is, whatever the others are answered', async () => {
    const { line, socket } = await start()
    socket(0).open()
    const publication = line.publish('chat/lobby', 'hi', 'm-1')
    await vi.advanceTimersByTimeAsync(10_000)
    socket(0).published('m-1', 42)
    for (const code of ['internal', 'publish_not_allowed']) socket(0).refuse(socket(0).said('m-1'), code)
    socket(0).published('m-1', 43)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await publication.done).toBe(42)
    expect(publication.state).toBe('published')
    expect(socket(0).said('m-1')).toHaveLength(2)
  })

  it('is sent once more over the line that replaces the one on which it was not answered', async () => {
    const { line, socket } = await start()
    socket(0).open({ lifetimeMs: 8 * MINUTE, heartbeatMs: 60 * MINUTE })
    await vi.advanceTimersByTimeAsync(4 * MINUTE)
    const publication = line.publish('chat/lobby', 'hi', 'm-1')
    socket(1).open()
    expect(socket(0).isClosed).toBe(true)
    socket(1).published('m-1', 42)
    expect(await publication.done).toBe(42)
  })

  it('keeps apart two of the same id, and one whose id looks like ours', async () => {
    const { line, socket, follow } = await start()
    follow(41)
    const [one, two] = [line.publish('chat/lobby', 'hi', '1'), line.publish('chat/lobby', 'hi', '1')]
    socket(0).open()
    socket(0).answer('chat/lobby', { offset: 41 })
    for (const { id } of socket(0).said('1'))
      socket(0).say({ type: 'published', channel: 'chat/lobby', offset: 42, id })
    expect(await Promise.all([one.done, two.done])).toEqual([42, 42])
  })

  it('fails for good with a code that this client does not know yet', async () => {
    const { line, socket } = await start()
    socket(0).open()
    const publication = line.publish('chat/lobby', 'hi', 'm-1')
    socket(0).refuse(socket(0).said('m-1'), 'moon_is_full')
    await expect(publication.done).rejects.toMatchObject({ code: 'moon_is_full' })
  })
})
