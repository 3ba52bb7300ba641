import { once } from 'node:events'
import { WebSocket } from 'ws'

const OPENING_AT_ONCE = 100

/** Opens connections, so many handshakes at a time. */
export async function openClients(url: string, count: number): Promise<WebSocket[]> {
  const clients: WebSocket[] = []
  while (clients.length < count) {
    const some = Array.from({ length: Math.min(OPENING_AT_ONCE, count - clients.length) }, () => {
      const client = new WebSocket(url, { perMessageDeflate: false })
      return once(client, 'open').then(() => client)
    })
    clients.push(...(await Promise.all(some)))
  }
  return clients
}

/** Closes them and waits until every one is closed. */
export async function closeClients(clients: readonly WebSocket[]): Promise<void> {
  await Promise.all(
    clients.map((client) => {
      const closed = once(client, 'close')
      client.close()
      return closed
    }),
  )
}
