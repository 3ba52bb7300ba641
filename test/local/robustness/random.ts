/** Numbers that look random and are the same for the same seed: mulberry32. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** From 0 up to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 up to `limit`, without it. */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  of<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.below(items.length)] ?? items[0]
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }

  /** Bytes with some of them changed, removed or doubled. */
  mutate(original: Buffer): Buffer {
    let bytes = Buffer.from(original)
    for (let times = 1 + this.below(6); times > 0 && bytes.length > 0; times--) {
      const at = this.below(bytes.length)
      const piece = bytes.subarray(at, at + 1 + this.below(24))
      switch (this.below(4)) {
        case 0:
          bytes[at] = this.below(256)
          break
        case 1:
          bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + piece.length)])
          break
        case 2:
          bytes = Buffer.concat([bytes.subarray(0, at), piece, piece, bytes.subarray(at)])
          break
        default:
          bytes = Buffer.concat([bytes.subarray(0, at), this.bytes(1 + this.below(8)), bytes.subarray(at)])
      }
    }
    return bytes
  }

  /** Anything that JSON can say, nested at most so deep. */
  json(depth = 4): unknown {
    const leaves = [
      null,
      true,
      0,
      -1,
      1e308,
      2 ** 53,
      '',
      '$connect',
      '__proto__',
      '\u0000\ud800',
      '💥',
    ] as const
    switch (depth === 0 ? 0 : this.below(4)) {
      case 1:
        return Array.from({ length: this.below(4) }, () => this.json(depth - 1))
      case 2:
      case 3: {
        const names = ['action', 'channel', 'id', 'data', 'constructor', '__proto__', 'since', ''] as const
        return Object.fromEntries(
          Array.from({ length: this.below(5) }, () => [this.of([...names]), this.json(depth - 1)]),
        )
      }
      default:
        return this.of([...leaves])
    }
  }
}
