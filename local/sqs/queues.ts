import type { Clock } from '../clock.ts'
import type { Destinations } from '../destination.ts'
import type { Log } from '../log.ts'
import type { QueueDefinition } from './definition.ts'
import { queueDoesNotExist } from './errors.ts'
import type { StoredMessage } from './message.ts'
import { Queue } from './queue.ts'

/** Every queue of the stack. */
export class Queues implements Destinations {
  readonly #clock: Clock
  readonly #log: Log
  #queues: readonly Queue[]

  constructor(definitions: readonly QueueDefinition[], { clock, log }: { clock: Clock; log: Log }) {
    this.#clock = clock
    this.#log = log
    this.#queues = definitions.map((definition) => this.#make(definition))
  }

  /** Queues of another deployment: those that were there keep their messages, those that are gone lose them. */
  update(definitions: readonly QueueDefinition[]): void {
    const before = new Map(this.#queues.map((queue) => [queue.definition.arn, queue]))
    this.#queues = definitions.map((definition) => {
      const queue = before.get(definition.arn)
      if (!queue) return this.#make(definition)
      before.delete(definition.arn)
      queue.definition = definition
      return queue
    })
    for (const gone of before.values()) gone.close()
  }

  all(): readonly Queue[] {
    return this.#queues
  }

  byArn(arn: string): Queue | undefined {
    return this.#queues.find((q) => q.definition.arn === arn)
  }

  byName(name: string): Queue | undefined {
    return this.#queues.find((q) => q.definition.name === name)
  }

  /**
   * The queue of a URL; account and name decide, so that a URL on another host or port finds it too.
   * @throws SqsError QueueDoesNotExist
   */
  byUrl(url: string): Queue {
    const queue = this.#queues.find((q) => accountAndName(q.definition.url) === accountAndName(url))
    if (!queue) throw queueDoesNotExist()
    return queue
  }

  /**
   * A failed record or invocation, from inside AWS. A message that no queue takes is lost, as on AWS, but said aloud
   * with its body.
   */
  send(arn: string, body: string, attributes: Readonly<Record<string, string>> = {}): void {
    try {
      const queue = this.byArn(arn)
      if (!queue) throw queueDoesNotExist()
      queue.send({
        body,
        attributes: Object.fromEntries(
          Object.entries(attributes).map(([name, value]) => [
            name,
            { DataType: 'String', StringValue: value },
          ]),
        ),
      })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#log.error('sqs', `a message to "${arn}" is lost: ${reason} ${body}`)
    }
  }

  /** Ends every long poll. */
  close(): void {
    for (const queue of this.#queues) queue.close()
  }

  #make(definition: QueueDefinition): Queue {
    const queue: Queue = new Queue(definition, this.#clock, (message) => {
      this.#deadLetter(queue.definition, message)
    })
    return queue
  }

  #deadLetter({ arn, name, redrive }: QueueDefinition, message: StoredMessage): void {
    const target = redrive && this.byArn(redrive.deadLetterArn)
    if (target) target.adopt(message, arn)
    else {
      this.#log.error(
        'sqs',
        `queue "${name}" gives up a message, and its dead-letter queue "${redrive?.deadLetterArn ?? ''}" is not in the template; the message is lost: ${message.body}`,
      )
    }
  }
}

function accountAndName(url: string): string {
  return url.split('?')[0]?.split('/').slice(-2).join('/') ?? ''
}
