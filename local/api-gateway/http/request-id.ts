import { fillRandom } from '../../random-bytes.ts'

/**
 * A request id in the shape of AWS's, `LV7fzho-BHcEJPw=`: 11 bytes in padded base64url, of which the first four count
 * ticks of 25 ms, the fifth is below 0x80 and the ninth is 4 in the events of HTTP APIs.
 */
export function httpRequestId(epochMs: number): string {
  const bytes = fillRandom(Buffer.allocUnsafe(11))
  bytes.writeUInt32BE(Math.floor(epochMs / 25) % 2 ** 32)
  bytes.writeUInt8(bytes.readUInt8(4) & 0x7f, 4)
  bytes.writeUInt8(0x04, 8)
  return `${bytes.toString('base64url')}=`
}
