import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MINUTE, lines } from './a-line.ts'

describe('a line in a browser, which knows of its network', () => {
  const start = lines()
  let browser: EventTarget
  const tell = (type: 'online' | 'offline') => browser.dispatchEvent(new Event(type))
  beforeEach(() => {
    browser = new EventTarget()
    vi.stubGlobal('addEventListener', browser.addEventListener.bind(browser))
    vi.stubGlobal('removeEventListener', browser.removeEventListener.bind(browser))
  })
  afterEach(() => vi.unstubAllGlobals())

  it('asks whether anybody is there when that goes, and comes back when nobody answers', async () => {
    const { socket, statuses } = await start()
    socket(0).open()
    tell('offline')
    expect(socket(0).sent).toEqual([{ action: 'ping' }])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(socket(0).isClosed).toBe(true)
    expect(statuses).toEqual(['open', 'resuming'])
  })

  it('keeps the line when somebody answers', async () => {
    const { socket, statuses } = await start()
    socket(0).open()
    for (const type of ['offline', 'online'] as const) tell(type)
    expect(socket(0).sent).toEqual([{ action: 'ping' }]) // one for both
    socket(0).say({ type: 'pong' })
    await vi.advanceTimersByTimeAsync(20_000)
    expect(statuses).toEqual(['open'])
  })

  it('comes back as after a first loss when that is back, however long it waits already', async () => {
    const { sockets, socket } = await start()
    for (let index = 0; index < 6; index++) {
      socket(index).end()
      await vi.advanceTimersByTimeAsync(500 * 2 ** index)
    }
    socket(6).end() // 32 s to wait
    tell('online')
    await vi.advanceTimersByTimeAsync(500)
    expect(sockets).toHaveLength(8)
  })

  it('opens one line when that is back while the address is looked up', async () => {
    const url = () => new Promise<string>((resolve) => setTimeout(resolve, 2_000, 'wss://x/dev'))
    const { sockets } = await start({ url })
    tell('online')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(sockets).toHaveLength(1)
  })

  it('listens no longer than the line lives', async () => {
    const ended = vi.spyOn(globalThis, 'removeEventListener')
    const { line, sockets } = await start()
    line.close()
    expect(ended.mock.calls.map(([type]) => type)).toEqual(['online', 'offline'])
    for (const type of ['online', 'offline'] as const) tell(type)
    await vi.advanceTimersByTimeAsync(MINUTE)
    expect(sockets).toHaveLength(1)
  })
})
