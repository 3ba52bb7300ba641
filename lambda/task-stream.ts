// The Tasks table's stream: every change becomes an event, a batch travels as one frame per channel.
import type { Context, DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda'
import { documentClient } from './aws/document-client.ts'
import { halfTime } from './aws/system.ts'
import { parseTaskRecord } from './aws/task-records.ts'
import { wirePublish } from './aws/wire.ts'
import { publishChanges } from './core/task-changes.ts'

const deps = wirePublish(documentClient())

export async function handler(
  { Records }: DynamoDBStreamEvent,
  context: Context,
): Promise<DynamoDBBatchResponse> {
  const now = deps.clock.now()
  const failed = await publishChanges(
    Records.map((record) => parseTaskRecord(record, now)),
    { ...deps, deadline: halfTime(context) },
  )
  return { batchItemFailures: failed === undefined ? [] : [{ itemIdentifier: failed }] }
}
