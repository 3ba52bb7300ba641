import type { Channel } from '../protocol/ids.ts'
import type { PublishMessage } from '../protocol/messages.ts'
import { OpenlineError } from './errors.ts'

/** Whether a message has left: on its way, kept until there is a line, or given up. */
export type PublicationState = 'sent' | 'waiting' | 'published' | 'failed'

/** One message that is being published. */
export interface Publication {
  readonly messageId: string
  /** As it stands now. */
  readonly state: PublicationState
  /** Resolves with the offset that the server gave it; rejects with an `OpenlineError` once it has failed for good. */
  readonly done: Promise<number>
}

export class PendingPublication implements Publication {
  readonly messageId: string
  readonly message: PublishMessage
  readonly done: Promise<number>
  state: PublicationState = 'waiting'
  #resolve: (offset: number) => void = () => undefined
  #reject: (error: OpenlineError) => void = () => undefined

  constructor(channel: string, data: string, messageId: string) {
    this.messageId = messageId
    // The server checks the channel's name; a wrong one comes back as an error.
    this.message = { action: 'publish', channel: channel as Channel, data, messageId, id: messageId }
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.done.catch(() => undefined) // whoever does not ask for it need not catch it
  }

  published(offset: number): void {
    this.state = 'published'
    this.#resolve(offset)
  }

  failed(error: OpenlineError): void {
    this.state = 'failed'
    this.#reject(error)
  }
}

/** Messages on their way, in order, as many as may wait for a line. */
export class Publications {
  readonly #limit: number
  readonly #pending = new Map<string, PendingPublication>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Takes one in; fails it at once when too many wait. */
  add(publication: PendingPublication): void {
    if (this.#pending.size < this.#limit) this.#pending.set(publication.messageId, publication)
    else
      publication.failed(
        new OpenlineError('queue_full', `${this.#limit} messages wait to be published, the most allowed`),
      )
  }

  /** The line is open: everything that is not through goes out, once more where that is not known. */
  *sendAll(): Generator<PublishMessage> {
    for (const publication of this.#pending.values()) {
      publication.state = 'sent'
      yield publication.message
    }
  }

  /** The line is lost: whether what was sent has arrived is not known. */
  lost(): void {
    for (const publication of this.#pending.values()) publication.state = 'waiting'
  }

  published(id: string, offset: number): void {
    this.#take(id)?.published(offset)
  }

  failed(id: string, error: OpenlineError): void {
    this.#take(id)?.failed(error)
  }

  failAll(error: OpenlineError): void {
    for (const id of [...this.#pending.keys()]) this.failed(id, error)
  }

  get(id: string): PendingPublication | undefined {
    return this.#pending.get(id)
  }

  #take(id: string): PendingPublication | undefined {
    const publication = this.#pending.get(id)
    this.#pending.delete(id)
    return publication
  }
}
