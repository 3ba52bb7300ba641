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
  readonly sent: Sent[] = []
  isClosed = false
  #isOpen = false

  constructor(url: string, protocols: string[] = []) {
    this.url = url
    this.protocols = protocols
  }
  send(data: string) {
    if (!this.#isOpen) throw new Error('the socket is not open') // as `ws` and browsers do during the handshake
    this.sent.push(JSON.parse(data) as Sent)
  }
  close() {
    this.isClosed = true
  }

  open(welcome: object = {}) {
    this.openUngreeted()
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
  /** `welcome` is still to come, or is lost. */
  openUngreeted() {
    this.#isOpen = true
    this.onopen?.({} as never)
  }
  say(frame: unknown) {
    this.onmessage?.({ data: JSON.stringify(frame) } as never)
  }
  end(code = 1006) {
    this.onclose?.({ code } as never)
  }
  /** The questions about a channel, newest last. */
  asked(channel: string) {
    return this.#actions('subscribe').filter(({ channel: name }) => name === channel)
  }
  /** The unsubscriptions from a channel, newest last. */
  left(channel: string) {
    return this.#actions('unsubscribe').filter(({ channel: name }) => name === channel)
  }
  /** The sendings of a message, newest last. */
  said(messageId: string) {
    return this.#actions('publish').filter(({ messageId: name }) => name === messageId)
  }
  /** Answers the newest question about a channel. */
  answer(channel: string, frame: object) {
    this.say({ type: 'subscribed', channel, id: newest(this.asked(channel)), ...frame })
  }
  leave(channel: string) {
    this.say({ type: 'unsubscribed', channel, id: newest(this.left(channel)) })
  }
  published(messageId: string, offset: number) {
    this.say({ type: 'published', channel: 'chat/lobby', offset, id: newest(this.said(messageId)) })
  }
  /** Answers one of the actions above with an error. */
  refuse(actions: Sent[], code: string) {
    this.say({ type: 'error', code, message: `it is ${code}`, requestId: 'r-1', id: newest(actions) })
  }
  #actions(wanted: string) {
    return this.sent.filter(({ action }) => action === wanted)
  }
}

type Sent = Record<string, unknown>

function newest(actions: Sent[]): unknown {
  const { id } = actions.at(-1) ?? {}
  if (id === undefined) throw new Error('nothing of the kind was sent')
  return id
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
