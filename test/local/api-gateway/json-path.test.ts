import { describe, expect, it } from 'vitest'
import { compileJsonPath } from '../../../local/api-gateway/json-path.ts'

const root = {
  a: { b: [1, 2, { c: 'x' }], 'with space': 1, 'with-hyphen': 2, none: null },
  items: [
    { id: 1, price: 5 },
    { id: 2, price: 15 },
  ],
}

describe('a JSONPath', () => {
  it.each([
    ['$', root],
    ['$.a.b[0]', 1],
    ['$.a.b[-1].c', 'x'],
    ["$['a']['with space']", 1],
    ['$["a"].with-hyphen', 2],
    ['$.a.none', null],
    ['$.items[*].id', [1, 2]],
    ['$..id', [1, 2]],
    ['$.items[?(@.price > 10)].id', [2]],
    ['$.a.b[0:2]', [1, 2]],
    ['$.items.length()', 2],
    ['$.a.b[2].c.length()', 1],
  ])('%s leads to %j', (path, value) => {
    expect(compileJsonPath(path)(root)).toEqual(value)
  })

  it.each(['$.z', '$.a.z', '$.a.b[9]', '$.a.b.c', '$.a[0]', '$.a.none.z', '$.a.constructor', '$.z.length()'])(
    '%s leads nowhere',
    (path) => {
      expect(compileJsonPath(path)(root)).toBeUndefined()
    },
  )

  it.each(['$[', 'a.b', '$.a b', '$.a[?(]'])('%s can not be read', (path) => {
    expect(() => compileJsonPath(path)).toThrow()
  })
})
