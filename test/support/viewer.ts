import { isDeepStrictEqual } from 'node:util'
import { WebSocket } from 'ws'
import { type Item, type Line, connect, liveTasks } from '../../client/index.ts'
import type { ChannelEvent, Task } from '../../protocol/messages.ts'
import type { Entry, startOpenline } from './openline.ts'

type Openline = Awaited<ReturnType<typeof startOpenline>>

/** Someone who watches the tasks and a channel with the client library, in a hurry: what it waits for takes milliseconds. */
export class Viewer {
  readonly line: Line
  /** What came of each channel, in order, and where it began. */
  readonly heard = new Map<string, { from: number; readonly items: Item[] }>()
  /** The sockets that it has had, newest last. */
  readonly sockets: WebSocket[] = []
  readonly #openline: Openline
  readonly #live: ReturnType<typeof liveTasks>
  readonly #watchers = new Set<() => void>()
  #isGreeted = false
  /** What its next line waits for. */
  #network: Promise<void> = Promise.resolve()

  constructor(openline: Openline, channels: readonly string[] = ['tasks']) {
    this.#openline = openline
    const opened = (socket: WebSocket) => {
      this.sockets.push(socket)
      socket.on('message', (data: Buffer) => {
        if (!data.includes('"type":"welcome"')) return
        this.#isGreeted = true
        this.#look()
      })
    }
    const Recorded = class extends WebSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols)
        opened(this)
      }
    }
    this.line = connect({
      url: () => this.#network.then(() => openline.socketUrl),
      WebSocket: Recorded,
      backoff: { baseMs: 50, capMs: 200 },
      holeMs: 50,
      replyMs: 1_000,
    })
    for (const channel of channels) this.#hear(channel)
    this.#live = liveTasks({ line: this.line, rest: openline.rest })
    this.#live.subscribe(() => this.#look())
    this.line.onStatus(() => this.#look())
  }

  #hear(channel: string): void {
    const heard: { from: number; readonly items: Item[] } = { from: Number.NaN, items: [] }
    this.heard.set(channel, heard)
    const take = (item: Item) => {
      heard.items.push(item)
      this.#look()
    }
    this.line.subscribe(channel, {
      onSubscribed: (offset) => {
        heard.from = offset
        this.#look()
      },
      onEvent: (event, offset) => take({ type: 'event', offset, event }),
      onReset: (offset) => take({ type: 'reset', offset }),
    })
  }

  get tasks(): Task[] {
    return [...this.#live.tasks.values()].sort((a, b) => a.id.localeCompare(b.id))
  }

  /** Every event of a channel that came. */
  eventsOf(channel: string): ChannelEvent[] {
    return this.itemsOf(channel).flatMap((item) => (item.type === 'event' ? [item.event] : []))
  }

  itemsOf(channel: string): readonly Item[] {
    return this.heard.get(channel)?.items ?? []
  }

  /** Resolves when something holds; looked at whenever something comes. */
  async sees(holds: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = () => {
        if (!holds()) return
        this.#watchers.delete(look)
        resolve()
      }
      this.#watchers.add(look)
      look()
    })
  }

  /** Resolves when it is on a line, has been greeted and shows the tasks. */
  ready(): Promise<void> {
    return this.sees(() => this.line.status === 'open' && this.#isGreeted && this.#live.isReady)
  }

  /** Resolves when its tasks are those of the table, as they are when this is called. */
  async converges(): Promise<void> {
    const table = await this.#openline.tasks()
    await this.sees(() => isDeepStrictEqual(this.tasks, table))
  }

  /** Its line breaks, unnoticed by the gateway unless that looks. @returns has the network back */
  losesNetwork(): () => void {
    let back: () => void = () => undefined
    this.#network = new Promise((resolve) => (back = resolve))
    this.sockets.at(-1)?.terminate()
    return back
  }

  /** What is wrong with what it heard of a channel. */
  async complaints(channel: string): Promise<string[]> {
    const { from = Number.NaN, items = [] } = this.heard.get(channel) ?? {}
    return complaints(from, items, await this.#openline.entriesOf(channel))
  }

  close(): void {
    this.#live.close()
    this.line.close()
  }

  #look(): void {
    for (const watch of [...this.#watchers]) watch()
  }
}

/**
 * What is wrong with what somebody heard of a channel, beside its log: nothing when it is every event of every entry
 * after `from`, once and in order, and resets where entries were skipped.
 */
export function complaints(from: number, items: readonly Item[], entries: readonly Entry[]): string[] {
  const wrong: string[] = []
  const identity = (event: ChannelEvent) => `${event.id} ${'version' in event ? event.version : ''}`
  const seen = new Set<string>()
  let at = from
  const pending: { readonly offset: number; readonly identity: string }[] = []
  const fill = (until: number) => {
    for (const entry of entries.filter(({ offset }) => offset > at && offset <= until)) {
      if (entry.offset !== at + 1) wrong.push(`the log has a hole before ${entry.offset}`)
      if (entry.isGap) wrong.push(`no reset for the gap at ${entry.offset}`)
      for (const event of entry.events)
        if (!seen.has(identity(event)) && !pending.some((each) => each.identity === identity(event)))
          pending.push({ offset: entry.offset, identity: identity(event) })
      at = entry.offset
    }
  }
  for (const item of items) {
    if (item.type === 'reset') {
      if (item.offset <= at) wrong.push(`reset back from ${at} to ${item.offset}`)
      pending.length = 0
      at = item.offset
      continue
    }
    fill(item.offset)
    const heard = identity(item.event)
    if (seen.has(heard)) wrong.push(`${heard} came twice`)
    seen.add(heard)
    const expected = pending.shift()
    if (expected?.identity !== heard || expected.offset !== item.offset)
      wrong.push(
        `${heard} came at ${item.offset} instead of ${expected?.identity ?? 'nothing'} at ${expected?.offset ?? 'no offset'}`,
      )
  }
  fill(Infinity)
  for (const { offset, identity: missing } of pending) wrong.push(`${missing} at ${offset} never came`)
  return wrong
}
