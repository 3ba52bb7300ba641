import inspector from 'node:inspector'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { ManualClock } from '../../../local/clock.ts'
import { makeFunction } from './fixture.ts'

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: unknown
}

/** What a debugger does: speaks to the process, and through it to its threads. */
async function attach(url: string) {
  const socket = new WebSocket(url)
  await new Promise((resolve) => socket.once('open', resolve))
  onTestFinished(() => socket.close())
  const seen: Message[] = []
  const watchers = new Set<() => void>()
  socket.on('message', (data: Buffer) => {
    seen.push(JSON.parse(data.toString()) as Message)
    for (const watch of watchers) watch()
  })
  const until = <T>(look: (message: Message) => T | undefined) =>
    new Promise<T>((resolve) => {
      const watch = () => {
        for (const message of seen) {
          const found = look(message)
          if (found === undefined) continue
          watchers.delete(watch)
          resolve(found)
          return
        }
      }
      watchers.add(watch)
      watch()
    })
  let lastId = 0
  const send = async (method: string, params: object = {}) => {
    const id = ++lastId
    socket.send(JSON.stringify({ id, method, params }))
    return until((message) => (message.id === id ? message.result : undefined))
  }
  /** A thread's own messages come wrapped. */
  const inThread = (look: (message: Message) => unknown) =>
    until(({ method, params }) => {
      if (method !== 'NodeWorker.receivedMessageFromWorker') return undefined
      return look(JSON.parse(String(params?.['message'])) as Message) ? true : undefined
    })
  const sendToThread = async (sessionId: unknown, method: string, params: object = {}) => {
    const id = ++lastId
    const message = JSON.stringify({ id, method, params })
    await send('NodeWorker.sendMessageToWorker', { sessionId, message })
    return inThread((answer) => answer.id === id)
  }
  return { send, until, inThread, sendToThread }
}

describe('a debugger', () => {
  it('stops a handler at a breakpoint for longer than the function may run, and lets it go on', async () => {
    inspector.open(0, '127.0.0.1')
    onTestFinished(() => inspector.close())
    const clock = new ManualClock()
    const { call } = makeFunction(
      `export const handler = async ({ n }) => {
         const twice = n * 2
         return twice
       }`,
      { Timeout: 3 },
      { clock },
    )
    expect(await call('Fn', { n: 1 })).toEqual({ reply: 2 })
    const { send, until, inThread, sendToThread } = await attach(inspector.url() ?? '')
    await send('NodeWorker.enable', { waitForDebuggerOnStart: false })
    const sessionId = await until(({ method, params }) =>
      method === 'NodeWorker.attachedToWorker' ? params?.['sessionId'] : undefined,
    )
    await sendToThread(sessionId, 'Debugger.enable')
    await sendToThread(sessionId, 'Debugger.setBreakpointByUrl', { lineNumber: 2, urlRegex: 'index\\.mjs$' })
    const outcome = call('Fn', { n: 21 })
    await inThread(({ method }) => method === 'Debugger.paused')
    clock.advance(60_000)
    await sendToThread(sessionId, 'Debugger.resume')
    expect(await outcome).toEqual({ reply: 42 })
  })
})
