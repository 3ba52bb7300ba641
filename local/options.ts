import { randomInt } from 'node:crypto'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { GivenValues } from './cloudformation/given-values.ts'
import { FaultsError, parseFaults } from './fault-kinds.ts'
import { Faults } from './faults.ts'
import { LATENCIES, type Latency } from './latency.ts'
import type { Selection } from './cloudformation/stack-selection.ts'

/** What the command line asks for. */
export interface Options {
  /** A cloud assembly, or a CDK project to synthesize. */
  readonly app: string
  /** Port of the page; each API gets one after it, in template order. */
  readonly port: number
  /** Folder of a page to serve; without it a plain list of addresses. */
  readonly web: string | undefined
  /** Folder for what is written: the assembly, the log, `outputs.json`. */
  readonly state: string
  /** Folder that keeps the tables from one start to the next; without it they begin empty. */
  readonly data: string | undefined
  /** Whether signatures and permissions are checked. */
  readonly iam: boolean
  /** Context for the app, over its own. */
  readonly context: Readonly<Record<string, string>>
  /** Port for debuggers on the loopback interface; undefined when none may attach. */
  readonly inspect: number | undefined
  readonly selection: Selection
  readonly given: GivenValues
  readonly faults: Faults | undefined
  readonly latency: Latency | undefined
}

/** A command line that can't be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const USAGE = `usage: npm run local -- [--app] <folder> [options]

Runs a CDK app's WebSocket and HTTP APIs, functions, tables, streams, queues and
schedules on this machine, from the cloud assembly that is deployed to AWS.

  <folder>            a cloud assembly (cdk.out), or a CDK project, which is synthesized
  --port <number>     port of the page; each API gets the next one (default 4500)
  --web <folder>      a page to serve; its .ts files are bundled when asked for
  --iam on|off        whether signatures and permissions are checked (default on)
  --inspect[=<port>]  a debugger may attach to functions (default port 9229); nothing times out
  --state <folder>    where the log and outputs.json go (default .openline)
  --data <folder>     keeps the tables across starts (default: they begin empty)
  -c, --context k=v   context for the app, as for cdk; may be repeated
  --stack <name>      run this stack, with those it needs; * fits any text; may be repeated
  --region <name>     the Region to be in, where the app has several or none
  --account <id>      the account to be in, likewise
  --parameter k=v     a template parameter, or stack:k=v for one stack's; may be repeated
  --ssm k=v           an SSM parameter that the app takes for granted; may be repeated
  --secret k=v        a secret that the app takes for granted; may be repeated
  --import k=v        an export of a stack outside the app; may be repeated
  --faults <kinds>    what is to go wrong and how often, as in post.429=0.05; "help" lists the kinds
  --seed <number>     makes the faults of a run those of another (default: by chance)
  --latency aws       takes the time that AWS takes: cold starts, stream polls, posts
  -h, --help          this text
`

const MAX_PORT = 65_535
const DEFAULT_INSPECT_PORT = 9229
/** Of those that are chosen by chance: short enough to type. */
const MAX_SEED = 1_000_000
const REPEATED: { multiple: true; default: string[] } = { multiple: true, default: [] }

/** @returns the options, or which help is asked for @throws UsageError naming what is wrong */
export function parseOptions(args: readonly string[]): Options | 'help' | 'faults-help' {
  const { values, positionals } = parse(args)
  if (values.help) return 'help'
  if (values.faults === 'help') return 'faults-help'
  const [first, ...more] = values.app === undefined ? positionals : [values.app, ...positionals]
  if (more.length > 0) throw new UsageError(`unexpected argument "${more.join(' ')}"; expected one folder`)
  if (values.iam !== 'on' && values.iam !== 'off')
    throw new UsageError(`--iam is "${values.iam}"; expected on or off`)
  return {
    app: resolve(first ?? '.'),
    port: toPort('--port', values.port),
    web: values.web === undefined ? undefined : resolve(values.web),
    state: resolve(values.state),
    data: values.data === undefined ? undefined : resolve(values.data),
    iam: values.iam === 'on',
    inspect: values.inspect === undefined ? undefined : toPort('--inspect', values.inspect),
    context: pairs(values, 'context'),
    selection: {
      stacks: values.stack,
      ...(values.region === undefined ? {} : { region: values.region }),
      ...(values.account === undefined ? {} : { accountId: values.account }),
    },
    given: {
      parameters: pairs(values, 'parameter'),
      ssm: pairs(values, 'ssm'),
      secrets: pairs(values, 'secret'),
      imports: pairs(values, 'import'),
    },
    faults: faultsOf(values),
    latency: latencyOf(values.latency),
  }
}

function faultsOf({
  faults,
  seed,
}: {
  readonly faults?: string
  readonly seed?: string
}): Faults | undefined {
  if (seed !== undefined && !/^\d+$/.test(seed))
    throw new UsageError(`--seed is "${seed}"; expected a number, which makes the same faults each time`)
  if (faults === undefined) {
    if (seed === undefined) return undefined
    throw new UsageError('--seed is there without --faults; say what is to go wrong, or leave it out')
  }
  try {
    return new Faults(parseFaults(faults), seed === undefined ? randomInt(MAX_SEED) : Number(seed))
  } catch (cause) {
    if (cause instanceof FaultsError)
      throw new UsageError(`--faults: ${cause.message}; --faults help explains them`, { cause })
    throw cause
  }
}

function latencyOf(name: string): Latency | undefined {
  if (Object.hasOwn(LATENCIES, name)) return LATENCIES[name]
  throw new UsageError(`--latency is "${name}"; expected ${Object.keys(LATENCIES).join(' or ')}`)
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      // An option has a value or none; without one this is Node's own port.
      args: args.map((arg) => (arg === '--inspect' ? `--inspect=${DEFAULT_INSPECT_PORT}` : arg)),
      allowPositionals: true,
      options: {
        app: { type: 'string' },
        port: { type: 'string', default: '4500' },
        web: { type: 'string' },
        state: { type: 'string', default: '.openline' },
        data: { type: 'string' },
        iam: { type: 'string', default: 'on' },
        inspect: { type: 'string' },
        context: { type: 'string', short: 'c', ...REPEATED },
        stack: { type: 'string', ...REPEATED },
        region: { type: 'string' },
        account: { type: 'string' },
        parameter: { type: 'string', ...REPEATED },
        ssm: { type: 'string', ...REPEATED },
        secret: { type: 'string', ...REPEATED },
        import: { type: 'string', ...REPEATED },
        faults: { type: 'string' },
        seed: { type: 'string' },
        latency: { type: 'string', default: 'none' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message}; --help lists the options`, { cause })
  }
}

function toPort(option: string, text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= MAX_PORT) return Number(text)
  throw new UsageError(`${option} is "${text}"; expected a number from 0 (any free port) to ${MAX_PORT}`)
}

/** The values of an option that is given as `--name key=value`, as often as one likes. */
function pairs<Name extends string>(
  values: Readonly<Record<Name, string[]>>,
  name: Name,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    values[name].map((text) => {
      const at = text.indexOf('=')
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
      throw new UsageError(`--${name} is "${text}"; expected key=value`)
    }),
  )
}
