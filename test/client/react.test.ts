// @vitest-environment happy-dom
import { Activity, type ReactNode, StrictMode, Suspense, act, createElement, use } from 'react'
import { type Root, createRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Line } from '../../client/line.ts'
import type { LiveTasksOptions } from '../../client/live-tasks.ts'
import { useLiveTasks } from '../../client/react.ts'
import { taskId } from '../../protocol/ids.ts'
import type { Task } from '../../protocol/messages.ts'
import { aTask } from '../support/fakes.ts'
import { fakeServer } from './fake-server.ts'

const task = (id: string, version = 1): Task => aTask({ id: taskId(id), version })
const updated = ({ id, version, title, done, createdAt, updatedAt: at }: Task) => ({
  type: 'task.updated',
  id,
  version,
  at,
  data: { title, done, createdAt },
})

/** Shows the ids of the tasks, and hands out what it got at each rendering. */
function Tasks({ onRender, ...options }: LiveTasksOptions & { onRender?: (tasks: unknown) => void }) {
  const tasks = useLiveTasks(options)
  onRender?.(tasks)
  return createElement('p', null, [...tasks.values()].map(({ id, version }) => `${id}.${version}`).join(' '))
}

describe('useLiveTasks', () => {
  let root: Root
  let page: HTMLElement
  let line: Line
  let sockets: ReturnType<typeof fakeServer>
  let snapshot: Task[]
  let asked: { url: string; headers: unknown }[]

  beforeEach(async () => {
    vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
    vi.useFakeTimers()
    snapshot = [task('a')]
    asked = []
    sockets = fakeServer()
    line = new Line({ url: 'wss://x/dev', WebSocket: sockets.WebSocket })
    page = document.createElement('main')
    root = createRoot(page)
    await settle()
    sockets.socket(0).open({ heartbeatMs: 3_600_000 })
  })
  afterEach(async () => {
    await act(async () => root.unmount())
    line.close()
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  const after = (ms: number) =>
    act(async () => {
      await vi.advanceTimersByTimeAsync(ms)
    })
  const settle = () => after(0)
  const read = (async (url: string, { headers }: { headers: unknown }) => {
    asked.push({ url, headers })
    return Promise.resolve(Response.json({ tasks: snapshot, offset: 41 }))
  }) as unknown as typeof fetch
  const options = () => ({ line, rest: 'https://x', fetch: read })
  const show = async (node: ReactNode) => {
    await act(async () => root.render(node))
    await settle()
  }
  const say = (offset: number, ...changed: Task[]) =>
    act(async () =>
      sockets.socket(0).say({ type: 'events', channel: 'tasks', offset, events: changed.map(updated) }),
    )
  const answer = () => act(async () => sockets.socket(0).answer('tasks', { offset: 41 }))

  it('shows the snapshot, then every change, and ends with the component', async () => {
    await show(createElement(Tasks, options()))
    expect(page.textContent).toBe('a.1')
    await answer()
    await say(42, task('b'), task('a', 2))
    expect(page.textContent).toBe('a.2 b.1')
    await show(null)
    expect(sockets.socket(0).left('tasks')).toHaveLength(1)
    sockets.socket(0).leave('tasks')
  })

  it('is live under StrictMode, which mounts, unmounts and mounts again', async () => {
    await show(createElement(StrictMode, null, createElement(Tasks, options())))
    await answer()
    await say(42, task('a', 2))
    expect(page.textContent).toBe('a.2')
    await show(null)
    expect(sockets.socket(0).left('tasks')).toHaveLength(1)
    const reads = asked.length
    await after(60_000)
    expect(asked).toHaveLength(reads)
  })

  it('renders once for what it shows, and not for what it has shown', async () => {
    const rendered: unknown[] = []
    await show(createElement(Tasks, { ...options(), onRender: (tasks: unknown) => rendered.push(tasks) }))
    await answer()
    await say(42, task('a', 2))
    await say(43, task('a', 1))
    expect(rendered).toHaveLength(3) // nothing, the snapshot, the change
    expect(new Set(rendered).size).toBe(3)
  })

  it('goes on with functions that are others at each rendering, and asks the newest', async () => {
    const once = (name: string) =>
      createElement(Tasks, {
        ...options(),
        rest: () => `https://${name}`,
        headers: () => ({ authorization: name }),
      })
    await show(once('one'))
    await show(once('two'))
    expect(asked).toEqual([{ url: 'https://one/tasks?limit=100', headers: { authorization: 'one' } }])
    await act(async () => sockets.socket(0).answer('tasks', { offset: 50 })) // the snapshot is too old
    await settle()
    expect(asked[1]).toEqual({ url: 'https://two/tasks?limit=100', headers: { authorization: 'two' } })
  })

  it('begins anew with another line, or another place', async () => {
    await show(createElement(Tasks, options()))
    snapshot = [task('b')]
    await show(createElement(Tasks, { ...options(), rest: 'https://y' }))
    expect(page.textContent).toBe('b.1')
    expect(asked.map(({ url }) => url)).toEqual(['https://x/tasks?limit=100', 'https://y/tasks?limit=100'])
    const other = new Line({ url: 'wss://y/dev', WebSocket: sockets.WebSocket })
    await settle()
    sockets.socket(1).open({ heartbeatMs: 3_600_000 })
    await show(createElement(Tasks, { ...options(), line: other }))
    expect(sockets.socket(1).asked('tasks')).toHaveLength(1)
    await show(null)
    other.close()
  })

  it('opens nothing for what is rendered and never shown', async () => {
    const never = new Promise<never>(() => undefined)
    const Waiting = () => {
      useLiveTasks(options())
      return use(never)
    }
    await show(createElement(Suspense, { fallback: 'wait' }, createElement(Waiting)))
    expect(page.textContent).toBe('wait')
    expect(asked).toEqual([])
    expect(sockets.socket(0).asked('tasks')).toEqual([])
  })

  it('shows what it had when it comes back from being hidden, then what has become of it', async () => {
    const inside = (mode: 'visible' | 'hidden') =>
      createElement(Activity, { mode, children: createElement(Tasks, options()) })
    await show(inside('visible'))
    await show(inside('hidden'))
    snapshot = [task('b')]
    await act(async () => root.render(inside('visible')))
    expect(page.textContent).toMatch(/^[ab]\.1$/) // never nothing
    await settle()
    expect(page.textContent).toBe('b.1')
  })

  it('renders nothing on a server', () => {
    expect(renderToString(createElement(Tasks, options()))).toBe('<p></p>')
    expect(asked).toEqual([])
  })
})
