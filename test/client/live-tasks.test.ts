import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Line } from '../../client/line.ts'
import { type LiveTasks, liveTasks } from '../../client/live-tasks.ts'
import { taskId } from '../../protocol/ids.ts'
import type { Task } from '../../protocol/messages.ts'
import { aTask } from '../support/fakes.ts'
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
})
