import type { Action, ServerMessage } from '../protocol/messages.ts'
import { backoffMs } from './backoff.ts'

export interface LineOptions {
  /** The address with its channels, asked for before each attempt. */
  readonly url: () => Promise<string>
  readonly onFrame: (frame: ServerMessage) => void
  readonly onState: (state: 'connecting' | 'open' | 'waiting') => void
}

/** How long a ping may stay unanswered. */
const PONG_WAIT_MS = 10_000

/** A WebSocket that comes back when it is lost. */
export class Line {
  readonly #options: LineOptions
  #socket: WebSocket | undefined
  #attempt = 0
  #heartbeat: ReturnType<typeof setInterval> | undefined
  #silence: ReturnType<typeof setTimeout> | undefined

  constructor(options: LineOptions) {
    this.#options = options
    void this.#connect()
  }

  /** @returns false when there is no open line to say it on */
  send(action: Action): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false
    this.#socket.send(JSON.stringify(action))
    return true
  }

  async #connect(): Promise<void> {
    this.#options.onState('connecting')
    try {
      const socket = new WebSocket(await this.#options.url())
      this.#socket = socket
      socket.onmessage = ({ data }) => this.#receive(String(data))
      socket.onclose = () => this.#lost(socket)
    } catch {
      this.#retry()
    }
  }

  #receive(text: string): void {
    clearTimeout(this.#silence)
    const frame = JSON.parse(text) as ServerMessage
    if (frame.type === 'welcome') {
      this.#attempt = 0
      clearInterval(this.#heartbeat)
      this.#heartbeat = setInterval(() => this.#ping(), frame.heartbeatMs)
      this.#options.onState('open')
    }
    this.#options.onFrame(frame)
  }

  #ping(): void {
    const socket = this.#socket
    if (socket === undefined || !this.send({ action: 'ping' })) return
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => {
      socket.close()
      this.#lost(socket) // a dead network would hold the close event back
    }, PONG_WAIT_MS)
  }

  #lost(socket: WebSocket): void {
    if (this.#socket !== socket) return
    this.#socket = undefined
    socket.onmessage = null
    clearInterval(this.#heartbeat)
    clearTimeout(this.#silence)
    this.#retry()
  }

  #retry(): void {
    this.#options.onState('waiting')
    setTimeout(() => void this.#connect(), backoffMs(this.#attempt++))
  }
}
