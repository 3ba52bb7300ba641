import { expect, it } from 'vitest'
import { utf8Bytes } from '../../protocol/limits.ts'

it.each(['', 'abc', 'é', '€', '😀', 'a😀é', '\ud800', '\ud800x', '\udc00'])(
  'counts the bytes of %j as UTF-8 has them',
  (text) => {
    expect(utf8Bytes(text)).toBe(Buffer.byteLength(text))
  },
)
