import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { ManualClock } from '../../local/clock.ts'
import { type StackOptions, startStack } from '../../local/stack.ts'
import { TestClient, synthesizeOpenline } from '../support/openline.ts'

const IDLE_TIMEOUT_MS = 10 * 60_000

let app: Awaited<ReturnType<typeof synthesizeOpenline>>
beforeAll(async () => void (app = await synthesizeOpenline()))
afterAll(() => app.remove())

async function start(options: Partial<StackOptions>) {
  const stack = await startStack({ assembly: app.assembly, ...options })
  onTestFinished(() => stack.close())
  const api = stack.apis.find(({ protocol }) => protocol === 'WEBSOCKET')
  if (api?.callbackUrl === undefined) throw new Error('the app has no WebSocket API')
  return { stack, url: api.url, callbackUrl: api.callbackUrl }
}

/** A connection, with the id that its first frame tells. */
async function connect(url: string) {
  const client = new TestClient(url)
  await client.opened()
  const { connectionId } = await client.frame()
  return { client, connectionId: String(connectionId) }
}

it('a strict stack refuses posts that are no UTF-8', async () => {
  const { url, callbackUrl } = await start({ isStrict: true, iam: false })
  const { client, connectionId } = await connect(url)
  const { status } = await fetch(`${callbackUrl}/@connections/${encodeURIComponent(connectionId)}`, {
    method: 'POST',
    body: new Uint8Array([0xff]),
  })
  expect(status).toBe(400)
  client.socket.terminate()
})

it('a stack notices a cut line at the idle timeout when it is to', async () => {
  const clock = new ManualClock(Date.now())
  const { url, callbackUrl } = await start({ lossNotice: 'at-idle-timeout', iam: false, clock })
  const { client, connectionId } = await connect(url)
  const address = `${callbackUrl}/@connections/${encodeURIComponent(connectionId)}`
  client.socket.terminate()
  await client.closed
  expect((await fetch(address)).status).toBe(200)
  clock.advance(IDLE_TIMEOUT_MS)
  expect((await fetch(address)).status).toBe(410)
})

it('an account has the quotas that the stack is given', async () => {
  const { stack } = await start({ quotas: { requestsPerSecond: 1, burst: 1 }, clock: new ManualClock() })
  const url = stack.apis.find(({ protocol }) => protocol === 'HTTP')?.url ?? ''
  expect((await fetch(`${url}/tasks`)).status).toBe(200)
  expect((await fetch(`${url}/tasks`)).status).toBe(429)
})
