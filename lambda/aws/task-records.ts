import type { AttributeValue, DynamoDBRecord } from 'aws-lambda'
import { type EpochMillis, isoTime, taskId } from '../../protocol/ids.ts'
import type { Task } from '../../protocol/messages.ts'
import type { ParsedChange } from '../core/task-changes.ts'
import { streamTime } from './events.ts'

type Image = Readonly<Record<string, AttributeValue | undefined>>

class Unreadable extends Error {}

/**
 * One record of the Tasks table's stream:
 * `{"eventName":"MODIFY","dynamodb":{"ApproximateCreationDateTime":1795425126,"Keys":{"id":{"S":"t-7"}},"OldImage":{…},"NewImage":{…},"SequenceNumber":"…"},…}`.
 */
export function parseTaskRecord({ dynamodb = {} }: DynamoDBRecord, now: EpochMillis): ParsedChange {
  const sequenceNumber = dynamodb.SequenceNumber ?? '' // the types doubt it; a stream always gives one
  try {
    const before = dynamodb.OldImage && toTask('OldImage', dynamodb.OldImage)
    const after = dynamodb.NewImage && toTask('NewImage', dynamodb.NewImage)
    if (!before && !after) throw new Unreadable('it has neither an old nor a new image')
    const at = isoTime(streamTime(dynamodb.ApproximateCreationDateTime, now))
    return { ok: true, change: { sequenceNumber, at, before, after } }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    return { ok: false, sequenceNumber, reason: error.message }
  }
}

/**
 * Which records of the stream an event source mapping gave up, and why:
 * `{"requestContext":{"condition":"RetryAttemptsExhausted",…},"DDBStreamBatchInfo":{"shardId":"…","startSequenceNumber":"…","batchSize":1,…},…}`.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
 * @returns the text itself where it is no JSON: a message that somebody else sent
 */
export function lostRecords(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return body
  }
}

function toTask(name: string, image: Image): Task {
  const attribute = (key: keyof Task, type: 'S' | 'N' | 'BOOL'): unknown => {
    const given: Readonly<Record<string, unknown>> = image[key] ?? {}
    if (given[type] !== undefined) return given[type]
    throw new Unreadable(`${name}.${key} is ${JSON.stringify(given)}; expected type ${type}`)
  }
  const version = Number(attribute('version', 'N'))
  if (!Number.isSafeInteger(version) || version < 1)
    throw new Unreadable(`${name}.version is ${version}; expected a whole number from 1`)
  return {
    id: taskId(String(attribute('id', 'S'))),
    title: String(attribute('title', 'S')),
    done: attribute('done', 'BOOL') === true,
    version,
    createdAt: String(attribute('createdAt', 'S')),
    updatedAt: String(attribute('updatedAt', 'S')),
  }
}
