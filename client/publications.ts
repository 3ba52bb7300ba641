import type { Channel } from '../protocol/ids.ts'
import { RETRIED } from '../protocol/errors.ts'
import { MAX_FRAME_BYTES } from '../protocol/limits.ts'
import type { ErrorFrame, PublishMessage } from '../protocol/messages.ts'
import { MAX_TRIES, retryMs } from './backoff.ts'
import { OpenlineError } from './errors.ts'
import type { Link } from './link.ts'

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

class PendingPublication implements Publication {
  readonly messageId: string
  readonly message: PublishMessage
  readonly done: Promise<number>
  state: PublicationState = 'waiting'
  /** How often it was sent on this link. */
  tries = 0
  timer: ReturnType<typeof setTimeout> | undefined
  #resolve: (offset: number) => void = () => undefined
  #reject: (error: OpenlineError) => void = () => undefined

  constructor(channel: string, data: string, messageId: string, id: string) {
    this.messageId = messageId
    // The server checks the channel's name; a wrong one comes back as an error.
    this.message = { action: 'publish', channel: channel as Channel, data, messageId, id }
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.done.catch(() => undefined) // whoever does not ask for it need not catch it
  }

  settle(outcome: number | OpenlineError): void {
    clearTimeout(this.timer)
    const hasFailed = outcome instanceof OpenlineError
    this.state = hasFailed ? 'failed' : 'published'
    if (hasFailed) this.#reject(outcome)
    else this.#resolve(outcome)
  }
}

export interface PublicationsOptions {
  /** Messages that may wait. */
  readonly limit: number
  /** How long one may stay unanswered before it is sent again, in milliseconds. */
  readonly replyMs: number
  readonly random: () => number
  /** An id for an action, used once on a line. */
  readonly nextId: () => string
}

/** Messages that are not through, in order: sent while a link is open, and again where it is not known what became of them. */
export class Publications {
  readonly #options: PublicationsOptions
  readonly #pending = new Map<string, PendingPublication>()
  #link: Link | undefined

  constructor(options: PublicationsOptions) {
    this.#options = options
  }

  /** Sends a message now, or as soon as there is a link; fails it at once when too many wait, or it is too large. */
  publish(channel: string, data: string, messageId: string): Publication {
    const { limit, nextId } = this.#options
    const id = nextId()
    const publication = new PendingPublication(channel, data, messageId, id)
    const bytes = new TextEncoder().encode(JSON.stringify(publication.message)).length
    if (bytes > MAX_FRAME_BYTES) {
      const message = `the message takes ${bytes} bytes; at most ${MAX_FRAME_BYTES} fit a frame`
      publication.settle(new OpenlineError('message_too_large', message))
    } else if (this.#pending.size >= limit) {
      const message = `${limit} messages wait to be published, the most allowed`
      publication.settle(new OpenlineError('queue_full', message))
    } else {
      this.#pending.set(id, publication)
      this.#send(publication)
    }
    return publication
  }

  /** Everything that is not through goes over this link; without one it waits. */
  carry(link: Link | undefined): void {
    if (link === this.#link) return
    this.#link = link
    for (const publication of this.#pending.values()) {
      clearTimeout(publication.timer)
      publication.tries = 0
      publication.state = 'waiting'
      this.#send(publication)
    }
  }

  /** It is published at an offset, or has failed for good. */
  settle(id = '', outcome: number | OpenlineError): void {
    this.#pending.get(id)?.settle(outcome)
    this.#pending.delete(id)
  }

  /** An answer to what is through already is of no account: one of several sendings was published. */
  refused({ id = '', code, message, requestId }: ErrorFrame): void {
    const publication = this.#pending.get(id)
    if (!publication) return
    if (!RETRIED.has(code) || publication.tries >= MAX_TRIES) {
      this.settle(id, new OpenlineError(code, message, requestId))
      return
    }
    const { random, replyMs } = this.#options
    clearTimeout(publication.timer)
    publication.timer = setTimeout(() => this.#send(publication), retryMs(publication.tries, random, replyMs))
  }

  failAll(error: OpenlineError): void {
    for (const id of this.#pending.keys()) this.settle(id, error)
  }

  #send(publication: PendingPublication): void {
    if (!this.#link?.send(publication.message)) return
    publication.tries++
    publication.state = 'sent'
    publication.timer = setTimeout(() => {
      if (publication.tries < MAX_TRIES) this.#send(publication)
      else this.#link?.giveUp()
    }, this.#options.replyMs)
  }
}
