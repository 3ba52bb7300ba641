import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Line } from '../../client/line.ts'
import { type LiveTasks, liveTasks } from '../../client/live-tasks.ts'
import { taskId } from '../../protocol/ids.ts'
import type { Task } from '../../protocol/messages.ts'
import { aTask } from '../support/fakes.ts'
import { surfacing } from './a-line.ts'
import { fakeServer } from './fake-server.ts'

const task = (id: string, version = 1, title = id): Task => aTask({ id: taskId(id), version, title })
const updated = ({ id, version, title, done, createdAt, updatedAt }: Task) => ({
  type: 'task.updated',
  id,
  version,
  at: updatedAt,
  data: { title, done, createdAt },
})
const deleted = (id: string, version: number) => ({ type: 'task.deleted', id, version, at: '' })

describe('liveTasks', () => {
  let line: Line
  let live: LiveTasks
  const server = fakeServer
  let sockets: ReturnType<typeof fakeServer>
  /** The table, as pages of a snapshot show it; and what the REST side is asked. */
  let pages: { tasks: Task[]; offset: number; cursor?: string }[]
  let asked: string[]
  /** Runs before each page is given. */
  let meanwhile: () => void

  beforeEach(async () => {
    vi.useFakeTimers()
    sockets = server()
    pages = [{ tasks: [], offset: 41 }]
    asked = []
    meanwhile = () => undefined
    line = new Line({ url: 'wss://x/dev', WebSocket: sockets.WebSocket, random: () => 0.5 })
    await vi.advanceTimersByTimeAsync(0)
  })
  afterEach(() => {
    live.close()
    line.close()
    vi.useRealTimers()
  })

  const read = (async (url: string) => {
    asked.push(url)
    meanwhile()
    const cursor = Number(new URL(url).searchParams.get('cursor') ?? 0)
    return Promise.resolve(Response.json(pages[cursor]))
  }) as unknown as typeof fetch

  const follow = async () => {
    live = liveTasks({ line, rest: 'https://x', fetch: read })
    await vi.advanceTimersByTimeAsync(0)
    sockets.socket(0).open()
  }
  /** Follows with requests that wait. @returns a function that lets the newest go on */
  const hold = () => {
    let give: (() => void) | undefined
    const held = (async (url: string) => {
      await new Promise<void>((resolve) => (give = resolve))
      return read(url)
    }) as unknown as typeof fetch
    live = liveTasks({ line, rest: 'https://x', fetch: held })
    return () => give?.()
  }
  const shown = () => [...live.tasks.values()].map(({ id, version }) => `${id}.${version}`).sort()
  const say = (offset: number, ...events: object[]) => {
    sockets.socket(0).say({ type: 'events', channel: 'tasks', offset, events })
  }

  it('shows every page of the snapshot before the line is open', async () => {
    pages = [
      { tasks: [task('a')], offset: 41, cursor: '1' },
      { tasks: [task('b', 3)], offset: 44 },
    ]
    await follow()
    expect(shown()).toEqual(['a.1', 'b.3'])
    expect(live.isReady).toBe(true)
    expect(asked).toEqual(['https://x/tasks?limit=100', 'https://x/tasks?limit=100&cursor=1'])
  })

  it('reads again when the subscription begins later than the snapshot, and not otherwise', async () => {
    await follow()
    pages = [{ tasks: [task('a')], offset: 42 }]
    sockets.socket(0).answer('tasks', { offset: 42 })
    await vi.advanceTimersByTimeAsync(0)
    expect(shown()).toEqual(['a.1'])
    expect(asked).toHaveLength(2)
    sockets.socket(0).answer('tasks', { offset: 42 })
    await vi.advanceTimersByTimeAsync(0)
    expect(asked).toHaveLength(2)
  })

  it('keeps the higher version, whatever comes first', async () => {
    pages = [{ tasks: [task('a', 5)], offset: 41 }]
    await follow()
    sockets.socket(0).answer('tasks', { offset: 41 })
    say(42, updated(task('a', 4)))
    expect(shown()).toEqual(['a.5'])
    say(43, updated(task('a', 6)))
    expect(shown()).toEqual(['a.6'])
  })

  it('never shows a deleted task again', async () => {
    pages = [{ tasks: [task('a', 2)], offset: 41 }]
    await follow()
    sockets.socket(0).answer('tasks', { offset: 41 })
    say(42, deleted('a', 3))
    say(43, updated(task('a', 2)))
    live.put(task('a', 9))
    expect(shown()).toEqual([])
  })

  it('takes away what is not in a snapshot any more, and keeps what came while that was read', async () => {
    pages = [{ tasks: [task('a'), task('b')], offset: 41 }]
    await follow()
    sockets.socket(0).answer('tasks', { offset: 41 })
    pages = [{ tasks: [task('b')], offset: 57 }]
    say(43)
    await vi.advanceTimersByTimeAsync(500) // asked about 42
    meanwhile = () => say(58, updated(task('c')))
    sockets.socket(0).answer('tasks', { type: 'reset', offset: 57 })
    await vi.advanceTimersByTimeAsync(0)
    expect(shown()).toEqual(['b.1', 'c.1'])
  })

  it('tries again to read a snapshot, and says what the trouble was', async () => {
    const trouble: unknown[] = []
    let isDown = true
    const flaky = (async (url: string) =>
      isDown ? new Response('', { status: 503 }) : read(url)) as unknown as typeof fetch
    live = liveTasks({ line, rest: 'https://x', fetch: flaky, onTrouble: (error) => trouble.push(error) })
    await vi.advanceTimersByTimeAsync(0)
    expect(String(trouble[0])).toContain('answered with 503')
    isDown = false
    await vi.advanceTimersByTimeAsync(1_000)
    expect(live.isReady).toBe(true)
  })

  it('gives another map after a change, and tells its listeners', async () => {
    await follow()
    const before = live.tasks
    let calls = 0
    const end = live.subscribe(() => calls++)
    live.put(task('a'))
    expect(live.tasks).not.toBe(before)
    live.put(task('a'))
    end()
    live.put(task('b'))
    expect(calls).toBe(1)
  })

  it('reads once more for each reason that comes up while it reads, and not in vain', async () => {
    const give = hold()
    await vi.advanceTimersByTimeAsync(0)
    live.refresh()
    live.refresh()
    for (const expected of [1, 2, 2]) {
      give()
      await vi.advanceTimersByTimeAsync(0)
      expect(asked).toHaveLength(expected)
    }
  })

  it('reads again after a reset even where the snapshot under way is new enough', async () => {
    pages = [{ tasks: [], offset: 60 }]
    await follow()
    sockets.socket(0).answer('tasks', { offset: 41 })
    meanwhile = () => {
      meanwhile = () => undefined
      say(42, updated(task('a'))) // it was deleted in between, of which nothing will tell
      say(44)
    }
    live.refresh()
    await vi.advanceTimersByTimeAsync(500)
    expect(shown()).toEqual(['a.1'])
    sockets.socket(0).answer('tasks', { type: 'reset', offset: 60 })
    await vi.advanceTimersByTimeAsync(0)
    expect(shown()).toEqual([])
  })

  it('makes sure of a task of which it has only heard otherwise', async () => {
    await follow()
    sockets.socket(0).answer('tasks', { offset: 41 })
    live.put(task('a'))
    live.put(task('b'))
    say(42, updated(task('b')))
    pages = [{ tasks: [task('b')], offset: 42 }]
    expect(shown()).toEqual(['a.1', 'b.1'])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(shown()).toEqual(['b.1'])
    live.put(task('c'))
    say(43, updated(task('c')))
    const reads = asked.length
    await vi.advanceTimersByTimeAsync(10_000)
    expect(asked).toHaveLength(reads)
  })

  it('has no doubt about what is gone, known or told after its end', async () => {
    await follow()
    sockets.socket(0).answer('tasks', { offset: 41 })
    live.put(task('a'))
    live.remove('a')
    live.put(task('a', 2))
    const reads = asked.length
    await vi.advanceTimersByTimeAsync(10_000)
    expect(asked).toHaveLength(reads)
    live.close()
    line.close()
    live.put(task('b'))
    expect(vi.getTimerCount()).toBe(0)
  })

  it('reads again within a minute, however often that has failed', async () => {
    let isDown = true
    const flaky = (async (url: string) =>
      isDown ? new Response('', { status: 503 }) : read(url)) as unknown as typeof fetch
    live = liveTasks({ line, rest: 'https://x', fetch: flaky })
    await vi.advanceTimersByTimeAsync(3_600_000)
    isDown = false
    await vi.advanceTimersByTimeAsync(60_000)
    expect(live.isReady).toBe(true)
  })

  it('gives a page up that does not come, and reads again', async () => {
    let isStalled = true
    const trouble: unknown[] = []
    const stalling = ((url: string) =>
      isStalled ? new Promise(() => undefined) : read(url)) as unknown as typeof fetch
    live = liveTasks({ line, rest: 'https://x', fetch: stalling, onTrouble: (error) => trouble.push(error) })
    await vi.advanceTimersByTimeAsync(35_000)
    expect(String(trouble[0])).toContain('35000 ms')
    isStalled = false
    await vi.advanceTimersByTimeAsync(1_000)
    expect(live.isReady).toBe(true)
  })

  it('waits longer and longer for a snapshot that is older than the channel', async () => {
    const trouble: unknown[] = []
    live = liveTasks({ line, rest: 'https://x', fetch: read, onTrouble: (error) => trouble.push(error) })
    await vi.advanceTimersByTimeAsync(0)
    sockets.socket(0).open()
    sockets.socket(0).answer('tasks', { offset: 50 })
    await vi.advanceTimersByTimeAsync(0)
    expect(asked).toHaveLength(2)
    expect(String(trouble[0])).toContain('the snapshot is of 41; expected 50 or later')
    pages = [{ tasks: [task('a')], offset: 50 }]
    await vi.advanceTimersByTimeAsync(1_000)
    expect(shown()).toEqual(['a.1'])
  })

  it('tells once of a snapshot, however many tasks it has, and of an empty one', async () => {
    let calls = 0
    pages = [{ tasks: Array.from({ length: 100 }, (_, i) => task(`t${i}`)), offset: 41 }]
    live = liveTasks({ line, rest: 'https://x', fetch: read })
    live.subscribe(() => calls++)
    await vi.advanceTimersByTimeAsync(0)
    expect([calls, live.tasks.size]).toEqual([1, 100])
    live.close()
    pages = [{ tasks: [], offset: 41 }]
    live = liveTasks({ line, rest: 'https://x', fetch: read })
    live.subscribe(() => calls++)
    await vi.advanceTimersByTimeAsync(0)
    expect([calls, live.isReady]).toEqual([2, true])
  })

  it('forgets no deleted task while a page is under way that may still show it', async () => {
    await follow()
    sockets.socket(0).answer('tasks', { offset: 41 })
    pages = [{ tasks: [task('t0')], offset: 41 }]
    meanwhile = () => {
      for (let i = 0; i <= 10_000; i++) live.remove(`t${i}`)
    }
    live.refresh()
    await vi.advanceTimersByTimeAsync(0)
    expect(shown()).toEqual([])
  })

  it('goes on when a listener throws', async () => {
    const surfaced = surfacing()
    pages = [{ tasks: [task('a')], offset: 41 }]
    live = liveTasks({ line, rest: 'https://x', fetch: read })
    live.subscribe(() => {
      throw new Error('of the listener')
    })
    await vi.advanceTimersByTimeAsync(10_000)
    expect([asked.length, shown()]).toEqual([1, ['a.1']])
    expect(surfaced.map(String)).toEqual(['Error: of the listener'])
  })

  it('reads nothing more once it is closed, and leaves nothing behind', async () => {
    const give = hold()
    await vi.advanceTimersByTimeAsync(0)
    live.put(task('a'))
    live.refresh()
    live.close()
    line.close()
    give()
    await vi.advanceTimersByTimeAsync(0)
    expect([asked.length, live.isReady]).toEqual([1, false])
    expect(vi.getTimerCount()).toBe(0)
  })
})
