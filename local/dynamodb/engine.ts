import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { type Clock, systemClock, withinTime } from '../clock.ts'
import type { Log } from '../log.ts'
import { EngineClient } from './client.ts'
import { pause } from './pause.ts'

/** A DynamoDB that answers at an endpoint. */
export interface Engine {
  /** `http://127.0.0.1:40123` */
  readonly endpoint: string
  /** `dynoxide 1.2.1`, or the address of an engine that was there already. */
  readonly name: string
  readonly client: EngineClient
  /** Has expired items deleted, with the stream records that TTL makes; undefined where the engine has no such call. */
  readonly sweepTtl: (() => Promise<void>) | undefined
  /** Ends the engine, if it was started here. Idempotent. */
  stop(): Promise<void>
}

export interface EngineOptions {
  readonly log: Log
  readonly clock: Clock
  /** Variables that may name an engine: DYNAMODB_ENDPOINT, AWS_ENDPOINT_URL_DYNAMODB, DYNOXIDE_BIN, PATH. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Called when the engine died by itself and has been started again, empty. */
  readonly onRestart?: () => Promise<void>
}

const EXECUTABLE = process.platform === 'win32' ? 'dynoxide.exe' : 'dynoxide'
/** An engine that is there already; the first that is set counts. */
const ENDPOINT_VARIABLES = ['DYNAMODB_ENDPOINT', 'AWS_ENDPOINT_URL_DYNAMODB'] as const
/** How long an engine may take to answer its first request: it takes some 10 ms. */
const START_TIMEOUT_MS = 10_000
const RESTART_DELAY_MS = 100
/** An engine that ends more often than this within the window ends for a reason that starting it does not mend. */
const MAX_RESTARTS = 5
const RESTART_WINDOW_MS = 60_000

/**
 * Finds an engine and has it run: one named by the environment, or dynoxide in memory on a free loopback port.
 * @throws when there is none for this platform, naming the choices
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  for (const variable of ENDPOINT_VARIABLES) {
    const endpoint = options.env[variable]
    if (endpoint) return useEngine(endpoint, variable, options.log)
  }
  const chosen = options.env['DYNOXIDE_BIN']
  if (chosen && !existsSync(chosen))
    throw new Error(
      `DYNOXIDE_BIN is "${chosen}", where there is no file; set it to the dynoxide binary or unset it`,
    )
  const binary = findBinary(options.env)
  if (binary === undefined) throw new Error(noEngine())
  const engine = await Dynoxide.start(binary, options)
  tellVersion(engine.name, options.log)
  return engine
}

async function useEngine(endpoint: string, variable: string, log: Log): Promise<Engine> {
  const { protocol } = URL.canParse(endpoint) ? new URL(endpoint) : { protocol: undefined }
  if (protocol !== 'http:')
    throw new Error(
      `${variable} is "${endpoint}", which is no http URL; expected one like http://127.0.0.1:8000`,
    )
  const client = new EngineClient(endpoint)
  const ask = async (operation: string, complaint: string) => {
    try {
      const answer = await withinTime(systemClock, START_TIMEOUT_MS, client.call(operation, {}))
      if (answer === 'timed-out') throw new Error(`no answer within ${START_TIMEOUT_MS / 1000} seconds`)
    } catch (cause) {
      client.close()
      throw new Error(`${variable} is "${endpoint}", where ${complaint}: ${String(cause)}`, { cause })
    }
  }
  await ask('ListTables', 'no DynamoDB answers; start one there or unset the variable')
  await ask('ListStreams', 'the engine has no DynamoDB Streams; expected dynoxide or DynamoDB Local')
  log.info('dynamodb', `the engine is the one at ${endpoint}, from ${variable}`)
  return { endpoint, name: endpoint, client, sweepTtl: undefined, stop: async () => client.close() }
}

/** Says which engine it is, and what is known to end it. */
function tellVersion(name: string, log: Log): void {
  log.info('dynamodb', `the engine is ${name}`)
  const [, major, minor] = /^dynoxide (\d+)\.(\d+)\./.exec(name) ?? []
  if (major === undefined || Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 3)) return
  log.info(
    'dynamodb',
    'dynoxide below 1.3.0 can crash on non-ASCII characters in expressions: keep "#name" and ":value" ASCII',
  )
}

function findBinary(env: EngineOptions['env']): string | undefined {
  const platformPackage = `@dynoxide/${process.platform}-${process.arch}/package.json`
  const require = createRequire(import.meta.url)
  const places = [
    () => env['DYNOXIDE_BIN'],
    () => join(dirname(require.resolve(platformPackage)), EXECUTABLE),
    ...(env['PATH'] ?? '').split(delimiter).map((folder) => () => join(folder, EXECUTABLE)),
  ]
  for (const place of places) {
    try {
      const file = place()
      if (file !== undefined && existsSync(file)) return file
    } catch {
      // The platform's package is not installed: there are other places.
    }
  }
  return undefined
}

function noEngine(): string {
  const target = `${process.platform}-${process.arch}`
  return [
    `No DynamoDB engine for ${target}. Choose one:`,
    `  npm i --no-save @dynoxide/${target}@1.2.1      (was this installed with --omit=optional?)`,
    '  put `dynoxide` on PATH, or set DYNOXIDE_BIN=/path/to/dynoxide',
    '  DYNAMODB_ENDPOINT=http://127.0.0.1:8000 with DynamoDB Local:',
    '    docker run --rm -p 127.0.0.1:8000:8000 amazon/dynamodb-local -jar DynamoDBLocal.jar -inMemory -sharedDb',
  ].join('\n')
}

/**
 * Waits with the engine for the end of its standard input, which comes when its owner ends in whatever way, kill -9
 * included: the engine never outlives the stack.
 */
const SUPERVISOR =
  'exec 3<&0; "$0" "$@" </dev/null 3<&- & p=$!; trap "kill $p 2>/dev/null" TERM INT; ' +
  '{ cat <&3 >/dev/null; kill $p 2>/dev/null; } & wait $p'

/** dynoxide as a child of this process, started again when it dies by itself. */
class Dynoxide implements Engine {
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
      this.#options.log.error('dynamodb', `the engine ended by itself (${how}); starting it again, empty`)
      this.#restart = this.restart()
    })
  }

  private spawn(): ChildProcess {
    const { http, mcp } = this.#ports
    const args = ['serve', '--host', '127.0.0.1', '--port', String(http), '--mcp', '--mcp-port', String(mcp)]
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
      this.#restarts.push(clock.now())
      await pause(clock, RESTART_DELAY_MS, this.#abort.signal)
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
