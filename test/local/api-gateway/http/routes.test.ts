import { describe, expect, it } from 'vitest'
import { parseRouteKey, selectRoute } from '../../../../local/api-gateway/http/routes.ts'

const routes = [
  '$default',
  'ANY /{proxy+}',
  'GET /pets/{proxy+}',
  'GET /pets/dog/{id}',
  'ANY /pets/dog/1',
  'GET /pets/dog/1',
  'GET /{kind}/{name}',
  'GET /',
].map((key) => ({ key: parseRouteKey(key) }))

describe('route selection', () => {
  it.each([
    ['GET', '/pets/dog/1', 'GET /pets/dog/1', {}],
    ['POST', '/pets/dog/1', 'ANY /pets/dog/1', {}],
    ['GET', '/pets/dog/2', 'GET /pets/dog/{id}', { id: '2' }],
    ['GET', '/pets/cat/2', 'GET /pets/{proxy+}', { proxy: 'cat/2' }],
    ['GET', '/pets/dog', 'GET /{kind}/{name}', { kind: 'pets', name: 'dog' }],
    ['GET', '/pets/dog/a%2Fb', 'GET /pets/dog/{id}', { id: 'a/b' }],
    ['GET', '/%70ets/dog/1', 'GET /pets/dog/1', {}],
    ['DELETE', '/x/y/z', 'ANY /{proxy+}', { proxy: 'x/y/z' }],
    ['GET', '/', 'GET /', {}],
    ['POST', '/', '$default', {}],
  ])('gives %s %s to %s', (method, path, key, parameters) => {
    const match = selectRoute(routes, method, path)
    expect([match?.route.key.text, match?.pathParameters]).toEqual([key, parameters])
  })

  it('does not depend on the order of the template', () => {
    expect(selectRoute([...routes].reverse(), 'GET', '/pets/dog/1')?.route.key.text).toBe('GET /pets/dog/1')
  })

  it.each([
    ['GET /a', 'GET', '/a/'],
    ['GET /a', 'HEAD', '/a'],
    ['GET /a/{b}', 'GET', '/a/'],
    ['GET /{proxy+}', 'GET', '/'],
    ['GET /a', 'GET', '/A'],
  ])('keeps %s from %s %s', (key, method, path) => {
    expect(selectRoute([{ key: parseRouteKey(key) }], method, path)).toBeUndefined()
  })

  it.each(['', 'GET', 'GET tasks', 'get /tasks', 'TRACE /tasks', '$connect', 'GET /{a+}/b'])(
    'refuses the route key "%s" by name',
    (key) => {
      expect(() => parseRouteKey(key)).toThrow(`invalid route key "${key}"`)
    },
  )
})
