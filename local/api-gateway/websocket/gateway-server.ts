import { type IncomingMessage, type RequestListener, type Server, createServer } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../clock.ts'
import { datedBy } from '../../dated-responses.ts'
import { SERVER_OPTIONS } from './limits.ts'

export interface GatewayListeners {
  readonly request: RequestListener
  /** Of requests to upgrade to `websocket`. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

/**
 * A server that clients of WebSocket APIs come to. An offer to go on in another protocol than WebSocket is declined as
 * HTTP has it, by serving the request: HTTP clients of Java offer `h2c` with every POST to `@connections`.
 */
export function createGatewayServer({ request, upgrade }: GatewayListeners, clock: Clock): Server {
  const server = createServer({ ...SERVER_OPTIONS, ...datedBy(clock) }, request)
  return server.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (message.headers.upgrade?.toLowerCase() === 'websocket') {
      upgrade(message, socket, head)
      return
    }
    // Node has taken the request off the line; it comes in again without the offer.
    socket.unshift(Buffer.concat([Buffer.from(headWithoutUpgrade(message), 'latin1'), head]))
    server.emit('connection', socket)
  })
}

function headWithoutUpgrade({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = rawHeaders.slice(i, i + 2)
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${value}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}
