import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { Memory, Subject } from '../../../bench/support/child.ts'
import { synthesize } from '../../../local/cloudformation/synthesize.ts'
import { TestClient } from '../../support/openline.ts'
import { makeProject } from '../watch/project.ts'
import type { Order } from './clients.ts'

const CROWD = 5_000
/** Less than a tenth of what one object per connection that is not let go of would take. */
const MAX_GROWTH_BYTES_PER_CONNECTION = 100

async function start(file: string, ...args: string[]) {
  const child = fork(join(import.meta.dirname, file), args, {
    execArgv: ['--expose-gc', '--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  onTestFinished(async () => {
    const exit = once(child, 'exit')
    if (child.exitCode === null && child.kill()) await exit
  })
  return { child, first: await answer(child) }
}

async function answer(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit').then(([code]) =>
    Promise.reject(new Error(`it ended with ${String(code)}`)),
  )
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [unknown]
  return message
}

it(`a crowd of ${CROWD} that closes at once takes nobody along, and leaves no memory behind`, async () => {
  const { folder, output } = makeProject()
  await synthesize({ project: folder, output })
  const { child: server, first } = await start('server.ts', output)
  const { url } = first as Subject
  const { child: clients } = await start('clients.ts')
  const order = async (what: Order) => {
    const done = answer(clients)
    clients.send(what)
    await done
  }
  const memory = async () => {
    const said = answer(server)
    server.send('memory')
    return ((await said) as Memory).live
  }
  const other = new TestClient(url)
  onTestFinished(() => {
    other.socket.terminate()
  })
  expect(await other.opened()).toBe(101)
  const isServed = async () => {
    other.send('hello')
    expect(await other.text()).toMatch(/^one \$default \d+$/)
  }
  const round = async (how: 'close' | 'reset') => {
    await order({ do: 'open', url, count: CROWD })
    await isServed()
    const over = order({ do: how })
    await isServed()
    await over
    await isServed()
    return memory()
  }
  await round('close') // what is made once and kept is made here
  const before = await round('reset')
  const after = await round('close')
  expect((after - before) / CROWD).toBeLessThan(MAX_GROWTH_BYTES_PER_CONNECTION)
}, 120_000)
