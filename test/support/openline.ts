import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import WebSocket from 'ws'
import { synthesize } from '../../local/cloudformation/synthesize.ts'
import { DEVELOPER } from '../../local/iam/credentials.ts'
import { type RunningStack, type StackOptions, startStack } from '../../local/stack.ts'

const PROJECT = join(import.meta.dirname, '../..')

/** Our app, synthesized into a folder of its own. */
export async function synthesizeOpenline(context: Readonly<Record<string, string>> = {}) {
  const output = mkdtempSync(join(tmpdir(), 'openline-test-'))
  await synthesize({ project: PROJECT, output, context })
  return { assembly: output, remove: () => rmSync(output, { recursive: true, force: true }) }
}

/** A client that keeps what it is told from the first byte on. */
export class TestClient {
  readonly socket: WebSocket
  readonly #received: string[] = []
  readonly #waiting: ((text: string) => void)[] = []
  /** How the line ended: the close code. */
  readonly closed: Promise<number>

  constructor(url: string) {
    this.socket = new WebSocket(url)
    this.socket.on('message', (data: Buffer) => {
      const text = data.toString()
      const waiter = this.#waiting.shift()
      if (waiter) waiter(text)
      else this.#received.push(text)
    })
    this.closed = new Promise((resolve) => this.socket.on('close', resolve))
    this.socket.on('error', () => undefined) // the test asks for what it expects: an open line, a status, a close
  }

  /** Resolves with 101, or with the status that refused the handshake. */
  opened(): Promise<number> {
    return new Promise((resolve) => {
      this.socket.on('open', () => resolve(101))
      this.socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    })
  }

  /** The next message that has not been taken yet. */
  text(): Promise<string> {
    const text = this.#received.shift()
    return text === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(text)
  }

  async frame(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.text()) as Record<string, unknown>
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  /** Sends an action and takes the next frame for its answer. */
  async ask(message: unknown): Promise<Record<string, unknown>> {
    this.send(message)
    return this.frame()
  }
}

/** Our stack on free ports, with what tests ask of it. */
export async function startOpenline(assembly: string, options: Omit<StackOptions, 'assembly' | 'log'> = {}) {
  const lines: string[] = []
  const write = (source: string, text: string) => void lines.push(`${source}: ${text}`)
  const stack = await startStack({ ...options, assembly, log: { info: write, warn: write, error: write } })
  const urlOf = (protocol: string) => stack.apis.find((api) => api.protocol === protocol)?.url ?? ''
  const clients: TestClient[] = []
  return {
    stack,
    lines,
    rest: urlOf('HTTP'),
    connect: (query = '') => {
      const client = new TestClient(`${urlOf('WEBSOCKET')}${query}`)
      clients.push(client)
      return client
    },
    /** Every item of the Connections table that names a connection. */
    tracesOf: async (connectionId: string) =>
      (await items(stack, 'Connections')).filter((text) => text.includes(connectionId)),
    connectionIds: async () =>
      (await items(stack, 'Connections')).flatMap((text) => /"C#([^"]+)"/.exec(text)?.[1] ?? []),
    /** Ends every connection that is recorded, from the server's side. */
    cutAll: async () => {
      const { callbackUrl = '' } = stack.apis.find((api) => api.protocol === 'WEBSOCKET') ?? {}
      const client = new ApiGatewayManagementApiClient({
        endpoint: callbackUrl,
        region: stack.deployment.environment.region,
        credentials: DEVELOPER,
      })
      for (const text of await items(stack, 'Connections')) {
        const [, ConnectionId] = /"C#([^"]+)"/.exec(text) ?? []
        if (ConnectionId !== undefined) await client.send(new DeleteConnectionCommand({ ConnectionId }))
      }
      client.destroy()
    },
    close: async () => {
      for (const { socket } of clients) socket.terminate()
      await stack.close()
    },
  }
}

async function items(stack: RunningStack, table: string): Promise<string[]> {
  const name = Object.values(stack.namesOf('AWS::DynamoDB::Table')).find((candidate) =>
    candidate.includes(table),
  )
  const { Items } = await stack.dynamodb.engine.client.call('Scan', { TableName: name, ConsistentRead: true })
  return (Items as unknown[]).map((item) => JSON.stringify(item))
}
