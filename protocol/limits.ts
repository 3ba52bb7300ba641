/** Bytes of UTF-8 in one frame: API Gateway's quota and its billing step. */
export const MAX_FRAME_BYTES = 32 * 1024
/** A connection's longest life: API Gateway ends it then. */
export const CONNECTION_LIFETIME_MS = 2 * 60 * 60 * 1000
/** Characters in the `id` of an action and in a `messageId`. */
export const MAX_ID_LENGTH = 64
/** Characters in a task's title. */
export const MAX_TITLE_LENGTH = 200

/** Bytes that text takes in UTF-8, counted without an encoder: `protocol/` uses no platform. */
export function utf8Bytes(text: string): number {
  let bytes = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x80) bytes += 1
    else if (code < 0x800) bytes += 2
    else if (code >= 0xd800 && code < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      bytes += 4
      i++
    } else bytes += 3
  }
  return bytes
}
