import { afterEach, beforeEach, onTestFinished, vi } from 'vitest'
import { Line, type LineOptions, type Status } from '../../client/line.ts'
import { fakeServer } from './fake-server.ts'

export const MINUTE = 60_000

export const said = (id: string) => ({ type: 'chat.message', id, from: 'bob', at: '', data: id })
/** A frame of `chat/lobby`. */
export const events = (offset: number, ...ids: string[]) => ({
  type: 'events',
  channel: 'chat/lobby',
  offset,
  events: ids.map(said),
})
/** What an answer or a frame holds of several offsets, one event each, the last of them at `offset`. */
export const batch = (offset: number, ...ids: string[]) => ({
  offset,
  sizes: ids.map(() => 1),
  events: ids.map(said),
})

/** Lets the promises in between go on. */
export const settle = () => vi.advanceTimersByTimeAsync(0)

/** What surfaces as an uncaught error until the test ends, caught here. */
export function surfacing(): unknown[] {
  const errors: unknown[] = []
  const spy = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => {
    void Promise.resolve()
      .then(task)
      .catch((error: unknown) => errors.push(error))
  })
  onTestFinished(() => spy.mockRestore())
  return errors
}

/** Lines to a fake server, on fake timers; closed after each test. */
export function lines() {
  const opened: Line[] = []
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    for (const line of opened.splice(0)) line.close()
    vi.useRealTimers()
  })
  return async function start(options: Partial<LineOptions> = {}) {
    const server = fakeServer()
    const line = new Line({ url: 'wss://x/dev', WebSocket: server.WebSocket, random: () => 0.5, ...options })
    opened.push(line)
    const statuses: Status[] = []
    line.onStatus((status) => statuses.push(status))
    const heard: string[] = []
    const follow = (after?: number) =>
      line.subscribe('chat/lobby', {
        ...(after === undefined ? {} : { after }),
        onEvent: (event) => heard.push(event.id),
        onReset: (offset) => heard.push(`reset@${offset}`),
      })
    await settle()
    return { ...server, line, statuses, heard, follow }
  }
}
