import { createHash, randomUUID } from 'node:crypto'
import type { Clock, Timer } from '../clock.ts'
import type { QueueDefinition } from './definition.ts'
import { invalidParameter, missingParameter, SqsError } from './errors.ts'
import {
  DEDUPLICATION_MS,
  MAX_DELAY_SECONDS,
  MAX_VISIBILITY_TIMEOUT_SECONDS,
  MAX_WAIT_SECONDS,
  PURGE_INTERVAL_MS,
} from './limits.ts'
import { checkMessage, sizeOf, type NewMessage, type StoredMessage } from './message.ts'

export interface ReceiveOptions {
  /** 1 to 10. @default 1 */
  readonly max?: number
  /** @default the queue's */
  readonly visibilityTimeoutSeconds?: number
  /** Long poll: waits that long for a first message. @default the queue's */
  readonly waitSeconds?: number
  /** Ends a long poll with nothing, so that no message goes to a receiver that has left. */
  readonly signal?: AbortSignal
}

interface Waiter {
  readonly max: number
  readonly visibilityMs: number
  readonly resolve: (messages: StoredMessage[]) => void
}

/**
 * One queue in memory. Messages come in the order they were sent; a standard queue on AWS promises less than that.
 * Nothing is lost by a clock that stands still: expiry and visibility are read off the clock at each call.
 */
export class Queue {
  /** Another one applies from the next call on; messages stay. */
  definition: QueueDefinition
  readonly createdAt: number
  readonly #clock: Clock
  /** Hands a message over to the dead-letter queue. */
  readonly #giveUp: (message: StoredMessage) => void
  readonly #messages = new Map<string, StoredMessage>()
  readonly #deduplicated = new Map<string, { until: number; message: StoredMessage }>()
  readonly #waiters = new Set<Waiter>()
  #wake: Timer | undefined
  #sequence = 0
  #purgedAt = -Infinity

  constructor(definition: QueueDefinition, clock: Clock, giveUp: (message: StoredMessage) => void) {
    this.definition = definition
    this.#clock = clock
    this.#giveUp = giveUp
    this.createdAt = clock.now()
  }

  /**
   * On a FIFO queue, gives the message that was taken before when the deduplication id comes again within five minutes.
   * @throws SqsError
   */
  send(message: NewMessage): StoredMessage {
    this.check(message)
    const now = this.#clock.now()
    const { fifo, delaySeconds } = this.definition
    const deduplicationId = fifo && (message.deduplicationId ?? sha256(message.body))
    const duplicateKey = fifo?.deduplicatesPerGroup
      ? `${message.groupId ?? ''} ${deduplicationId ?? ''}`
      : deduplicationId
    if (duplicateKey !== undefined) {
      for (const [key, { until }] of this.#deduplicated) if (until <= now) this.#deduplicated.delete(key)
      const earlier = this.#deduplicated.get(duplicateKey)
      if (earlier) return earlier.message
    }
    const stored: StoredMessage = {
      ...message,
      id: randomUUID(),
      sentAt: now,
      visibleAt: now + (message.delaySeconds ?? delaySeconds) * 1000,
      receiveCount: 0,
      ...(deduplicationId === undefined
        ? {}
        : { deduplicationId, sequenceNumber: this.#nextSequenceNumber() }),
    }
    if (duplicateKey !== undefined) {
      this.#deduplicated.set(duplicateKey, { until: now + DEDUPLICATION_MS, message: stored })
    }
    this.#messages.set(stored.id, stored)
    this.#serveWaiters()
    return stored
  }

  /** Takes a message over from the queue that gave it up; its id, age and receive count stay. */
  adopt(message: StoredMessage, deadLetterSourceArn: string): void {
    const { receiptHandle: _expired, ...kept } = message
    const now = this.#clock.now()
    this.#messages.set(message.id, {
      ...kept,
      deadLetterSourceArn,
      visibleAt: now,
      ...(this.definition.fifo ? { sequenceNumber: this.#nextSequenceNumber() } : {}),
    })
    this.#serveWaiters()
  }

  /** @throws SqsError for what this queue would refuse */
  check(message: NewMessage): void {
    const { fifo, maxMessageBytes } = this.definition
    checkMessage(message)
    if (sizeOf(message) > maxMessageBytes) {
      throw new SqsError(
        'InvalidParameterValueException',
        `One or more parameters are invalid. Reason: Message must be shorter than ${maxMessageBytes} bytes.`,
      )
    }
    const { delaySeconds } = message
    if (delaySeconds !== undefined && !(delaySeconds >= 0 && delaySeconds <= MAX_DELAY_SECONDS)) {
      throw invalidParameter(
        'DelaySeconds',
        delaySeconds,
        `DelaySeconds must be >= 0 and <= ${MAX_DELAY_SECONDS}.`,
      )
    }
    const misplaced = 'The request include parameter that is not valid for this queue type.'
    if (!fifo) {
      if (message.deduplicationId !== undefined) {
        throw invalidParameter('MessageDeduplicationId', message.deduplicationId, misplaced)
      }
      return
    }
    if (delaySeconds !== undefined && delaySeconds > 0)
      throw invalidParameter('DelaySeconds', delaySeconds, misplaced)
    if (message.groupId === undefined) throw missingParameter('MessageGroupId')
    if (message.deduplicationId === undefined && !fifo.contentBasedDeduplication) {
      throw new SqsError(
        'InvalidParameterValueException',
        'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
      )
    }
  }

  /**
   * Messages made invisible to others for the visibility timeout; none when the wait ends without one.
   * @throws SqsError
   */
  receive(options: ReceiveOptions = {}): Promise<StoredMessage[]> {
    const { max = 1, signal } = options
    const visibilitySeconds = options.visibilityTimeoutSeconds ?? this.definition.visibilityTimeoutSeconds
    const waitSeconds = options.waitSeconds ?? this.definition.waitSeconds
    if (!(Number.isInteger(max) && max >= 1 && max <= 10)) {
      throw invalidParameter('MaxNumberOfMessages', max, 'Must be between 1 and 10, if provided.')
    }
    if (!(waitSeconds >= 0 && waitSeconds <= MAX_WAIT_SECONDS)) {
      throw invalidParameter(
        'WaitTimeSeconds',
        waitSeconds,
        `Must be >= 0 and <= ${MAX_WAIT_SECONDS}, if provided.`,
      )
    }
    checkVisibility(visibilitySeconds)

    const visibilityMs = visibilitySeconds * 1000
    const messages = this.#take(max, visibilityMs)
    if (messages.length > 0 || waitSeconds === 0 || signal?.aborted) return Promise.resolve(messages)
    return new Promise((resolve) => {
      const finish = (found: StoredMessage[]) => {
        this.#waiters.delete(waiter)
        deadline.cancel()
        signal?.removeEventListener('abort', leave)
        this.#arm()
        resolve(found)
      }
      const leave = () => finish([])
      const deadline = this.#clock.after(waitSeconds * 1000, leave)
      const waiter: Waiter = { max, visibilityMs, resolve: finish }
      signal?.addEventListener('abort', leave)
      this.#waiters.add(waiter)
      this.#arm()
    })
  }

  /**
   * Succeeds without effect for a message that is gone, and on a standard queue for a handle that a later receive has
   * replaced.
   * @throws SqsError for a handle that is none, and on a FIFO queue for one whose visibility timeout is over
   */
  delete(receiptHandle: string): void {
    const message = this.#messages.get(this.#messageId(receiptHandle))
    if (!message) return
    const expired = message.receiptHandle !== receiptHandle || message.visibleAt <= this.#clock.now()
    if (this.definition.fifo && expired) {
      throw invalidParameter('ReceiptHandle', receiptHandle, 'The receipt handle has expired.')
    }
    if (message.receiptHandle !== receiptHandle) return
    this.#messages.delete(message.id)
    // The next message of the group is free now.
    this.#serveWaiters()
  }

  /** @throws SqsError */
  changeVisibility(receiptHandle: string, seconds: number): void {
    const id = this.#messageId(receiptHandle)
    checkVisibility(seconds)
    const now = this.#clock.now()
    const message = this.#messages.get(id)
    if (!message) {
      throw invalidParameter(
        'ReceiptHandle',
        receiptHandle,
        'Message does not exist or is not available for visibility timeout change.',
      )
    }
    if (message.receiptHandle !== receiptHandle || message.visibleAt <= now) {
      throw new SqsError('MessageNotInflight', 'The specified message is not in flight.')
    }
    message.visibleAt = now + seconds * 1000
    this.#serveWaiters()
  }

  /** @throws SqsError when the last purge is less than 60 s ago */
  purge(): void {
    const now = this.#clock.now()
    if (now - this.#purgedAt < PURGE_INTERVAL_MS) {
      throw new SqsError(
        'PurgeQueueInProgress',
        `Only one PurgeQueue operation on ${this.definition.name} is allowed every 60 seconds.`,
      )
    }
    this.#purgedAt = now
    this.#messages.clear()
  }

  /** How many messages are visible, in flight and delayed. */
  counts(): { visible: number; inFlight: number; delayed: number } {
    this.#expire()
    const now = this.#clock.now()
    const counts = { visible: 0, inFlight: 0, delayed: 0 }
    for (const { visibleAt, receiptHandle } of this.#messages.values()) {
      counts[visibleAt <= now ? 'visible' : receiptHandle === undefined ? 'delayed' : 'inFlight'] += 1
    }
    return counts
  }

  /** Ends every long poll. */
  close(): void {
    for (const waiter of [...this.#waiters]) waiter.resolve([])
  }

  #take(max: number, visibilityMs: number): StoredMessage[] {
    this.#expire()
    const now = this.#clock.now()
    const taken: StoredMessage[] = []
    const blockedGroups = new Set<string>()
    for (const message of [...this.#messages.values()]) {
      if (taken.length === max) break
      const group = this.definition.fifo ? message.groupId : undefined
      if (group !== undefined && blockedGroups.has(group)) continue
      if (message.visibleAt > now) {
        if (group !== undefined) blockedGroups.add(group)
        continue
      }
      const { redrive } = this.definition
      if (redrive && message.receiveCount >= redrive.maxReceiveCount) {
        this.#messages.delete(message.id)
        this.#giveUp(message)
        continue
      }
      message.receiveCount += 1
      message.firstReceivedAt ??= now
      message.visibleAt = now + visibilityMs
      message.receiptHandle = this.#newReceiptHandle(message.id)
      taken.push({ ...message })
    }
    return taken
  }

  #expire(): void {
    const oldest = this.#clock.now() - this.definition.retentionSeconds * 1000
    for (const { id, sentAt } of this.#messages.values()) if (sentAt <= oldest) this.#messages.delete(id)
  }

  #serveWaiters(): void {
    for (const waiter of [...this.#waiters]) {
      const messages = this.#take(waiter.max, waiter.visibilityMs)
      if (messages.length > 0) waiter.resolve(messages)
    }
    this.#arm()
  }

  /** While somebody waits: a timer for the moment the next message becomes visible. */
  #arm(): void {
    this.#wake?.cancel()
    this.#wake = undefined
    if (this.#waiters.size === 0) return
    const now = this.#clock.now()
    const next = Math.min(...[...this.#messages.values()].map((m) => m.visibleAt).filter((at) => at > now))
    if (next !== Infinity) this.#wake = this.#clock.after(next - now, () => this.#serveWaiters())
  }

  #nextSequenceNumber(): string {
    return String(++this.#sequence).padStart(20, '0')
  }

  #newReceiptHandle(messageId: string): string {
    return Buffer.from(JSON.stringify([this.definition.name, messageId, randomUUID()])).toString('base64')
  }

  /** @throws SqsError when the handle was not made by this queue */
  #messageId(receiptHandle: string): string {
    try {
      const [name, id] = JSON.parse(Buffer.from(receiptHandle, 'base64').toString()) as unknown[]
      if (name === this.definition.name && typeof id === 'string') return id
    } catch {
      // Not base64 of JSON, or not of a list: no handle of ours, told below.
    }
    throw new SqsError(
      'ReceiptHandleIsInvalid',
      `The input receipt handle "${receiptHandle}" is not a valid receipt handle.`,
    )
  }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

function checkVisibility(seconds: number): void {
  if (!(seconds >= 0 && seconds <= MAX_VISIBILITY_TIMEOUT_SECONDS)) {
    throw invalidParameter(
      'VisibilityTimeout',
      seconds,
      `Total VisibilityTimeout for the message is beyond the limit [${MAX_VISIBILITY_TIMEOUT_SECONDS} seconds]`,
    )
  }
}
