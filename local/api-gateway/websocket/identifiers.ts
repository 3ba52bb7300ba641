import { fillRandom } from '../../random-bytes.ts'

/**
 * Ids of the shape that API Gateway's have: 11 bytes in base64url with padding, 16 characters in all, always ending in
 * `=`, with `-` and `_` now and then. Undocumented, read off 27 recorded ids of 2019 to 2024: a counter of 25 ms ticks
 * comes first, then a byte that tells connections and messages from requests, and what is left is a front-end's own.
 */
const BYTES = 11
const TICK_MS = 25
const FRONT_END_BYTES = 5
const KIND_AT = 4
const CONSTANT_AT = 8

function newId(atMs: number, isRequest: boolean, frontEnd?: Buffer): string {
  const bytes = fillRandom(Buffer.allocUnsafe(BYTES), KIND_AT)
  bytes.writeUInt32BE(Math.floor(atMs / TICK_MS) % 2 ** 32, 0)
  const kind = bytes.readUInt8(KIND_AT)
  bytes.writeUInt8(isRequest ? kind & 0x7f : kind | 0xc0, KIND_AT)
  frontEnd?.copy(bytes, BYTES - FRONT_END_BYTES)
  bytes.writeUInt8(isRequest ? 0x05 : 0x02, CONSTANT_AT)
  return `${bytes.toString('base64url')}=`
}

/** `TXzPWdnOjoECGjA=` */
export const newConnectionId = (atMs: number) => newId(atMs, false)
/** `TXzPWFkkjoEF92g=` */
export const newRequestId = (atMs: number) => newId(atMs, true)
/** Shares its last bytes with the connection's id: the same front-end made both. */
export const newMessageId = (atMs: number, connectionId: string) =>
  newId(atMs, false, Buffer.from(connectionId, 'base64url').subarray(-FRONT_END_BYTES))

/** Whether text could be a connection id; anything else gets 400 and not 410. */
export const isConnectionId = (text: string) => /^[A-Za-z0-9_-]{15}=$/.test(text)
