// The clients of a run, as they live in their own thread: real lines of the client library, which keep what they are told.
import { WebSocket } from 'ws'
import {
  type ChannelEvent,
  type Line,
  type LiveTasks,
  type Publication,
  type Subscription,
  OpenlineError,
  connect,
  liveTasks,
} from '../../client/index.ts'
import type { WebSocketConstructor } from '../../client/link.ts'
import type { SharedTime } from '../../local/shared-time.ts'
import type { PublicationReport, Report, Told } from './report.ts'
import { type TaskState, difference, inOrder } from './task-state.ts'

/** How everything stands once nothing changes any more. */
export interface Outcome {
  /** The newest offset of each channel. */
  readonly newest: Readonly<Record<string, number>>
  readonly tasks: readonly TaskState[]
}

interface Follow {
  readonly key: string
  readonly channel: string
  readonly told: Told[]
  readonly subscription: Subscription<ChannelEvent>
  have: number
  isOpen: boolean
}

interface Viewer {
  readonly line: Line
  readonly live: LiveTasks | undefined
  readonly sockets: Set<WebSocket>
  /** Sockets, those that have ended among them. */
  readonly opened: { count: number }
  readonly follows: Map<string, Follow>
  losses: number
}

export interface ViewerOptions {
  readonly url: string
  readonly rest: string
  /** The time that they live in, and how far their clock is off. */
  readonly time: SharedTime
  readonly skewMs: number
}

/** A storm is over soon; nobody waits for minutes then. */
const MOST_BACKOFF_MS = 20_000

/** Who is not greeted by then was not turned away either. */
const MOST_SILENCE_MS = 180_000

const channelsOf = ({ live, follows }: Viewer) =>
  new Set([...(live ? ['tasks'] : []), ...[...follows.keys()].filter((name) => !name.startsWith('tasks/'))])

/** Everybody who watches. Whoever has left does nothing any more. */
export class Viewers {
  readonly #options: ViewerOptions
  readonly #viewers = new Map<string, Viewer>()
  /** Those that ended since the last report too. */
  readonly #follows = new Set<Follow>()
  readonly #pending = new Set<Publication>()
  readonly #published: PublicationReport[] = []
  readonly #watchers = new Set<() => void>()
  #largestFrame = 0
  #count = 0

  constructor(options: ViewerOptions) {
    this.#options = options
  }

  open(name: string, isLive: boolean): void {
    const { url, rest } = this.#options
    const sockets = new Set<WebSocket>()
    const opened = { count: 0 }
    const WebSocket = this.#socketsIn(sockets, opened)
    const line = connect({ url, WebSocket, backoff: { capMs: MOST_BACKOFF_MS } })
    const live = isLive ? liveTasks({ line, rest }) : undefined
    const viewer: Viewer = { line, live, sockets, opened, follows: new Map(), losses: 0 }
    this.#viewers.set(name, viewer)
    line.onStatus((status) => {
      if (status === 'resuming') viewer.losses++
      this.#changed()
    })
    live?.subscribe(() => this.#changed())
  }

  close(name: string): void {
    const viewer = this.#viewers.get(name)
    if (!viewer) return
    this.#viewers.delete(name)
    for (const follow of viewer.follows.values()) follow.isOpen = false
    viewer.live?.close()
    viewer.line.close()
  }

  /** Leaves without a word, as a machine does that loses its power: the line is never used again. */
  vanish(name: string): void {
    const sockets = this.#viewers.get(name)?.sockets ?? []
    this.close(name)
    for (const socket of sockets) socket.terminate()
  }

  follow(name: string, channel: string): void {
    const viewer = this.#viewers.get(name)
    if (!viewer || viewer.follows.has(channel)) return
    const { line, follows } = viewer
    const told: Told[] = []
    const tell = (item: Told) => {
      told.push(item)
      follow.have = Math.max(follow.have, item.offset)
      this.#changed()
    }
    const subscription = line.subscribe(channel, {
      onEvent: (event: ChannelEvent, offset) => tell({ type: 'event', offset, event }),
      onReset: (offset) => tell({ type: 'reset', offset }),
      onSubscribed: (offset) => tell({ type: 'subscribed', offset }),
    })
    const key = `${name} ${channel} ${++this.#count}`
    const follow: Follow = { key, channel, told, subscription, have: -1, isOpen: true }
    follows.set(channel, follow)
    this.#follows.add(follow)
  }

  unfollow(name: string, channel: string): void {
    const viewer = this.#viewers.get(name)
    const follow = viewer?.follows.get(channel)
    if (!follow) return
    viewer?.follows.delete(channel)
    follow.isOpen = false
    follow.subscription.close()
  }

  publish(name: string, channel: `chat/${string}`, data: string, messageId: string): void {
    const publication = this.#viewers.get(name)?.line.publish(channel, data, messageId)
    if (!publication) return
    this.#pending.add(publication)
    const settled = (outcome: number | string) => {
      this.#pending.delete(publication)
      this.#published.push({ viewer: name, channel, messageId, outcome })
      this.#changed()
    }
    publication.done.then(settled, (error: unknown) =>
      settled(error instanceof OpenlineError ? error.code : String(error)),
    )
  }

  /** Ends the socket of a line: with a close frame, or as a network does that is gone. */
  cut(name: string, isClean: boolean): void {
    for (const socket of this.#viewers.get(name)?.sockets ?? [])
      if (isClean) socket.close(1000)
      else socket.terminate()
  }

  /**
   * Says something of a size on a line of its own, in one frame or in several.
   * @returns the close code of the answer; `open` where the line stays open and is answered, `silent` where it is not
   */
  say(bytes: number, frames: number): Promise<number | 'open' | 'silent'> {
    return new Promise((resolve) => {
      const socket = new WebSocket(`${this.#options.url}?channel=echo`)
      const limit = setTimeout(() => done('silent'), MOST_SILENCE_MS)
      const done = (outcome: number | 'open' | 'silent') => {
        clearTimeout(limit)
        resolve(outcome)
        socket.terminate()
      }
      socket.on('error', () => undefined) // the close that follows says it
      socket.on('close', done)
      socket.once('message', () => {
        socket.once('message', () => done('open'))
        const part = Math.ceil(bytes / frames)
        for (let sent = 0; sent < bytes; sent += part) {
          const size = Math.min(part, bytes - sent)
          socket.send('x'.repeat(size), { fin: sent + size === bytes, binary: false })
        }
      })
    })
  }

  /**
   * Waits until everybody who is there has heard everything.
   * @param limitMs how long that may take
   * @returns what is still missing then, a line for each; empty when nothing is
   */
  converged(outcome: Outcome, limitMs: number): Promise<string[]> {
    const text = JSON.stringify(outcome.tasks)
    return new Promise((resolve) => {
      let isLooking = false
      const done = (missing: string[]) => {
        clearTimeout(limit)
        this.#watchers.delete(watch)
        resolve(missing)
      }
      const look = () => {
        isLooking = false
        if (this.#missing(outcome, text).next().done === true) done([])
      }
      const watch = () => {
        if (isLooking) return
        isLooking = true
        setImmediate(look)
      }
      const limit = setTimeout(() => done([...this.#missing(outcome, text)]), limitMs)
      this.#watchers.add(watch)
      watch()
    })
  }

  report(): Report {
    const follows = [...this.#follows].map(({ key, channel, isOpen, told }) => ({
      key,
      channel,
      isOpen,
      told: told.splice(0),
    }))
    for (const follow of this.#follows) if (!follow.isOpen) this.#follows.delete(follow)
    return {
      follows,
      publications: this.#published.splice(0),
      losses: Object.fromEntries([...this.#viewers].map(([name, { losses }]) => [name, losses])),
      sockets: Object.fromEntries([...this.#viewers].map(([name, { opened }]) => [name, opened.count])),
      subscriptions: [...this.#viewers.values()].reduce((sum, viewer) => sum + channelsOf(viewer).size, 0),
      largestFrame: this.#largestFrame,
    }
  }

  *#missing({ newest, tasks }: Outcome, text: string): Generator<string> {
    for (const [name, { line, live, follows, sockets }] of this.#viewers) {
      if (line.status !== 'open') yield `${name}: its line is ${line.status}`
      const [socket] = sockets
      if (sockets.size !== 1 || socket?.readyState !== WebSocket.OPEN)
        yield `${name}: has ${sockets.size} sockets, not one that is open`
      for (const { channel, have } of follows.values()) {
        const wanted = newest[channel]
        if (have < (wanted ?? 0)) yield `${name}: stands at ${have} of ${channel}, which is at ${wanted}`
      }
      if (live && !live.isReady) yield `${name}: its tasks are not there yet`
      else if (live) {
        const shown = inOrder(live.tasks.values())
        if (JSON.stringify(shown) !== text) yield `${name}: ${difference(shown, tasks)}`
      }
    }
    for (const { messageId, state } of this.#pending) yield `publication ${messageId} is ${state}`
  }

  /** A class of sockets whose instances can be found again. */
  #socketsIn(sockets: Set<WebSocket>, opened: { count: number }): WebSocketConstructor {
    const measure = (bytes: number) => (this.#largestFrame = Math.max(this.#largestFrame, bytes))
    return class extends WebSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols)
        sockets.add(this)
        opened.count++
        this.on('close', () => sockets.delete(this))
        this.on('error', () => undefined) // the close that follows says it
        this.on('message', (data: Buffer) => measure(data.length))
      }
    }
  }

  #changed(): void {
    for (const watch of this.#watchers) watch()
  }
}
