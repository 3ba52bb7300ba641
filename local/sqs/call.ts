import type { ServiceAnswer } from '../api-gateway/http/service-integration.ts'
import { SqsError } from './errors.ts'
import { Input } from './input.ts'
import { operations } from './operations.ts'
import type { Queues } from './queues.ts'

/** An operation of SQS for a service of AWS rather than for a client: `SendMessage` with the fields of its JSON protocol. */
export async function callSqs(
  queues: Queues,
  accountId: string,
  operation: string,
  fields: Readonly<Record<string, unknown>>,
): Promise<ServiceAnswer> {
  const run = operations[operation]
  if (!run) throw new Error(`the operation "${operation}" of SQS is not emulated`)
  try {
    const signal = new AbortController().signal
    return { statusCode: 200, body: await run(new Input(fields), { queues, accountId, signal }) }
  } catch (error) {
    if (!(error instanceof SqsError)) throw error
    return { statusCode: error.statusCode, body: { __type: error.shape, message: error.message } }
  }
}
