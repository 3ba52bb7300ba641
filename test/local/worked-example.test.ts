import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import { ManualClock } from '../../local/clock.ts'
import { startStack } from '../../local/stack.ts'
import { synthesizeOpenline } from '../support/openline.ts'

let assembly: string
let remove: () => void
beforeAll(async () => void ({ assembly, remove } = await synthesizeOpenline()))
afterAll(() => remove())

it('closes a connection that nobody has used for ten minutes', async () => {
  const clock = new ManualClock(Date.now()) // handlers see this machine's time: begin there
  const stack = await startStack({ assembly, clock })
  onTestFinished(() => stack.close())
  const socket = new WebSocket(stack.outputs['WebSocketUrl'] ?? '')
  const closed = new Promise((resolve) => socket.on('close', resolve))
  await new Promise((resolve) => socket.on('open', resolve))

  clock.advance(10 * 60_000) // takes no time

  expect(await closed).toBe(1001)
})

it('is the example of the README', () => {
  const folder = import.meta.dirname
  const source = readFileSync(join(folder, 'worked-example.test.ts'), 'utf8')
  const [example = ''] = /^it\('closes[^]*?^}\)$/m.exec(source) ?? []
  expect(readFileSync(join(folder, '../../local/README.md'), 'utf8')).toContain(example)
})
