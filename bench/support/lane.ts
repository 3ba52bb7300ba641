import { once } from 'node:events'
import { type Socket, connect } from 'node:net'

/**
 * One kept-alive line of HTTP/1.1 with hand-made requests, so that the driver costs next to nothing and the server is
 * what is measured. Understands responses without a body only.
 */
export class Lane {
  readonly #socket: Socket
  readonly #host: string
  #waiting:
    { readonly resolve: (status: number) => void; readonly reject: (error: Error) => void } | undefined
  #received = ''

  private constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#host = host
    socket.on('close', () => this.#waiting?.reject(new Error('the server closed the line')))
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      this.#received += chunk
      if (!this.#received.endsWith('\r\n\r\n')) return
      const status = Number(this.#received.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length))
      this.#received = ''
      this.#waiting?.resolve(status)
    })
  }

  static async open(base: URL): Promise<Lane> {
    const socket = connect({ host: base.hostname, port: Number(base.port), noDelay: true })
    await once(socket, 'connect')
    return new Lane(socket, base.host)
  }

  /** @returns the status */
  post(path: string, body: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#socket.write(
        `POST ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      )
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}
