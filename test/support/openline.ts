import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GoneException,
} from '@aws-sdk/client-apigatewaymanagementapi'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, paginateQuery } from '@aws-sdk/lib-dynamodb'
import WebSocket from 'ws'
import { synthesize } from '../../local/cloudformation/synthesize.ts'
import { DEVELOPER } from '../../local/iam/credentials.ts'
import { type RunningStack, type StackOptions, startStack } from '../../local/stack.ts'
import type { ChannelEvent, Task } from '../../protocol/messages.ts'

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
  const rest = urlOf('HTTP')
  const tables = DynamoDBDocumentClient.from(
    new DynamoDBClient({
      region: stack.deployment.environment.region,
      endpoint: stack.dynamodb.engine.endpoint,
      credentials: DEVELOPER,
    }),
  )
  /** Ends a connection from the server's side. */
  const cut = async (ConnectionId: string) => {
    const { callbackUrl = '' } = stack.apis.find((api) => api.protocol === 'WEBSOCKET') ?? {}
    // Each signs by the machine's time: one that has seen the stack's time goes on from there, whatever jumps since.
    const client = new ApiGatewayManagementApiClient({
      endpoint: callbackUrl,
      region: stack.deployment.environment.region,
      credentials: DEVELOPER,
    })
    try {
      await client.send(new DeleteConnectionCommand({ ConnectionId }))
    } catch (error) {
      if (!(error instanceof GoneException)) throw error // it has ended by itself meanwhile
    } finally {
      client.destroy()
    }
  }
  return {
    stack,
    lines,
    rest,
    socketUrl: urlOf('WEBSOCKET'),
    tables,
    connect: (query = '') => {
      const client = new TestClient(`${urlOf('WEBSOCKET')}${query}`)
      clients.push(client)
      return client
    },
    /** The name of the function that has `id` in its name. */
    functionOf: (id: string) => nameOf(stack, 'AWS::Lambda::Function', id),
    tableOf: (id: string) => nameOf(stack, 'AWS::DynamoDB::Table', id),
    /** A request of the REST side that must succeed. */
    call: async (method: string, path: string, body?: object): Promise<Task> => {
      const init = { method, ...(body ? { body: JSON.stringify(body) } : {}) }
      const response = await fetch(rest + path, init)
      if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}`)
      return (response.status === 204 ? undefined : await response.json()) as Task
    },
    /** Every task, by its id. */
    tasks: async (): Promise<Task[]> => {
      const tasks: Task[] = []
      let cursor: string | undefined
      do {
        const query = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`
        const page = (await (await fetch(`${rest}/tasks${query}`)).json()) as {
          tasks: Task[]
          cursor?: string
        }
        tasks.push(...page.tasks)
        cursor = page.cursor
      } while (cursor !== undefined)
      return tasks.sort((a, b) => a.id.localeCompare(b.id))
    },
    /** A channel's log, as the table has it. */
    entriesOf: async (channel: string): Promise<Entry[]> => {
      const query = {
        TableName: nameOf(stack, 'AWS::DynamoDB::Table', 'ChannelLog'),
        KeyConditionExpression: 'channel = :channel',
        ExpressionAttributeValues: { ':channel': channel },
        ConsistentRead: true,
      }
      const entries: Entry[] = []
      for await (const { Items = [] } of paginateQuery({ client: tables }, query))
        entries.push(...(Items as Entry[]))
      return entries
    },
    /** Every item of the Connections table that names a connection. */
    tracesOf: async (connectionId: string) =>
      (await items(stack, 'Connections')).filter((text) => text.includes(connectionId)),
    connectionIds: async () =>
      (await items(stack, 'Connections')).flatMap((text) => /"C#([^"]+)"/.exec(text)?.[1] ?? []),
    cut,
    /** Ends every connection that is recorded, from the server's side. */
    cutAll: async () => {
      for (const text of await items(stack, 'Connections')) {
        const [, id] = /"C#([^"]+)"/.exec(text) ?? []
        if (id !== undefined) await cut(id)
      }
    },
    close: async () => {
      for (const { socket } of clients) socket.terminate()
      tables.destroy()
      await stack.close()
    },
  }
}

/** An entry of a channel's log. */
export interface Entry {
  readonly offset: number
  readonly events: readonly ChannelEvent[]
  readonly isGap?: boolean
}

function nameOf(stack: RunningStack, type: string, id: string): string {
  const name = Object.values(stack.namesOf(type)).find((each) => each.includes(id))
  if (name === undefined) throw new Error(`no ${type} has "${id}" in its name`)
  return name
}

async function items(stack: RunningStack, table: string): Promise<string[]> {
  const name = nameOf(stack, 'AWS::DynamoDB::Table', table)
  const { Items } = await stack.dynamodb.engine.client.call('Scan', { TableName: name, ConsistentRead: true })
  return (Items as unknown[]).map((item) => JSON.stringify(item))
}
