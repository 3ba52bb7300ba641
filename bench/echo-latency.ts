// How long does an echo through a function take, beside a bare `ws` server, at a steady 200 messages a second?
// Open loop: each message has a moment at which it is due, and its latency counts from that moment, so that a server
// that stalls is not spared the messages that would have come meanwhile.
import { closeClients, openClients } from './support/clients.ts'
import { type Server, sideBySide } from './support/servers.ts'
import { compare, percentile } from './support/statistics.ts'

const CONNECTIONS = 100
const MESSAGES_PER_SECOND = 200
const SECONDS = 4
const ROUNDS = 5
const PADDING = 'x'.repeat(64)

const results = await sideBySide(ROUNDS, async (server: Server) => {
  const clients = await openClients(server.url, CONNECTIONS)
  const total = MESSAGES_PER_SECOND * SECONDS
  const due: number[] = []
  const latencies: number[] = []
  await new Promise<void>((resolve) => {
    for (const client of clients)
      client.on('message', (data: Buffer) => {
        const { n } = JSON.parse(data.toString()) as { n: number }
        latencies.push(performance.now() - (due[n] ?? 0))
        if (latencies.length === total) resolve()
      })
    const start = performance.now()
    let sent = 0
    const timer = setInterval(() => {
      for (; sent < total && start + (sent * 1000) / MESSAGES_PER_SECOND <= performance.now(); sent++) {
        due[sent] = start + (sent * 1000) / MESSAGES_PER_SECOND
        clients[sent % clients.length]?.send(JSON.stringify({ n: sent, PADDING }))
      }
      if (sent === total) clearInterval(timer)
    }, 1)
  })
  await closeClients(clients)
  return { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) }
})

const of = (key: 'p50' | 'p99') => ({
  bare: results.bare.map((result) => result[key]),
  local: results.local.map((result) => result[key]),
})
console.log(compare('echo p50', 'ms', of('p50')))
console.log(compare('echo p99', 'ms', of('p99')))
