import { invalidParameter, missingParameter, queueDoesNotExist, SqsError } from './errors.ts'
import type { Input } from './input.ts'
import { MAX_BATCH_ENTRIES, MAX_MESSAGE_BYTES } from './limits.ts'
import {
  md5,
  md5OfAttributes,
  sizeOf,
  systemAttributes,
  type MessageAttributes,
  type StoredMessage,
} from './message.ts'
import type { Queue } from './queue.ts'
import type { Queues } from './queues.ts'

export interface OperationContext {
  readonly queues: Queues
  readonly accountId: string
  /** Aborted when the client has left. */
  readonly signal: AbortSignal
}

/** Gives the response's fields; undefined ones are left out. @throws SqsError */
type Operation = (input: Input, context: OperationContext) => object | Promise<object>

/** Operations of the SQS API by name; one that is missing here is an `UnsupportedOperation` to the client. */
export const operations: Readonly<Record<string, Operation>> = {
  SendMessage(input, { queues }) {
    const queue = queueOf(input, queues)
    return sent(queue.send(input.message()))
  },

  SendMessageBatch(input, { queues }) {
    const queue = queueOf(input, queues)
    const entries = batchEntries(input, 'SendMessageBatchRequestEntry')
    const bytes = entries.reduce((sum, { entry }) => sum + sizeOf(entry.message()), 0)
    if (bytes > MAX_MESSAGE_BYTES) {
      throw new SqsError(
        'BatchRequestTooLong',
        `Batch requests cannot be longer than ${MAX_MESSAGE_BYTES} bytes. You have sent ${bytes} bytes.`,
      )
    }
    return eachEntry(entries, (entry) => sent(queue.send(entry.message())))
  },

  async ReceiveMessage(input, { queues, accountId, signal }) {
    const queue = queueOf(input, queues)
    const max = input.integer('MaxNumberOfMessages')
    const visibilityTimeoutSeconds = input.integer('VisibilityTimeout')
    const waitSeconds = input.integer('WaitTimeSeconds')
    const system = [...input.texts('AttributeNames'), ...input.texts('MessageSystemAttributeNames')]
    const names = input.texts('MessageAttributeNames')
    const messages = await queue.receive({
      signal,
      ...(max === undefined ? {} : { max }),
      ...(visibilityTimeoutSeconds === undefined ? {} : { visibilityTimeoutSeconds }),
      ...(waitSeconds === undefined ? {} : { waitSeconds }),
    })
    if (messages.length === 0) return {}
    return { Messages: messages.map((m) => received(m, { system, names, accountId })) }
  },

  DeleteMessage(input, { queues }) {
    queueOf(input, queues).delete(input.requiredText('ReceiptHandle'))
    return {}
  },

  DeleteMessageBatch(input, { queues }) {
    const queue = queueOf(input, queues)
    return eachEntry(batchEntries(input, 'DeleteMessageBatchRequestEntry'), (entry) => {
      queue.delete(entry.requiredText('ReceiptHandle'))
      return {}
    })
  },

  ChangeMessageVisibility(input, { queues }) {
    changeVisibility(queueOf(input, queues), input)
    return {}
  },

  ChangeMessageVisibilityBatch(input, { queues }) {
    const queue = queueOf(input, queues)
    return eachEntry(batchEntries(input, 'ChangeMessageVisibilityBatchRequestEntry'), (entry) => {
      changeVisibility(queue, entry)
      return {}
    })
  },

  GetQueueUrl(input, { queues }) {
    const queue = queues.byName(input.requiredText('QueueName'))
    if (!queue) throw queueDoesNotExist()
    return { QueueUrl: queue.definition.url }
  },

  GetQueueAttributes(input, { queues }) {
    const all = queueAttributes(queueOf(input, queues))
    const asked = input.texts('AttributeNames')
    const unknown = asked.find((name) => name !== 'All' && !ATTRIBUTE_NAMES.has(name))
    if (unknown !== undefined) throw new SqsError('InvalidAttributeName', `Unknown Attribute ${unknown}.`)
    const chosen = Object.entries(all).filter(([name]) => asked.includes('All') || asked.includes(name))
    return chosen.length === 0 ? {} : { Attributes: Object.fromEntries(chosen) }
  },

  PurgeQueue(input, { queues }) {
    queueOf(input, queues).purge()
    return {}
  },

  ListQueues(input, { queues }) {
    const prefix = input.text('QueueNamePrefix') ?? ''
    const max = input.integer('MaxResults') ?? 1000
    if (max < 1 || max > 1000)
      throw invalidParameter('MaxResults', max, 'MaxResults must be an integer between 1 and 1000.')
    const after = Buffer.from(input.text('NextToken') ?? '', 'base64').toString()
    const found = queues
      .all()
      .filter((q) => q.definition.name.startsWith(prefix) && q.definition.name > after)
      .sort((a, b) => (a.definition.name < b.definition.name ? -1 : 1))
    const page = found.slice(0, max)
    if (page.length === 0) return {}
    // AWS pages only for a caller that gives MaxResults.
    const last = found.length > max && input.integer('MaxResults') !== undefined ? page.at(-1) : undefined
    return {
      QueueUrls: page.map((q) => q.definition.url),
      NextToken: last && Buffer.from(last.definition.name).toString('base64'),
    }
  },
}

function queueOf(input: Input, queues: Queues): Queue {
  return queues.byUrl(input.requiredText('QueueUrl'))
}

function changeVisibility(queue: Queue, input: Input): void {
  const seconds = input.integer('VisibilityTimeout')
  if (seconds === undefined) throw missingParameter('VisibilityTimeout')
  queue.changeVisibility(input.requiredText('ReceiptHandle'), seconds)
}

function sent(message: StoredMessage): object {
  return {
    MessageId: message.id,
    MD5OfMessageBody: md5(message.body),
    MD5OfMessageAttributes: md5OfAttributes(message.attributes),
    MD5OfMessageSystemAttributes: md5OfAttributes(message.systemAttributes),
    SequenceNumber: message.sequenceNumber,
  }
}

function received(
  message: StoredMessage,
  { system, names, accountId }: { system: readonly string[]; names: readonly string[]; accountId: string },
): object {
  const attributes = select(message.attributes ?? {}, names)
  const chosen = Object.entries(systemAttributes(message, accountId)).filter(
    ([name]) => system.includes('All') || system.includes(name),
  )
  return {
    MessageId: message.id,
    ReceiptHandle: message.receiptHandle,
    MD5OfBody: md5(message.body),
    Body: message.body,
    Attributes: chosen.length === 0 ? undefined : Object.fromEntries(chosen),
    MD5OfMessageAttributes: md5OfAttributes(attributes),
    MessageAttributes: Object.keys(attributes).length === 0 ? undefined : attributes,
  }
}

/** By exact names, prefixes such as `app.*`, or all with `All` or `.*`. */
function select(attributes: MessageAttributes, names: readonly string[]): MessageAttributes {
  return Object.fromEntries(
    Object.entries(attributes).filter(([name]) =>
      names.some((n) => n === 'All' || n === name || (n.endsWith('.*') && name.startsWith(n.slice(0, -2)))),
    ),
  )
}

interface BatchEntry {
  readonly id: string
  readonly entry: Input
}

/** @throws SqsError when the batch as a whole is wrong */
function batchEntries(input: Input, entryName: string): BatchEntry[] {
  const entries = input.structures('Entries').map((entry) => ({ id: entry.requiredText('Id'), entry }))
  if (entries.length === 0) {
    throw new SqsError('EmptyBatchRequest', `There should be at least one ${entryName} in the request.`)
  }
  if (entries.length > MAX_BATCH_ENTRIES) {
    throw new SqsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${MAX_BATCH_ENTRIES}. You have sent ${entries.length}.`,
    )
  }
  if (entries.some(({ id }) => !/^[\w-]{1,80}$/.test(id))) {
    throw new SqsError(
      'InvalidBatchEntryId',
      'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
    )
  }
  const repeated = entries.find(({ id }, i) => entries.findIndex((e) => e.id === id) < i)
  if (repeated) throw new SqsError('BatchEntryIdsNotDistinct', `Id ${repeated.id} repeated.`)
  return entries
}

/** One entry that fails does not fail the others. */
function eachEntry(entries: readonly BatchEntry[], act: (entry: Input) => object): object {
  const successful: object[] = []
  const failed: object[] = []
  for (const { id, entry } of entries) {
    try {
      successful.push({ Id: id, ...act(entry) })
    } catch (error) {
      if (!(error instanceof SqsError)) throw error
      failed.push({ Id: id, SenderFault: true, Code: error.queryCode, Message: error.message })
    }
  }
  return { Successful: successful, Failed: failed.length === 0 ? undefined : failed }
}

function queueAttributes(queue: Queue): Record<string, string> {
  const { definition, createdAt } = queue
  const { visible, inFlight, delayed } = queue.counts()
  const created = String(Math.floor(createdAt / 1000))
  return {
    QueueArn: definition.arn,
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    CreatedTimestamp: created,
    LastModifiedTimestamp: created,
    VisibilityTimeout: String(definition.visibilityTimeoutSeconds),
    MaximumMessageSize: String(definition.maxMessageBytes),
    MessageRetentionPeriod: String(definition.retentionSeconds),
    DelaySeconds: String(definition.delaySeconds),
    ReceiveMessageWaitTimeSeconds: String(definition.waitSeconds),
    SqsManagedSseEnabled: 'true',
    ...(definition.redrive && {
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: definition.redrive.deadLetterArn,
        maxReceiveCount: definition.redrive.maxReceiveCount,
      }),
    }),
    ...(definition.fifo && {
      FifoQueue: 'true',
      ContentBasedDeduplication: String(definition.fifo.contentBasedDeduplication),
      DeduplicationScope: definition.fifo.deduplicatesPerGroup ? 'messageGroup' : 'queue',
    }),
  }
}

/** `QueueAttributeName` of the service model. */
const ATTRIBUTE_NAMES: ReadonlySet<string> = new Set([
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesDelayed',
  'ApproximateNumberOfMessagesNotVisible',
  'ContentBasedDeduplication',
  'CreatedTimestamp',
  'DeduplicationScope',
  'DelaySeconds',
  'FifoQueue',
  'FifoThroughputLimit',
  'KmsDataKeyReusePeriodSeconds',
  'KmsMasterKeyId',
  'LastModifiedTimestamp',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'Policy',
  'QueueArn',
  'ReceiveMessageWaitTimeSeconds',
  'RedriveAllowPolicy',
  'RedrivePolicy',
  'SqsManagedSseEnabled',
  'VisibilityTimeout',
])
