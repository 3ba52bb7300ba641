// How many unsigned posts to open connections does the management API take in a second, beside a bare server that does
// nothing but read a body and send it on? Permissions are off; the driver's requests are hand-made, so that it is not
// what is measured.
import { once } from 'node:events'
import { closeClients, openClients } from './support/clients.ts'
import { Lane } from './support/lane.ts'
import { type Server, sideBySide } from './support/servers.ts'
import { compare } from './support/statistics.ts'

const CONNECTIONS = 100
const LANES = 32
const POSTS = 20_000
const ROUNDS = 5
const FRAME = 'x'.repeat(256)

const results = await sideBySide(ROUNDS, async (server: Server) => {
  const clients = await openClients(server.url, CONNECTIONS)
  const base = new URL(server.callbackUrl)
  const paths = await Promise.all(
    clients.map(async (client) => {
      client.send('who am I')
      const [id] = (await once(client, 'message')) as [Buffer]
      return `${base.pathname}/@connections/${encodeURIComponent(id.toString())}`
    }),
  )
  let received = 0
  const all = new Promise<void>((resolve) => {
    for (const client of clients)
      client.on('message', () => {
        if (++received === POSTS) resolve()
      })
  })
  const lanes = await Promise.all(Array.from({ length: LANES }, () => Lane.open(base)))
  const start = performance.now()
  let next = 0
  await Promise.all(
    lanes.map(async (lane) => {
      while (next < POSTS) {
        const status = await lane.post(paths[next++ % paths.length] ?? '', FRAME)
        if (status !== 200) throw new Error(`a post was answered with ${status}`)
      }
    }),
  )
  await all
  const perSecond = POSTS / ((performance.now() - start) / 1000)
  for (const lane of lanes) lane.close()
  await closeClients(clients)
  return perSecond
})

console.log(compare('unsigned posts', 'posts/s', results))
