import { systemClock, withinTime, type Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { EngineClient } from './client.ts'
import { Dynoxide } from './dynoxide.ts'
import { findEngineBinary } from './engine-binary.ts'

/** A DynamoDB that answers at an endpoint. */
export interface Engine {
  /** `http://127.0.0.1:40123` */
  readonly endpoint: string
  /** `dynoxide 1.2.1`, or the address of an engine that was there already. */
  readonly name: string
  readonly client: EngineClient
  /** Has expired items deleted, with the stream records that TTL makes; undefined where the engine has no such call. */
  readonly sweepTtl: (() => Promise<void>) | undefined
  /** Resolves when the engine is not in the middle of starting again. */
  ready(): Promise<void>
  /**
   * Ends the engine as a crash would, so that it starts again; resolves once it has ended. Undefined for an engine that was
   * not started here.
   */
  readonly kill: (() => Promise<void>) | undefined
  /** Ends the engine, if it was started here. Idempotent. */
  stop(): Promise<void>
}

export interface EngineOptions {
  readonly log: Log
  readonly clock: Clock
  /** Variables that may name an engine: DYNAMODB_ENDPOINT, AWS_ENDPOINT_URL_DYNAMODB, DYNOXIDE_BIN, PATH. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** File of the tables; without one they end with the engine. */
  readonly file?: string
  /** Called when the engine died by itself and has been started again, empty unless there is a file. */
  readonly onRestart?: () => Promise<void>
}

/** An engine that is there already; the first that is set counts. */
const ENDPOINT_VARIABLES = ['DYNAMODB_ENDPOINT', 'AWS_ENDPOINT_URL_DYNAMODB'] as const
/** How long an engine that is there already may take to answer. */
const ANSWER_TIMEOUT_MS = 10_000

/**
 * Finds an engine and has it run: one named by the environment, or dynoxide on a free loopback port, in memory or on a file.
 * @throws when there is none for this platform, naming the choices
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  for (const variable of ENDPOINT_VARIABLES) {
    const endpoint = options.env[variable]
    if (!endpoint) continue
    if (options.file !== undefined)
      options.log.warn('dynamodb', `the tables are where ${variable} says, not in "${options.file}"`)
    return useEngine(endpoint, variable, options.log)
  }
  const engine = await Dynoxide.start(findEngineBinary(options.env), options)
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
      const answer = await withinTime(systemClock, ANSWER_TIMEOUT_MS, client.call(operation, {}))
      if (answer === 'timed-out') throw new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1000} seconds`)
    } catch (cause) {
      client.close()
      throw new Error(`${variable} is "${endpoint}", where ${complaint}: ${String(cause)}`, { cause })
    }
  }
  await ask('ListTables', 'no DynamoDB answers; start one there or unset the variable')
  await ask('ListStreams', 'the engine has no DynamoDB Streams; expected dynoxide or DynamoDB Local')
  log.info('dynamodb', `the engine is the one at ${endpoint}, from ${variable}`)
  return {
    endpoint,
    name: endpoint,
    client,
    sweepTtl: undefined,
    kill: undefined,
    ready: () => Promise.resolve(),
    stop: async () => client.close(),
  }
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
