/**
 * Follows the frame headers in the bytes that a client sends, to know the size of each frame before it is whole: the
 * WebSocket library tells only of messages, and the quota is on frames.
 */
export class FrameMeter {
  readonly #limit: number
  #header: number[] = []
  #payloadLeft = 0
  #frames = 0
  readonly #messages: number[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /** @returns false once a frame's payload is larger than the limit */
  accepts(chunk: Buffer): boolean {
    let at = 0
    while (at < chunk.length) {
      if (this.#payloadLeft > 0) {
        const skipped = Math.min(this.#payloadLeft, chunk.length - at)
        this.#payloadLeft -= skipped
        at += skipped
        continue
      }
      this.#header.push(chunk[at++] ?? 0)
      const length = this.#payloadLength()
      if (length === undefined) continue
      if (length > this.#limit) return false
      this.#payloadLeft = length
      this.#count(this.#header[0] ?? 0)
      this.#header = []
    }
    return true
  }

  /** How many frames the next whole message came in; takes it off the list. */
  takeFrames(): number {
    return this.#messages.shift() ?? 1
  }

  #count(first: number): void {
    const isControl = (first & 0x08) !== 0
    const isLast = (first & 0x80) !== 0
    if (isControl) return
    this.#frames += 1
    if (!isLast) return
    this.#messages.push(this.#frames)
    this.#frames = 0
  }

  /** @returns undefined until the header is whole: two bytes, the extended length, the mask */
  #payloadLength(): number | undefined {
    const [, second] = this.#header
    if (second === undefined) return undefined
    const short = second & 0x7f
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0
    const mask = second & 0x80 ? 4 : 0
    if (this.#header.length < 2 + extended + mask) return undefined
    if (extended === 0) return short
    return this.#header.slice(2, 2 + extended).reduce((sum, byte) => sum * 256 + byte, 0)
  }
}
