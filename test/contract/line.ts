import type { IncomingMessage } from 'node:http'
import type { Urls } from './app/stack.ts'
import { type ClientOptions, WebSocket } from 'ws'

/** How a handshake ended: 101, or the status that refused it. */
export interface Handshake {
  readonly status: number
  readonly headers: IncomingMessage['headers']
}

export interface Closed {
  readonly code: number
  readonly reason: string
}

/** A client that keeps what it is told from the first byte on. */
export class Line {
  readonly socket: WebSocket
  readonly handshake: Promise<Handshake>
  readonly closed: Promise<Closed>
  readonly #received: { readonly data: string; readonly isBinary: boolean }[] = []
  readonly #waiting: (() => void)[] = []

  constructor(url: string, protocols: readonly string[] = [], options: ClientOptions = {}) {
    this.socket = new WebSocket(url, [...protocols], options)
    this.handshake = new Promise((resolve, reject) => {
      const ended = ({ statusCode = 0, headers }: IncomingMessage) => resolve({ status: statusCode, headers })
      this.socket.on('upgrade', ended)
      this.socket.on('unexpected-response', (request, response) => {
        ended(response)
        request.destroy()
      })
      this.socket.on('error', reject) // after the fact, nobody listens any more
    })
    this.handshake.catch(() => undefined)
    this.closed = new Promise((resolve) =>
      this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    )
    this.socket.on('message', (data: Buffer, isBinary) => {
      this.#received.push({ data: data.toString(), isBinary })
      this.#waiting.shift()?.()
    })
  }

  /** Resolves when it is open. @throws when the handshake is refused */
  async open(): Promise<this> {
    const { status } = await this.handshake
    if (status !== 101) throw new Error(`the handshake was refused with ${status}`)
    if (this.socket.readyState === WebSocket.CONNECTING)
      await new Promise((resolve) => this.socket.once('open', resolve))
    return this
  }

  /** Something to be sent as it is, or an object to be sent as JSON. */
  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  /** The next message. */
  async message(): Promise<{ readonly data: string; readonly isBinary: boolean }> {
    for (;;) {
      const next = this.#received.shift()
      if (next) return next
      await Promise.race([
        new Promise<void>((resolve) => this.#waiting.push(resolve)),
        this.closed.then(({ code }) => {
          throw new Error(`closed with ${code} while a message was waited for`)
        }),
      ])
    }
  }

  async ask(message: unknown): Promise<unknown> {
    this.send(message)
    const { data } = await this.message()
    try {
      return JSON.parse(data) as unknown
    } catch {
      return data
    }
  }
}

/** The contract app knows where all of it is. */
export async function askForUrls(probeUrl: string): Promise<Urls> {
  const line = await new Line(probeUrl).open()
  const urls = (await line.ask({ action: 'urls' })) as Urls
  line.socket.close()
  return urls
}
