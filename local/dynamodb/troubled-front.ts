import type { Clock } from '../clock.ts'
import type { Faults } from '../faults.ts'
import type { Latency } from '../latency.ts'
import type { Log } from '../log.ts'
import type { ServiceHandler } from '../services.ts'
import type { DynamoDbService } from './service.ts'

interface Trouble {
  readonly clock: Clock
  readonly log: Log
  readonly faults: Faults | undefined
  readonly latency: Latency | undefined
}

/** Takes calls to DynamoDB with the delay and the faults that are asked for; without any it is the front itself. */
export function troubledDynamoDb(
  { front, engine }: DynamoDbService,
  { clock, log, faults, latency }: Trouble,
): ServiceHandler {
  if (!faults && !latency) return front.handle
  return (request, response) => {
    if (faults?.strike('engine.kill', 'dynamodb')) {
      if (engine.kill) void engine.kill()
      else log.warn('faults', `the engine at ${engine.endpoint} was not started here and is not killed`)
    }
    if (latency) clock.after(latency.dynamodbMs, () => front.handle(request, response))
    else front.handle(request, response)
  }
}
