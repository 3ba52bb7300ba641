import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 4096
const pool = Buffer.allocUnsafe(POOL_BYTES)
let used = POOL_BYTES

/** Fills part of a buffer with random bytes for ids, drawn many at a time: each draw costs as much as a whole message. */
export function fillRandom(target: Buffer, start = 0): Buffer {
  const count = target.length - start
  if (used + count > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  pool.copy(target, start, used, used + count)
  used += count
  return target
}
