import type { Target } from './target.ts'

/** How a fact is known. */
export type Source =
  /** AWS's documentation says it. */
  | 'documented'
  /** It was seen in a recorded event, response or transcript of the real service. */
  | 'recorded'
  /** Users report it. */
  | 'reported'
  /** It follows from what is documented or recorded. */
  | 'inferred'
  /** Nobody knows; the local stack had to choose. */
  | 'chosen'

/** One thing that is held to be true of AWS, with a way to see for oneself. */
export interface Fact {
  /** A sentence in the present tense, unique. */
  readonly fact: string
  readonly source: Source
  /** What is to be observed, as JSON can carry it; the order of keys counts. */
  readonly expected: unknown
  readonly observe: (target: Target) => Promise<unknown>
}

/** Values that differ every time, by the shape that they have to have; what has another shape stays as it is. */
const SHAPES: readonly (readonly [RegExp, RegExp, string])[] = [
  [/^(connectionId|messageId|requestId|extendedRequestId)$/, /^[A-Za-z0-9_-]{15}=$/, '<id>'],
  [/^apiId$/, /^[a-z0-9]{10}$/, '<api>'],
  [/^domainName$|^host$/i, /^[a-z0-9.-]+$/, '<host>'],
  [/^domainPrefix$/, /^[a-z0-9]+$/, '<api>'],
  [/^accountId$/, /^\d{12}$/, '<account>'],
  [/^(requestTime|time)$/, /^\d{2}\/[A-Z][a-z]{2}\/\d{4}:\d{2}:\d{2}:\d{2} \+0000$/, '<time>'],
  [/^(sourceIp|x-forwarded-for)$/i, /^[0-9a-f.:]+$/, '<ip>'],
  [/^sec-websocket-key$/i, /^[A-Za-z0-9+/]{22}==$/, '<key>'],
  [/^x-amzn-trace-id$/i, /^Root=1-[0-9a-f]{8}-[0-9a-f]{24}/, '<trace>'],
  [
    /^methodArn$/,
    /^arn:aws[a-z-]*:execute-api:[a-z0-9-]+:\d{12}:[a-z0-9]{10}\/contract\/\$connect$/,
    '<method ARN>',
  ],
  [/^(connectedAt|lastActiveAt)$/, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/, '<ISO time>'],
]
const MILLISECONDS = /^(connectedAt|requestTimeEpoch|timeEpoch|integrationLatency)$/

/** An event with everything that differs from one to the next replaced by a name for its shape. */
export function shapeOf(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => shapeOf(item, key))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shapeOf(item, name)]))
  if (typeof value === 'number') return MILLISECONDS.test(key) ? '<ms>' : value
  if (typeof value !== 'string') return value
  return SHAPES.find(([keys, shape]) => keys.test(key) && shape.test(value))?.[2] ?? value
}
