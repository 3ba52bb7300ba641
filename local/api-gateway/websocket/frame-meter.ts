/**
 * Follows the frame headers in the bytes that a client sends, to know the size of each frame before it is whole: the
 * WebSocket library tells only of messages, and the quota is on frames.
 */
export class FrameMeter {
  readonly #limit: number
  /** The start of a header whose rest has not come yet. */
  #partial: Buffer | undefined
  #payloadLeft = 0
  #frames = 0
  /** Frames of messages that are whole here, and that the library may still be taking apart. */
  readonly #messages: number[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  /** @returns false once a frame's payload is larger than the limit */
  accepts(chunk: Buffer): boolean {
    const bytes = this.#partial ? Buffer.concat([this.#partial, chunk]) : chunk
    this.#partial = undefined
    let at = 0
    for (;;) {
      const skipped = Math.min(this.#payloadLeft, bytes.length - at)
      this.#payloadLeft -= skipped
      at += skipped
      if (at === bytes.length) return true
      const size = headerSize(bytes, at)
      if (at + size > bytes.length) {
        this.#partial = Buffer.from(bytes.subarray(at))
        return true
      }
      const length = payloadLength(bytes, at)
      if (length > this.#limit) return false
      this.#payloadLeft = length
      this.#count(bytes.readUInt8(at))
      at += size
    }
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
}

/** Two bytes, the extended length, the mask: of a header that begins at `at`, as far as the bytes tell. */
function headerSize(bytes: Buffer, at: number): number {
  if (at + 1 >= bytes.length) return 2
  const second = bytes.readUInt8(at + 1)
  const short = second & 0x7f
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (second & 0x80 ? 4 : 0)
}

/** Of a header that is whole. */
function payloadLength(bytes: Buffer, at: number): number {
  const short = bytes.readUInt8(at + 1) & 0x7f
  if (short === 126) return bytes.readUInt16BE(at + 2)
  return short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short
}
