import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { type Line, type LiveTasks, type Status, connect, liveTasks } from '../../client/index.ts'
import { startOpenline, synthesizeOpenline } from '../support/openline.ts'

describe('the client on the whole stack', () => {
  let app: Awaited<ReturnType<typeof synthesizeOpenline>>
  let openline: Awaited<ReturnType<typeof startOpenline>>
  beforeAll(async () => {
    app = await synthesizeOpenline()
    openline = await startOpenline(app.assembly)
  })
  afterAll(async () => {
    await openline.close()
    app.remove()
  })

  function open(): Line {
    const url = openline.stack.apis.find(({ protocol }) => protocol === 'WEBSOCKET')?.url ?? ''
    const line = connect({ url, WebSocket, backoff: { baseMs: 50 } })
    onTestFinished(() => line.close())
    return line
  }
  const until = (line: Line, wanted: Status) =>
    new Promise<void>((resolve) => {
      if (line.status === wanted) resolve()
      const end = line.onStatus((status) => {
        if (status !== wanted) return
        end()
        resolve()
      })
    })

  it('hears what was said while it was away, each word once and in order', async () => {
    const [listener, speaker] = [open(), open()]
    const heard: string[] = []
    let count: (() => void) | undefined
    listener.subscribe('chat/away', {
      onEvent: ({ data }) => {
        heard.push(data)
        count?.()
      },
      onReset: () => heard.push('reset'),
    })
    const words = (number: number) =>
      new Promise<void>((resolve) => {
        count = () => heard.length === number && resolve()
        count()
      })
    await Promise.all([until(listener, 'open'), until(speaker, 'open')])
    await speaker.publish('chat/away', 'one').done
    await words(1)
    const lost = until(listener, 'resuming')
    await openline.cutAll()
    await lost
    for (const word of ['two', 'three']) await speaker.publish('chat/away', word).done
    await words(3)
    expect(heard).toEqual(['one', 'two', 'three'])
  })

  it('shows the tasks of the table, whoever changes them', async () => {
    const line = open()
    const live = liveTasks({ line, rest: openline.rest })
    onTestFinished(() => live.close())
    const titles = () => [...live.tasks.values()].map(({ title, done }) => `${title} ${done}`)
    const shows = (wanted: string[]) => shown(live, () => JSON.stringify(titles()) === JSON.stringify(wanted))
    const call = async (method: string, path: string, body?: object) => {
      const init = { method, ...(body ? { body: JSON.stringify(body) } : {}) }
      const response = await fetch(openline.rest + path, init)
      return (response.status === 204 ? undefined : await response.json()) as { id: string }
    }
    const { id } = await call('POST', '/tasks', { title: 'Ship it' })
    await shows(['Ship it false'])
    await openline.cutAll()
    await call('PATCH', `/tasks/${id}`, { done: true })
    await shows(['Ship it true'])
    await call('DELETE', `/tasks/${id}`)
    await shows([])
  })
})

const shown = (live: LiveTasks, holds: () => boolean) =>
  new Promise<void>((resolve) => {
    const look = () => {
      if (!holds()) return
      end()
      resolve()
    }
    const end = live.subscribe(look)
    look()
  })
