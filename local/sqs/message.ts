import { createHash } from 'node:crypto'
import { invalidParameter, missingParameter, SqsError } from './errors.ts'
import { MAX_MESSAGE_ATTRIBUTES } from './limits.ts'

/** As the JSON protocol writes it: `{"DataType":"String","StringValue":"x"}`, a binary value in base64. */
export interface MessageAttribute {
  readonly DataType: string
  readonly StringValue?: string
  readonly BinaryValue?: string
}

export type MessageAttributes = Readonly<Record<string, MessageAttribute>>

/** What a sender gives. */
export interface NewMessage {
  readonly body: string
  readonly attributes?: MessageAttributes
  /** Only `AWSTraceHeader` exists. */
  readonly systemAttributes?: MessageAttributes
  /** Of this message instead of the queue's; not for FIFO queues. */
  readonly delaySeconds?: number
  readonly groupId?: string
  readonly deduplicationId?: string
}

/** A message in a queue. */
export interface StoredMessage extends NewMessage {
  readonly id: string
  /** Epoch milliseconds; a move to a dead-letter queue keeps it, so that retention goes on counting. */
  readonly sentAt: number
  /** 20 digits, FIFO queues only. */
  readonly sequenceNumber?: string
  /** The queue that gave the message up, on a dead-letter queue. */
  readonly deadLetterSourceArn?: string
  /** Epoch milliseconds before which no receiver gets it. */
  visibleAt: number
  receiveCount: number
  firstReceivedAt?: number
  /** The newest one; older ones have expired. */
  receiptHandle?: string
}

export function md5(data: string | Buffer): string {
  return createHash('md5').update(data).digest('hex')
}

/**
 * `MD5OfMessageAttributes`: sorted by name, each as name, data type, one byte for the transport type (1 text, 2 binary)
 * and value, with lengths of four bytes before everything of variable length. Undefined without attributes.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
 */
export function md5OfAttributes(attributes: MessageAttributes | undefined): string | undefined {
  const names = Object.keys(attributes ?? {}).sort()
  if (attributes === undefined || names.length === 0) return undefined
  const parts = names.flatMap((name) => {
    const attribute = attributes[name]
    if (!attribute) return []
    const binary = attribute.BinaryValue !== undefined
    return [
      ...prefixed(Buffer.from(name)),
      ...prefixed(Buffer.from(attribute.DataType)),
      Buffer.of(binary ? 2 : 1),
      ...prefixed(valueOf(attribute)),
    ]
  })
  return md5(Buffer.concat(parts))
}

function prefixed(bytes: Buffer): [Buffer, Buffer] {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return [length, bytes]
}

function valueOf(attribute: MessageAttribute): Buffer {
  return attribute.BinaryValue === undefined
    ? Buffer.from(attribute.StringValue ?? '')
    : Buffer.from(attribute.BinaryValue, 'base64')
}

/** What SQS itself says of a message that was received, by name. @param senderId account of whoever sent it */
export function systemAttributes(message: StoredMessage, senderId: string): Record<string, string> {
  const attributes = {
    ApproximateReceiveCount: String(message.receiveCount),
    AWSTraceHeader: message.systemAttributes?.['AWSTraceHeader']?.StringValue,
    SentTimestamp: String(message.sentAt),
    SequenceNumber: message.sequenceNumber,
    MessageGroupId: message.groupId,
    SenderId: senderId,
    MessageDeduplicationId: message.deduplicationId,
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
    DeadLetterQueueSourceArn: message.deadLetterSourceArn,
  }
  return Object.fromEntries(
    Object.entries(attributes).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

/** What counts against the size limit: the body and each attribute's name, type and value. */
export function sizeOf(message: NewMessage): number {
  return Object.entries(message.attributes ?? {}).reduce(
    (sum, [name, attribute]) =>
      sum + Buffer.byteLength(name) + Buffer.byteLength(attribute.DataType) + valueOf(attribute).length,
    Buffer.byteLength(message.body),
  )
}

/** @throws SqsError when the body is empty, or body or attributes are what SQS refuses on every queue */
export function checkMessage(message: NewMessage): void {
  if (message.body === '') throw missingParameter('MessageBody')

  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u.test(message.body)) {
    throw new SqsError(
      'InvalidMessageContents',
      'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF',
    )
  }
  const attributes = Object.entries(message.attributes ?? {})
  if (attributes.length > MAX_MESSAGE_ATTRIBUTES) {
    throw new SqsError(
      'InvalidParameterValueException',
      `Number of message attributes [${attributes.length}] exceeds the allowed maximum [${MAX_MESSAGE_ATTRIBUTES}].`,
    )
  }
  for (const [name, attribute] of attributes) checkAttribute(name, attribute)
  for (const [name, id] of [
    ['MessageGroupId', message.groupId],
    ['MessageDeduplicationId', message.deduplicationId],
  ] as const) {
    if (id !== undefined && !/^[\x21-\x7e]{1,128}$/.test(id)) {
      throw invalidParameter(
        name,
        id,
        `${name} can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
      )
    }
  }
}

function checkAttribute(name: string, attribute: MessageAttribute): void {
  const type = /^(String|Number|Binary)(\.|$)/.exec(attribute.DataType)?.[1]
  if (type === undefined) {
    throw new SqsError(
      'InvalidParameterValueException',
      `The type of message (user) attribute '${name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String.`,
    )
  }
  const value = type === 'Binary' ? attribute.BinaryValue : attribute.StringValue
  if (value === undefined || value === '') {
    throw new SqsError(
      'InvalidParameterValueException',
      `Message (user) attribute '${name}' must contain a non-empty value of type '${type === 'Binary' ? 'Binary' : 'String'}'.`,
    )
  }
}
