// What does an idle connection cost in memory, beside a bare `ws` server? The same clients, opened and left alone.
import { closeClients, openClients } from './support/clients.ts'
import { type Server, sideBySide } from './support/servers.ts'
import { median } from './support/statistics.ts'

const CONNECTIONS = 10_000
const ROUNDS = 3

const results = await sideBySide(ROUNDS, async (server: Server) => {
  const before = await server.memory()
  const clients = await openClients(server.url, CONNECTIONS)
  const after = await server.memory()
  await closeClients(clients)
  const kibibytes = (key: 'rss' | 'live') => (after[key] - before[key]) / CONNECTIONS / 1024
  return { rss: kibibytes('rss'), live: kibibytes('live') }
})

for (const key of ['live', 'rss'] as const) {
  const [bare, local] = [results.bare, results.local].map((side) => median(side.map((one) => one[key])))
  if (bare === undefined || local === undefined) continue
  console.log(
    `${key} memory of one of ${CONNECTIONS} idle connections: bare ${bare.toFixed(2)} KiB, ` +
      `local ${local.toFixed(2)} KiB, beyond bare ${(local - bare).toFixed(2)} KiB`,
  )
}
