import { randomFillSync } from 'node:crypto'
import type { Clock } from '../clock.ts'

/** Fills the bytes with randomness; a seeded one makes a run repeatable. */
export type RandomFill = (bytes: Uint8Array) => void

const TICK_MS = 25
const WELL_FORMED = /^[A-Za-z0-9_-]{15}=$/

/** Whether the text could be a connection id: 11 bytes in padded base64url. */
export const isConnectionId = (text: string): boolean => WELL_FORMED.test(text)

/**
 * Identifiers in the shape of AWS's, `TXzPWdnOjoECGjA=`: 11 bytes in padded base64url. AWS does not document the shape;
 * this is the pattern of some thirty recorded ids:
 *
 * | bytes | hold |
 * | --- | --- |
 * | 0-3 | ticks of 25 ms, big-endian |
 * | 4-5 | a sequence; byte 4 is 0xC0 or more in connection and message ids, below 0x80 in request ids |
 * | 6-7 | constant in a Region |
 * | 8 | 2 in connection and message ids, 5 in request ids |
 * | 9-10 | of the front-end: a message id has those of its connection's id |
 *
 * The sequence makes ids of one generator unique up to 16,384 in a tick.
 */
export class Ids {
  readonly #clock: Clock
  readonly #random: RandomFill
  readonly #bytes = Buffer.alloc(11)
  readonly #region = Buffer.alloc(2)
  #sequence = 0

  constructor(clock: Clock, random: RandomFill = randomFillSync) {
    this.#clock = clock
    this.#random = random
    random(this.#region)
    const start = Buffer.alloc(2)
    random(start)
    this.#sequence = start.readUInt16BE()
  }

  connectionId(): string {
    const bytes = this.#next(0x02)
    bytes[4] = (bytes[4] ?? 0) | 0xc0
    this.#random(bytes.subarray(9))
    return encode(bytes)
  }

  /** Ends like the id of its connection. */
  messageId(connectionId: string): string {
    const bytes = this.#next(0x02)
    bytes[4] = (bytes[4] ?? 0) | 0xc0
    // Eight characters are the bytes 5 to 10 of 48 bits; the sixth byte is the sequence's, so the last seven are kept.
    return encode(bytes).slice(0, 8) + connectionId.slice(8)
  }

  requestId(): string {
    const bytes = this.#next(0x05)
    bytes[4] = (bytes[4] ?? 0) & 0x7f
    this.#random(bytes.subarray(9))
    return encode(bytes)
  }

  #next(kind: number): Buffer {
    // An odd factor permutes the 14 bits, so that neighbours differ in more than their last characters.
    const scattered = (this.#sequence++ * 0x2545) & 0x3fff
    const bytes = this.#bytes
    bytes.writeUInt32BE(Math.floor(this.#clock.now() / TICK_MS) % 2 ** 32)
    bytes.writeUInt16BE(scattered, 4)
    bytes.set(this.#region, 6)
    bytes[8] = kind
    return bytes
  }
}

const encode = (bytes: Buffer) => `${bytes.toString('base64url')}=`
