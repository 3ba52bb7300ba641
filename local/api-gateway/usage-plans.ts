import { createHash } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Resource } from '../cloudformation/resource.ts'
import { record, text } from './http/properties.ts'
import { type Throttle, TokenBucket } from './throttle.ts'

/** An `AWS::ApiGateway::ApiKey`. */
export interface ApiKey {
  readonly id: string
  readonly value: string
}

/** What a key is good for at a stage: nothing without a plan that has both. */
export type KeyUse = { readonly key: ApiKey } | { readonly refused: 'unknown' | 'throttled' | 'quota' }

interface Quota {
  readonly limit: number
  readonly period: string
  /** The day that a period starts on: with `WEEK`, 0 is Sunday. */
  readonly offset: number
}

interface UsagePlan {
  readonly path: string
  readonly stages: ReadonlySet<string>
  readonly quota: Quota | undefined
  readonly throttle: { readonly rate: number; readonly burst: number } | undefined
  /** What each key has used, by the key's id. */
  readonly used: Map<string, { bucket: Throttle | undefined; period: number; count: number }>
}

const stageOf = (apiId: string, stage: string) => `${apiId}/${stage}`

/**
 * The API keys of a template and the usage plans that they are in.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
 */
export class UsagePlans {
  readonly #clock: Clock
  readonly #plans: ReadonlyMap<string, readonly UsagePlan[]>
  readonly #keys: ReadonlyMap<string, ApiKey>
  /** Keys without a value in the template, whose value nobody could know: path and key. */
  readonly generated: readonly (readonly [string, ApiKey])[]

  constructor(resources: readonly Resource[], clock: Clock) {
    this.#clock = clock
    const of = (type: string) => resources.filter((each) => each.type === `AWS::ApiGateway::${type}`)
    const keys = of('ApiKey').filter(({ properties }) => String(properties['Enabled']) === 'true')
    this.#keys = new Map(keys.map(toKey).map((key) => [key.value, key]))
    this.generated = keys
      .filter(({ properties }) => properties['Value'] === undefined)
      .map((key) => [key.path, toKey(key)] as const)
    const plans = new Map(of('UsagePlan').map((plan) => [plan.physicalId, toPlan(plan)]))
    const plansByKey = new Map<string, UsagePlan[]>()
    for (const { properties } of of('UsagePlanKey')) {
      const plan = plans.get(String(properties['UsagePlanId']))
      const id = String(properties['KeyId'])
      if (plan) plansByKey.set(id, [...(plansByKey.get(id) ?? []), plan])
    }
    this.#plans = plansByKey
  }

  /** Spends one request of what the key's plan allows at a stage. */
  use(apiId: string, stage: string, value: string | undefined): KeyUse {
    const key = this.#keys.get(value ?? '')
    const plans = key ? (this.#plans.get(key.id) ?? []) : []
    const plan = plans.find(({ stages }) => stages.has(stageOf(apiId, stage)))
    if (!key || !plan) return { refused: 'unknown' }
    const period = plan.quota ? periodOf(plan.quota, this.#clock.now()) : 0
    let used = plan.used.get(key.id)
    if (!used) {
      const bucket = plan.throttle && new TokenBucket(plan.throttle, this.#clock)
      plan.used.set(key.id, (used = { bucket, period, count: 0 }))
    }
    if (used.bucket && !used.bucket.take()) return { refused: 'throttled' }
    if (used.period !== period) Object.assign(used, { period, count: 0 })
    if (plan.quota && used.count >= plan.quota.limit) return { refused: 'quota' }
    used.count += 1
    return { key }
  }
}

/** A value that the template does not give is API Gateway's choice: 40 characters, always the same here. */
function toKey({ physicalId, path, properties }: Resource): ApiKey {
  const value = text(properties['Value']) ?? createHash('sha256').update(path).digest('hex').slice(0, 40)
  return { id: physicalId, value }
}

function toPlan({ path, properties }: Resource): UsagePlan {
  const stages = Array.isArray(properties['ApiStages']) ? (properties['ApiStages'] as unknown[]) : []
  const { RateLimit, BurstLimit } = record(properties['Throttle'])
  const { Limit, Period, Offset } = record(properties['Quota'])
  return {
    path,
    stages: new Set(stages.map(record).map(({ ApiId, Stage }) => stageOf(String(ApiId), String(Stage)))),
    throttle:
      RateLimit === undefined && BurstLimit === undefined
        ? undefined
        : { rate: Number(RateLimit ?? 0), burst: Number(BurstLimit ?? 0) },
    quota:
      Limit === undefined
        ? undefined
        : { limit: Number(Limit), period: text(Period) ?? 'DAY', offset: Number(Offset ?? 0) },
    used: new Map(),
  }
}

const DAY_MS = 24 * 60 * 60 * 1000
/** 1 January 1970 was a Thursday, four days after a Sunday. */
const FIRST_WEEKDAY = 4

/** A number of the period that a moment is in; periods start at midnight UTC. */
function periodOf({ period, offset }: Quota, now: number): number {
  const day = Math.floor(now / DAY_MS)
  if (period === 'WEEK') return Math.floor((day + FIRST_WEEKDAY - offset) / 7)
  if (period !== 'MONTH') return day
  const date = new Date(now - offset * DAY_MS)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}
