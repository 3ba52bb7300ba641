// The floor: what the same client sees of a `ws` server that does nothing but echo, and posts what it is given.
import { type IncomingMessage, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { serve } from './child.ts'

const server = createServer((request, response) => {
  const id = decodeURIComponent(request.url?.split('/').at(-1) ?? '')
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const socket = connections.get(id)
    socket?.send(Buffer.concat(chunks).toString())
    response.writeHead(socket ? 200 : 410).end()
  })
})
server.keepAliveTimeout = 75_000
const connections = new Map<string, WebSocket>()
let count = 0
const sockets = new WebSocketServer({ server, perMessageDeflate: { threshold: 1024 } })
sockets.on('connection', (socket: WebSocket, _request: IncomingMessage) => {
  const id = `c${(count++).toString().padStart(14, '0')}=`
  connections.set(id, socket)
  socket.on('close', () => connections.delete(id))
  socket.on('message', (data: Buffer) => {
    const text = data.toString()
    socket.send(text === 'who am I' ? id : text)
  })
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo
serve({ url: `ws://127.0.0.1:${port}/bench`, callbackUrl: `http://127.0.0.1:${port}/bench` })
