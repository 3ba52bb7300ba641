import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { pause } from '../pause.ts'
import { EngineClient } from './client.ts'
import type { Engine, EngineOptions } from './engine.ts'

/** How long an engine may take to answer its first request: it takes some 10 ms. */
const START_TIMEOUT_MS = 10_000
/** Between two starts that follow each other; the first is at once. */
const RESTART_DELAY_MS = 100
/** An engine that ends more often than this within the window ends for a reason that starting it does not mend. */
const MAX_RESTARTS = 5
const RESTART_WINDOW_MS = 60_000

/**
 * Waits with the engine for the end of its standard input, which comes when its owner ends in whatever way, kill -9
 * included: the engine never outlives the stack.
 */
const SUPERVISOR =
  'exec 3<&0; "$0" "$@" </dev/null 3<&- & p=$!; trap "kill $p 2>/dev/null" TERM INT; ' +
  '{ cat <&3 >/dev/null; kill $p 2>/dev/null; } & wait $p'

/** dynoxide as a child of this process, started again when it dies by itself. */
export class Dynoxide implements Engine {
  readonly client: EngineClient
  readonly endpoint: string
  name = 'dynoxide'
  readonly #binary: string
  readonly #options: EngineOptions
  readonly #ports: { readonly http: number; readonly mcp: number }
  readonly #token = randomBytes(24).toString('hex')
  readonly #abort = new AbortController()
  #child: ChildProcess | undefined
  #restart: Promise<void> = Promise.resolve()
  /** When it was started again, in the clock's milliseconds. */
  #restarts: number[] = []

  private constructor(binary: string, options: EngineOptions, ports: { http: number; mcp: number }) {
    this.#binary = binary
    this.#options = options
    this.#ports = ports
    this.endpoint = `http://127.0.0.1:${ports.http}`
    this.client = new EngineClient(this.endpoint)
  }

  static async start(binary: string, options: EngineOptions): Promise<Dynoxide> {
    const [http, mcp] = await freePorts(2)
    if (http === undefined || mcp === undefined) throw new Error('no free port on the loopback interface')
    const engine = new Dynoxide(binary, options, { http, mcp })
    await engine.run()
    return engine
  }

  private async run(): Promise<void> {
    const child = this.spawn()
    this.#child = child
    child.on('error', () => undefined) // it has no pid then, which `isOver` sees
    child.stdin?.on('error', () => undefined) // the supervisor is gone: its exit tells of it
    try {
      await this.answering(child)
    } catch (error) {
      await end(child)
      throw error
    }
    child.once('exit', (code, signal) => {
      if (this.isStopping()) return
      const how = signal ?? `exit code ${code}`
      const what = this.#options.file === undefined ? 'empty' : 'with all that was written'
      this.#options.log.error('dynamodb', `the engine ended by itself (${how}); starting it again, ${what}`)
      this.#restart = this.restart()
    })
  }

  private spawn(): ChildProcess {
    const { http, mcp } = this.#ports
    const { file } = this.#options
    const args = ['serve', '--host', '127.0.0.1', '--port', String(http), '--mcp', '--mcp-port', String(mcp)]
    if (file !== undefined) args.push('--db-path', file)
    const env = { PATH: process.env['PATH'], DYNOXIDE_MCP_AUTH_TOKEN: this.#token }
    // Output is ignored, never piped: the engine aborts when it can't write its farewell.
    return process.platform === 'win32'
      ? spawn(this.#binary, args, { stdio: ['ignore', 'ignore', 'ignore'], env })
      : spawn('/bin/sh', ['-c', SUPERVISOR, this.#binary, ...args], {
          stdio: ['pipe', 'ignore', 'ignore'],
          // A process group of its own: Ctrl-C is for the stack, which needs its engine until it has closed.
          detached: true,
          env,
        })
  }

  private async answering(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS
    for (;;) {
      try {
        const response = await fetch(this.endpoint)
        this.name = `dynoxide ${response.headers.get('x-dynoxide-version') ?? '(version unknown)'}`
        await response.arrayBuffer()
        if (!isOver(child)) return
        throw new Error('it ended')
      } catch (cause) {
        if (Date.now() > deadline || isOver(child) || this.isStopping())
          throw new Error(`the DynamoDB engine "${this.#binary}" does not answer at ${this.endpoint}`, {
            cause,
          })
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    }
  }

  private async restart(): Promise<void> {
    const { log, clock, onRestart } = this.#options
    while (!this.isStopping()) {
      this.#restarts = this.#restarts.filter((at) => at > clock.now() - RESTART_WINDOW_MS)
      if (this.#restarts.length >= MAX_RESTARTS) {
        log.error(
          'dynamodb',
          `gave up the engine after ${MAX_RESTARTS} starts in a minute; restart the stack`,
        )
        return
      }
      if (this.#restarts.length > 0) await pause(clock, RESTART_DELAY_MS, this.#abort.signal)
      this.#restarts.push(clock.now())
      if (this.isStopping()) return
      try {
        await this.run()
      } catch (error) {
        if (!this.isStopping()) log.error('dynamodb', `the engine did not start again: ${String(error)}`)
        continue
      }
      await onRestart?.().catch((error: unknown) => {
        if (!this.isStopping()) log.error('dynamodb', `the tables could not be made again: ${String(error)}`)
      })
      return
    }
  }

  ready(): Promise<void> {
    return this.#restart
  }

  readonly kill = async (): Promise<void> => {
    const child = this.#child
    if (child?.pid === undefined || isOver(child)) return
    const exited = once(child, 'exit')
    // The supervisor leads a process group of its own: the engine ends with it.
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
    await exited
  }

  private isStopping(): boolean {
    return this.#abort.signal.aborted
  }

  /** dynoxide deletes nothing by itself; its MCP tool does, and writes the stream records that TTL makes. */
  sweepTtl = async (): Promise<void> => {
    const session = await this.mcp('initialize', {
      protocolVersion: '2025-03-26',
      capabilities: {},
      clientInfo: { name: 'local', version: '1' },
    })
    await this.mcp('notifications/initialized', undefined, session)
    await this.mcp('tools/call', { name: 'sweep_ttl', arguments: {} }, session)
  }

  private async mcp(method: string, params: unknown, session?: string): Promise<string | undefined> {
    const response = await fetch(`http://127.0.0.1:${this.#ports.mcp}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${this.#token}`,
        ...(session === undefined ? {} : { 'mcp-session-id': session }),
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        method,
        ...(params === undefined ? {} : { params }),
        ...(method.startsWith('notifications/') ? {} : { id: 1 }),
      }),
    })
    const answer = await response.text()
    if (!response.ok || answer.includes('"isError":true'))
      throw new Error(`the engine refused ${method} with ${response.status}: ${answer}`)
    return response.headers.get('mcp-session-id') ?? session
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    this.client.close()
    await this.#restart
    if (this.#child) await end(this.#child)
  }
}

const isOver = (child: ChildProcess) =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null

async function end(child: ChildProcess): Promise<void> {
  if (isOver(child)) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.stdin?.end()
  if (process.platform === 'win32') child.kill()
  await ended
}

/** Ports that were free a moment ago: the engine can't report one that it chose itself. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => server.once('listening', resolve))
      return server
    }),
  )
  const ports = servers.map((server) => {
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
