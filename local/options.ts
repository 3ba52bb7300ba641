import { randomInt } from 'node:crypto'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { AccountQuotas } from './api-gateway/account.ts'
import { LOSS_NOTICES, type LossNotice } from './api-gateway/websocket/loss-notice.ts'
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
  /** Whether edits are applied to the running stack. */
  readonly watch: boolean
  /** Whether signatures and permissions are checked. */
  readonly iam: boolean
  /** Context for the app, over its own. */
  readonly context: Readonly<Record<string, string>>
  /** Port for debuggers on the loopback interface; undefined when none may attach. */
  readonly inspect: number | undefined
  readonly selection: Selection
  readonly given: GivenValues
  /** Those of the account that are given; the others are AWS's. */
  readonly quotas: Partial<AccountQuotas>
  readonly lossNotice: LossNotice
  /** Whether posts that are no UTF-8 get an error; AWS's answer is not known. */
  readonly isStrict: boolean
  readonly faults: Faults | undefined
  readonly latency: Latency | undefined
}

/** A command line that can't be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const MAX_PORT = 65_535
/** The words of `--quota`. */
const QUOTAS: Readonly<Record<string, keyof AccountQuotas>> = {
  requests: 'requestsPerSecond',
  burst: 'burst',
  connections: 'newConnectionsPerSecond',
}
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
  return {
    app: resolve(first ?? '.'),
    port: toPort('--port', values.port),
    web: values.web === undefined ? undefined : resolve(values.web),
    state: resolve(values.state),
    data: values.data === undefined ? undefined : resolve(values.data),
    watch: !values['no-watch'],
    iam: oneOf('--iam', values.iam, ['on', 'off']) === 'on',
    inspect: values.inspect === undefined ? undefined : toPort('--inspect', values.inspect),
    context: pairs(values, 'context'),
    selection: {
      stacks: values.stack,
      ...(values.region === undefined ? {} : { region: toRegion(values.region) }),
      ...(values.account === undefined ? {} : { accountId: toAccount(values.account) }),
    },
    given: {
      parameters: pairs(values, 'parameter'),
      ssm: pairs(values, 'ssm'),
      secrets: pairs(values, 'secret'),
      imports: pairs(values, 'import'),
    },
    quotas: values.quota === undefined ? {} : quotasOf(values.quota),
    lossNotice: oneOf('--loss-notice', values['loss-notice'], LOSS_NOTICES),
    isStrict: values.strict,
    faults: faultsOf(values),
    latency: LATENCIES[oneOf('--latency', values.latency, Object.keys(LATENCIES))],
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

function quotasOf(text: string): Partial<AccountQuotas> {
  const given = text.split(',').map((part): [keyof AccountQuotas, number] => {
    const [, name = '', amount] = /^\s*(\w+)=([1-9]\d*)\s*$/.exec(part) ?? []
    const quota = Object.hasOwn(QUOTAS, name) ? QUOTAS[name] : undefined
    if (quota !== undefined) return [quota, Number(amount)]
    throw new UsageError(
      `--quota is "${part}"; expected ${Object.keys(QUOTAS).join(', ')}, each with a number from 1, as in requests=100,burst=50`,
    )
  })
  return Object.fromEntries(given)
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
        'no-watch': { type: 'boolean', default: false },
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
        quota: { type: 'string' },
        'loss-notice': { type: 'string', default: 'immediately' },
        strict: { type: 'boolean', default: false },
        faults: { type: 'string' },
        seed: { type: 'string' },
        latency: { type: 'string', default: 'none' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (cause) {
    // Node says how to write it as an argument too, which would be no help.
    const [what = ''] = (cause as Error).message.split('. ')
    throw new UsageError(`${what}; --help lists the options`, { cause })
  }
}

function toPort(option: string, text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= MAX_PORT) return Number(text)
  throw new UsageError(`${option} is "${text}"; expected a number from 0 (any free port) to ${MAX_PORT}`)
}

function toRegion(text: string): string {
  if (/^[a-z]{2,}(-[a-z]+)+-\d+$/.test(text)) return text
  throw new UsageError(`--region is "${text}"; expected the name of a Region, as in eu-west-1`)
}

function toAccount(text: string): string {
  if (/^\d{12}$/.test(text)) return text
  throw new UsageError(`--account is "${text}"; expected the 12 digits of an account`)
}

function oneOf<Word extends string>(option: string, text: string, allowed: readonly Word[]): Word {
  const word = allowed.find((each) => each === text)
  if (word !== undefined) return word
  throw new UsageError(
    `${option} is "${text}"; expected ${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1) ?? ''}`,
  )
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
