import type { WebSocketConstructor, WebSocketLike } from '../../client/link.ts'

type Handler = ((event: never) => unknown) | null

/** A socket whose other side is the test. */
export class FakeSocket implements WebSocketLike {
  onopen: Handler = null
  onmessage: Handler = null
  onclose: Handler = null
  onerror: Handler = null
  readonly url: string
  readonly protocols: readonly string[]
  /** What the client has sent, parsed. */
  readonly sent: Record<string, unknown>[] = []
  isClosed = false

  constructor(url: string, protocols: string[] = []) {
    this.url = url
    this.protocols = protocols
  }
  send(data: string) {
    this.sent.push(JSON.parse(data) as Record<string, unknown>)
  }
  close() {
    this.isClosed = true
  }

  open(welcome: object = {}) {
    this.onopen?.({} as never)
    this.say({
      type: 'welcome',
      connectionId: 'c',
      heartbeatMs: 60_000,
      leaseMs: 900_000,
      reconnectMs: 1_000,
      lifetimeMs: 7_200_000,
      channels: {},
      ...welcome,
    })
  }
  say(frame: object) {
    this.onmessage?.({ data: JSON.stringify(frame) } as never)
  }
  end(code = 1006) {
    this.onclose?.({ code } as never)
  }
  /** The questions about a channel, newest last. */
  asked(channel: string) {
    return this.sent.filter(({ action, channel: name }) => action === 'subscribe' && name === channel)
  }
  /** Answers the newest question about a channel. */
  answer(channel: string, frame: object) {
    const id = this.asked(channel).at(-1)?.['id']
    if (id === undefined) throw new Error(`nothing was asked about ${channel}`)
    this.say({ type: 'subscribed', channel, id, ...frame })
  }
}

/** Every socket that a client opens, in order. */
export function fakeServer() {
  const sockets: FakeSocket[] = []
  const WebSocket = class extends FakeSocket {
    constructor(url: string, protocols?: string[]) {
      super(url, protocols)
      sockets.push(this)
    }
  } as unknown as WebSocketConstructor
  const socket = (index: number) => {
    const found = sockets[index]
    if (!found) throw new Error(`the client has opened ${sockets.length} sockets, and no socket ${index}`)
    return found
  }
  return { WebSocket, sockets, socket }
}
