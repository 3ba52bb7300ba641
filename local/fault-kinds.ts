/** What one kind of fault does, in the words that the command line prints. */
interface FaultDefinition {
  readonly meaning: string
  /** What it may happen to, and what `subject` is. */
  readonly per: 'post' | 'disconnect' | 'batch' | 'invocation' | 'environment' | 'request'
  /** How long it lasts unless told otherwise. */
  readonly durationMs?: number
}

/** Every kind of fault, each of which has been seen on AWS, or is allowed by what AWS promises. */
export const FAULTS = {
  'post.410': { per: 'post', meaning: 'answers 410 although the client is there; nothing is sent' },
  'post.429': { per: 'post', meaning: 'answers 429; nothing is sent' },
  'post.500': { per: 'post', meaning: 'answers 500; nothing is sent' },
  'post.503': { per: 'post', meaning: 'answers 503; nothing is sent' },
  'post.cut': {
    per: 'post',
    meaning: 'sends the message, and cuts the line of whoever posts before it is answered',
  },
  'post.stall': {
    per: 'post',
    meaning: 'holds the post before anything is done about it',
    durationMs: 5_000,
  },
  'post.reorder': {
    per: 'post',
    meaning: 'answers 200, and sends the message after the next one to the client, or once the time is over',
    durationMs: 1_000,
  },
  'disconnect.lost': { per: 'disconnect', meaning: '$disconnect is not told' },
  'disconnect.late': { per: 'disconnect', meaning: '$disconnect is told later', durationMs: 30_000 },
  'disconnect.double': { per: 'disconnect', meaning: '$disconnect is told twice' },
  'stream.redeliver': { per: 'batch', meaning: 'hands a batch over again after the function has handled it' },
  'stream.resplit': { per: 'batch', meaning: 'hands a handled batch over again in two parts, cut anywhere' },
  'stream.double': { per: 'batch', meaning: 'hands a batch over twice at the same time' },
  'function.crash': {
    per: 'invocation',
    meaning: 'kills the execution environment at one of the moments below',
  },
  'function.crash.before': { per: 'invocation', meaning: 'kills it before the handler begins' },
  'function.crash.midway': {
    per: 'invocation',
    meaning: 'kills it once a service has answered the handler, the first call or one soon after',
  },
  'function.crash.after': {
    per: 'invocation',
    meaning: 'kills it when the handler is done and nobody has its reply',
  },
  'function.timeout': {
    per: 'invocation',
    meaning: 'stands still at one of the moments below until the timeout',
  },
  'function.timeout.before': { per: 'invocation', meaning: 'stands still before the handler begins' },
  'function.timeout.midway': {
    per: 'invocation',
    meaning: 'stands still once a service has answered the handler',
  },
  'function.timeout.after': { per: 'invocation', meaning: 'stands still when the handler is done' },
  'function.skew': {
    per: 'environment',
    meaning: 'has the clock of an execution environment ahead or behind, by up to the time, for all its life',
    durationMs: 5 * 60_000,
  },
  'engine.kill': {
    per: 'request',
    meaning: "kills DynamoDB's engine (-9) when a request comes in; it starts again",
  },
} as const satisfies Readonly<Record<string, FaultDefinition>>

export type FaultKind = keyof typeof FAULTS

export const KINDS = Object.keys(FAULTS) as FaultKind[]

/** How often a kind happens, and for how long. */
export interface FaultRate {
  /** Of those that it may happen to, from 0 to 1. */
  readonly probability: number
  readonly durationMs?: number
}

export type FaultRates = Readonly<Partial<Record<FaultKind, FaultRate>>>

/** How long a fault of a kind lasts, where a rate does not say otherwise; 0 for those that take no time. */
export function durationOf(kind: FaultKind, rates: FaultRates): number {
  const definition: FaultDefinition = FAULTS[kind]
  return rates[kind]?.durationMs ?? definition.durationMs ?? 0
}

/** `--faults` that can't be understood. */
export class FaultsError extends Error {
  override readonly name = 'FaultsError'
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 }

/**
 * Reads `post.429=0.05,post.stall=0.01@10s`: kinds with how often they happen, and for how long.
 * @throws FaultsError naming what is wrong and what is allowed
 */
export function parseFaults(text: string): FaultRates {
  const rates: Partial<Record<FaultKind, FaultRate>> = {}
  for (const part of text.split(',').map((each) => each.trim())) {
    const [kind = '', value = ''] = part.split(/=(.*)/s)
    if (!isKind(kind)) throw new FaultsError(`"${kind}" is no kind of fault; expected ${KINDS.join(', ')}`)
    const [, probability, amount, unit] = /^([\d.]+)(?:@(\d+)(ms|s|m))?$/.exec(value) ?? []
    const rate = Number(probability ?? Number.NaN)
    if (!(rate >= 0 && rate <= 1))
      throw new FaultsError(
        `"${part}" does not say how often; expected ${kind}=<0 to 1>, with @<time> for how long, as in ${kind}=0.05@500ms`,
      )
    const definition: FaultDefinition = FAULTS[kind]
    if (amount !== undefined && definition.durationMs === undefined)
      throw new FaultsError(`"${part}" gives a time, which ${kind} does not take`)
    if (rates[kind]) throw new FaultsError(`"${kind}" is there twice; give each kind once`)
    const durationMs = amount === undefined ? {} : { durationMs: Number(amount) * (UNITS[unit ?? ''] ?? 1) }
    rates[kind] = { probability: rate, ...durationMs }
  }
  return rates
}

const isKind = (text: string): text is FaultKind => Object.hasOwn(FAULTS, text)

/** What `--faults help` prints. */
export function faultsHelp(): string {
  const width = Math.max(...KINDS.map((kind) => kind.length))
  const lines = KINDS.map((kind) => {
    const { meaning, durationMs }: FaultDefinition = FAULTS[kind]
    const time = durationMs === undefined ? '' : ` (${durationMs / 1000}s)`
    return `  ${kind.padEnd(width)}  ${meaning}${time}`
  })
  return `--faults <kind>=<probability>[@<time>],… and --seed <number>

${lines.join('\n')}

A probability goes from 0 to 1. A time is 500ms, 5s or 2m; in parentheses is the one that holds without.
The same seed makes the same run: post.429=0.05,post.stall=0.01@10s,function.crash=0.01 --seed 42
`
}
