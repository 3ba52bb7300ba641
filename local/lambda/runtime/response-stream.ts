import { Writable } from 'node:stream'

/** How the runtime marks a handler that streams. */
export const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')

/** Between the metadata of an HTTP response and its body. */
const DELIMITER = Buffer.alloc(8)

/** What a streaming handler writes to; here it is collected and given back whole when it has ended. */
export class CollectingStream extends Writable {
  readonly #chunks: Buffer[] = []
  /** Comes before the body. */
  prelude: string | undefined

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(chunk)
    done()
  }

  setContentType(): void {
    // Goes into a header of the streamed response; there is none here.
  }

  get text(): string {
    const head = this.prelude === undefined ? [] : [Buffer.from(this.prelude), DELIMITER]
    return Buffer.concat([...head, ...this.#chunks]).toString()
  }
}

/** The global `awslambda` of the Node.js runtimes: https://docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html */
export const awslambda = {
  streamifyResponse<T extends object>(handler: T): T {
    return Object.assign(handler, { [STREAMING]: 'response' })
  },
  HttpResponseStream: {
    from(stream: CollectingStream, metadata: unknown): CollectingStream {
      stream.prelude = JSON.stringify(metadata)
      return stream
    },
  },
}
