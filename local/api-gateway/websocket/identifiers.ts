import { randomBytes } from 'node:crypto'

/**
 * Ids of the shape that API Gateway's have: 11 bytes in base64url with padding, 16 characters in all, always ending in
 * `=`, with `-` and `_` now and then. Undocumented, read off 27 recorded ids of 2019 to 2024: a counter of 25 ms ticks
 * comes first, then a byte that tells connections and messages from requests, and what is left is a front-end's own.
 */
const TICK_MS = 25
const TAIL_BYTES = 5

function makeId(atMs: number, isRequest: boolean, tail: Buffer): string {
  const bytes = Buffer.concat([Buffer.alloc(4), randomBytes(2), tail])
  bytes.writeUInt32BE(Math.floor(atMs / TICK_MS) % 2 ** 32, 0)
  bytes[4] = isRequest ? bytes.readUInt8(4) & 0x7f : bytes.readUInt8(4) | 0xc0
  bytes[8] = isRequest ? 0x05 : 0x02
  return `${bytes.toString('base64url')}=`
}

/** `TXzPWdnOjoECGjA=` */
export const newConnectionId = (atMs: number) => makeId(atMs, false, randomBytes(TAIL_BYTES))
/** `TXzPWFkkjoEF92g=` */
export const newRequestId = (atMs: number) => makeId(atMs, true, randomBytes(TAIL_BYTES))
/** Shares its last bytes with the connection's id: the same front-end made both. */
export const newMessageId = (atMs: number, connectionId: string) =>
  makeId(atMs, false, Buffer.from(connectionId, 'base64url').subarray(-TAIL_BYTES))

/** Whether text could be a connection id; anything else gets 400 and not 410. */
export const isConnectionId = (text: string) => /^[A-Za-z0-9_-]{15}=$/.test(text)
