// How many echoes through a function come back in a second with 100 in flight, beside a bare `ws` server?
import { closeClients, openClients } from './support/clients.ts'
import { type Server, sideBySide } from './support/servers.ts'
import { compare } from './support/statistics.ts'

const IN_FLIGHT = 100
const SECONDS = 3
const ROUNDS = 5
const MESSAGE = JSON.stringify({ text: 'x'.repeat(64) })

const results = await sideBySide(ROUNDS, async (server: Server) => {
  const clients = await openClients(server.url, IN_FLIGHT)
  const end = performance.now() + SECONDS * 1000
  const start = performance.now()
  const counts = await Promise.all(
    clients.map(
      (client) =>
        new Promise<number>((resolve) => {
          let count = 0
          client.on('message', () => {
            count++
            if (performance.now() < end) client.send(MESSAGE)
            else resolve(count)
          })
          client.send(MESSAGE)
        }),
    ),
  )
  const seconds = (performance.now() - start) / 1000
  await closeClients(clients)
  return counts.reduce((sum, count) => sum + count, 0) / seconds
})

console.log(compare('echo throughput', 'messages/s', results))
