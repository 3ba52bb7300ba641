// Stream records that were given up: whoever watches the tasks is told that something was missed.
import type { Context, SQSEvent } from 'aws-lambda'
import { documentClient } from './aws/document-client.ts'
import { halfTime } from './aws/system.ts'
import { lostRecords } from './aws/task-records.ts'
import { wirePublish } from './aws/wire.ts'
import { leaveGap } from './core/leave-gap.ts'
import { TASKS } from '../protocol/channel.ts'

const deps = wirePublish(documentClient())

/** One gap stands for all that a batch tells of. */
export async function handler({ Records }: SQSEvent, context: Context): Promise<void> {
  for (const { body } of Records)
    deps.report('error', 'stream records were given up', { lost: lostRecords(body) })
  await leaveGap(TASKS, { ...deps, deadline: halfTime(context) })
}
