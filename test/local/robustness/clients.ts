// A crowd in a process of its own: opens connections when told how many, and ends them all at once when told how.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { closeClients, openClients } from '../../../bench/support/clients.ts'

export type Order =
  | { readonly do: 'open'; readonly url: string; readonly count: number }
  | { readonly do: 'close' }
  | { readonly do: 'reset' }

let clients: WebSocket[] = []

async function follow(order: Order): Promise<void> {
  if (order.do === 'open') {
    clients = await openClients(order.url, order.count)
    return
  }
  const all = clients.splice(0)
  if (order.do === 'close') await closeClients(all)
  else await Promise.all(all.map(reset))
}

/** Ends a line by a reset, without a close frame. */
async function reset(client: WebSocket): Promise<void> {
  const closed = once(client, 'close')
  client.on('error', () => undefined) // the reset
  ;(client as unknown as { readonly _socket: Socket })._socket.resetAndDestroy()
  await closed
}

process.on('disconnect', () => process.exit(0))
process.on('message', (order: Order) => void follow(order).then(() => process.send?.('done')))
process.send?.('ready')
