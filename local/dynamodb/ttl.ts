import type { Clock, Timer } from '../clock.ts'
import type { Log } from '../log.ts'
import { EngineError } from './client.ts'
import type { Engine } from './engine.ts'
import type { ExpiredItems } from './expired-items.ts'
import type { Table } from './tables.ts'

/** How often expired items are looked for. AWS may take days; here a test or a person is waiting. */
export const DEFAULT_SWEEP_INTERVAL_MS = 5_000

export interface TtlOptions {
  readonly engine: Engine
  readonly tables: readonly Table[]
  readonly clock: Clock
  readonly log: Log
  readonly intervalMs?: number
  /** Told of each key that is about to be deleted where the engine can't mark the record itself. */
  readonly expired: ExpiredItems
}

/** By how much a clock differs that is not the machine's. */
const APART_MS = 1000

type ExpiringTable = Table & { readonly ttlAttribute: string }
type Item = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** Deletes expired items, which no engine does by itself. */
export class Ttl {
  readonly #options: TtlOptions
  readonly #tables: readonly ExpiringTable[]
  #timer: Timer | undefined
  #stopped = false

  constructor(options: TtlOptions) {
    this.#options = options
    this.#tables = options.tables.filter((table): table is ExpiringTable => table.ttlAttribute !== undefined)
  }

  start(): void {
    if (this.#tables.length > 0) this.#schedule()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  /** Deletes everything that has expired by now. */
  async sweepNow(): Promise<void> {
    if (this.#tables.length === 0) return
    const { engine, clock } = this.#options
    // The engine goes by the machine's time: where the clock is behind that it must not delete, and where it is ahead
    // there is more to delete.
    const aheadMs = clock.now() - Date.now()
    if (engine.sweepTtl && aheadMs >= -APART_MS) {
      await engine.sweepTtl()
      if (aheadMs <= APART_MS) return
    }
    for (const table of this.#tables) await this.#sweepTable(table)
  }

  #schedule(): void {
    const { clock, log, intervalMs = DEFAULT_SWEEP_INTERVAL_MS } = this.#options
    this.#timer = clock.after(intervalMs, () => {
      this.sweepNow()
        .catch((error: unknown) => {
          if (!this.#stopped) log.warn('dynamodb', `expired items could not be deleted: ${String(error)}`)
        })
        .finally(() => {
          if (!this.#stopped) this.#schedule()
        })
    })
  }

  async #sweepTable(table: ExpiringTable): Promise<void> {
    const { engine, clock, expired } = this.#options
    const keyNames = (table.resource.properties['KeySchema'] as { AttributeName: string }[]).map(
      (k) => k.AttributeName,
    )
    const now = { N: String(Math.floor(clock.now() / 1000)) }
    let start: unknown
    do {
      const page = await engine.client.call('Scan', {
        TableName: table.name,
        FilterExpression: '#ttl < :now',
        ExpressionAttributeNames: { '#ttl': table.ttlAttribute },
        ExpressionAttributeValues: { ':now': now },
        ...(start ? { ExclusiveStartKey: start } : {}),
      })
      for (const item of (page['Items'] ?? []) as Item[]) {
        const Key = Object.fromEntries(keyNames.map((name) => [name, item[name]]))
        // Known before its record can be read, and forgotten when the item is gone or has got more time meanwhile.
        expired.add(table.engineStreamArn, Key)
        try {
          await engine.client.call('DeleteItem', {
            TableName: table.name,
            Key,
            ConditionExpression: '#ttl < :now',
            ExpressionAttributeNames: { '#ttl': table.ttlAttribute },
            ExpressionAttributeValues: { ':now': now },
          })
        } catch (error) {
          expired.remove(table.engineStreamArn, Key)
          if (!(error instanceof EngineError && error.code === 'ConditionalCheckFailedException')) throw error
        }
      }
      start = page['LastEvaluatedKey']
    } while (start)
  }
}
