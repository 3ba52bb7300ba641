import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startOpenline, synthesizeOpenline } from '../../support/openline.ts'
import { Random } from './random.ts'

const SEED = 20_261_124
const CONNECTIONS = 100
const AT_ONCE = 25

let app: Awaited<ReturnType<typeof synthesizeOpenline>>
let openline: Awaited<ReturnType<typeof startOpenline>>
const ports: Record<string, number> = {}

beforeAll(async () => {
  app = await synthesizeOpenline()
  openline = await startOpenline(app.assembly)
  const { stack } = openline
  const portOf = (url: string) => Number(new URL(url).port)
  ports['WebSocket API'] = portOf(stack.apis.find(({ protocol }) => protocol === 'WEBSOCKET')?.url ?? '')
  ports['HTTP API'] = portOf(openline.rest)
  ports['services'] = portOf(stack.toLocal('https://dynamodb.eu-west-1.amazonaws.com'))
}, 60_000)
afterAll(async () => {
  await openline.close()
  app.remove()
})

/** Whoever behaves is served, whatever the others did; nothing of the stack's own broke. */
afterEach(async () => {
  const client = openline.connect('?channel=echo')
  expect(await client.opened()).toBe(101)
  expect(await client.text()).toMatch(/^Connected\./)
  client.socket.close()
  expect((await fetch(`${openline.rest}/tasks`)).status).toBe(200)
  expect(
    openline.lines.filter((line) => /the gateway failed|TypeError|RangeError|unhandled/i.test(line)),
  ).toEqual([])
})

/** Sends bytes, says that nothing more comes, and resolves when the line is closed, whoever closes it. */
async function send(port: number, ...pieces: readonly Buffer[]): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined) // it may be cut at any moment
  socket.resume()
  for (const piece of pieces) socket.write(piece)
  socket.end()
  const ended = new Promise<void>((resolve) => socket.once('end', resolve))
  await Promise.race([once(socket, 'close'), ended])
  socket.destroy()
}

async function many(count: number, one: () => Promise<void>): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, one))
}

const HANDSHAKE = Buffer.from(
  'GET /dev?channel=echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
)
const POST = Buffer.from(
  'POST /dev/%40connections/abc= HTTP/1.1\r\nHost: localhost\r\nAuthorization: AWS4-HMAC-SHA256 Credential=A/20260101/' +
    'eu-west-1/execute-api/aws4_request, SignedHeaders=host, Signature=00\r\nContent-Length: 5\r\n\r\nhello',
)
const TASK = Buffer.from(
  'POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"title":"a"}',
)
const service = (host: string, target: string, path = '/') =>
  Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: ${host}.eu-west-1.amazonaws.com\r\nX-Amz-Target: ${target}\r\nAuthorization: x\r\n` +
      'Content-Type: application/x-amz-json-1.0\r\nContent-Length: 22\r\n\r\n{"TableName":"nowhere"}',
  )

describe.each<[string, readonly [Buffer, ...Buffer[]]]>([
  ['WebSocket API', [HANDSHAKE, POST]],
  ['HTTP API', [TASK]],
  [
    'services',
    [
      service('dynamodb', 'DynamoDB_20120810.GetItem'),
      service('streams.dynamodb', 'DynamoDBStreams_20120810.ListStreams'),
      service('sqs', 'AmazonSQS.SendMessage'),
      service('ssm', 'AmazonSSM.GetParameter'),
      service('events', 'AWSEvents.PutEvents'),
      service('lambda', '', '/2015-03-31/functions/%E0%A4%A/invocations'),
    ],
  ],
])('the port of the %s', (name, requests) => {
  it('survives bytes that are no HTTP', async () => {
    const random = new Random(SEED)
    await many(CONNECTIONS, () => send(ports[name] ?? 0, random.bytes(1 + random.below(400))))
  })

  it('survives requests with broken pieces', async () => {
    const random = new Random(SEED + 1)
    await many(CONNECTIONS, () => {
      const bytes = random.mutate(random.of(requests))
      const at = random.below(bytes.length + 1)
      return send(ports[name] ?? 0, bytes.subarray(0, at), bytes.subarray(at))
    })
  })

  it('serves others while half-open lines and slow requests wait', async () => {
    const slow = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const socket = connect(ports[name] ?? 0, '127.0.0.1')
        socket.on('error', () => undefined)
        await once(socket, 'connect')
        const request = requests[index % requests.length] ?? requests[0]
        socket.write(request.subarray(0, index % request.length))
        return socket
      }),
    )
    const before = openline.connect('?channel=echo')
    expect(await before.opened()).toBe(101)
    for (const socket of slow) hangUp(socket)
  })
})

/** Without a word: a reset, as from a machine that was switched off and is on again. */
function hangUp(socket: Socket): void {
  socket.resetAndDestroy()
}

describe('an open connection', () => {
  it('is closed for frames that are none, and only that one', async () => {
    const random = new Random(SEED + 2)
    // Few: each of them is told to $connect and $disconnect.
    await many(AT_ONCE, () =>
      send(ports['WebSocket API'] ?? 0, HANDSHAKE, random.bytes(2 + random.below(200))),
    )
  })

  it('has an answer to random JSON and random text, and stays open', async () => {
    const random = new Random(SEED + 3)
    const client = openline.connect()
    await client.opened()
    for (let i = 0; i < 100; i++) {
      const text = random.below(4) === 0 ? random.bytes(40).toString('latin1') : JSON.stringify(random.json())
      client.send(text)
      expect(await client.text()).not.toBe('')
    }
    expect(client.socket.readyState).toBe(client.socket.OPEN)
  })
})
