import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Memory, Subject } from './child.ts'

/** A server under test, in a process of its own. */
export class Server {
  readonly name: string
  readonly url: string
  readonly callbackUrl: string
  readonly #child: ChildProcess

  private constructor(name: string, child: ChildProcess, { url, callbackUrl }: Subject) {
    this.name = name
    this.url = url
    this.callbackUrl = callbackUrl
    this.#child = child
  }

  static async start(name: 'bare' | 'local'): Promise<Server> {
    const file = fileURLToPath(new URL(`${name}-server.ts`, import.meta.url))
    const child = fork(file, { execArgv: ['--import', 'tsx', '--expose-gc'] })
    const failed = once(child, 'exit').then(([code]) => {
      throw new Error(`the ${name} server ended with ${String(code)} before it was up`)
    })
    const [subject] = (await Promise.race([once(child, 'message'), failed])) as [Subject]
    failed.catch(() => undefined) // it is to end, later
    return new Server(name, child, subject)
  }

  async memory(): Promise<Memory> {
    this.#child.send('memory')
    const [answer] = (await once(this.#child, 'message')) as [Memory]
    return answer
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }
}

/** Runs `measure` on the bare server and on the local stack in turn, so that both see the machine's moods. */
export async function sideBySide<Result>(
  rounds: number,
  measure: (server: Server) => Promise<Result>,
): Promise<{ readonly bare: Result[]; readonly local: Result[] }> {
  const servers = [await Server.start('bare'), await Server.start('local')] as const
  const results = { bare: [] as Result[], local: [] as Result[] }
  for (const server of servers) await measure(server) // warm-up, not counted
  for (let round = 0; round < rounds; round++)
    for (const server of round % 2 === 0 ? servers : servers.toReversed())
      results[server.name as 'bare' | 'local'].push(await measure(server))
  await Promise.all(servers.map((server) => server.stop()))
  return results
}
