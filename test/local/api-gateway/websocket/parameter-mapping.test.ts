import { describe, expect, it } from 'vitest'
import { ParameterMapping } from '../../../../local/api-gateway/websocket/parameter-mapping.ts'
import { Payload } from '../../../../local/api-gateway/payload.ts'

const sources = {
  payload: new Payload('{"id":7,"user":{"name":"a"},"tags":["x","y"]}'),
  context: { connectionId: 'c', authorizer: { principalId: 'p' } },
  stageVariables: { key: 'k' },
  handshake: {
    headers: { 'X-Token': 'last' },
    multiValueHeaders: { 'X-Token': ['first', 'last'] },
    queryStringParameters: { q: '2' },
    multiValueQueryStringParameters: { q: ['1', '2'] },
  },
  responseHeaders: { 'x-from': ['r', 's'] },
}

const map = (source: string, of: Partial<typeof sources> = {}) =>
  new ParameterMapping({ 'integration.request.header.X': source }, 'request').valuesOf('header', {
    ...sources,
    handshake: undefined,
    ...of,
  })['X']

describe('a request parameter', () => {
  it.each([
    ["'fixed'", 'fixed'],
    ["'it''s'", "it''s"],
    ['route.request.body.id', '7'],
    ['route.request.body.user', '{"name":"a"}'],
    ['route.request.body.user.name', 'a'],
    ['route.request.body.tags', ['x', 'y']],
    ['route.request.body.tags[1]', 'y'],
    ['route.request.body', '{"id":7,"user":{"name":"a"},"tags":["x","y"]}'],
    ['route.request.body.missing', undefined],
    ['context.connectionId', 'c'],
    ['context.authorizer.principalId', 'p'],
    ['stageVariables.key', 'k'],
    ['stageVariables.none', undefined],
  ])('comes from %s', (source, value) => {
    expect(map(source)).toEqual(value)
  })

  it.each([
    ['route.request.header.x-token', 'last'],
    ['route.request.multivalueheader.X-Token', ['first', 'last']],
    ['route.request.querystring.q', '2'],
    ['route.request.multivaluequerystring.q', ['1', '2']],
  ])('comes from %s on $connect only', (source, value) => {
    expect(map(source, { handshake: sources.handshake })).toEqual(value)
    expect(map(source)).toBeUndefined()
  })

  it('goes to a header, to the query or into the path', () => {
    const mapping = new ParameterMapping(
      {
        'integration.request.header.A': "'1'",
        'integration.request.querystring.b': "'2'",
        'integration.request.path.c': "'3'",
      },
      'request',
    )
    const places = (['header', 'querystring', 'path'] as const).map((place) =>
      mapping.valuesOf(place, sources),
    )
    expect(places).toEqual([{ A: '1' }, { b: '2' }, { c: '3' }])
  })

  it.each([
    [{ 'integration.request.cookie.a': "'1'" }, 'the parameter "integration.request.cookie.a"'],
    [{ 'integration.request.header.a': 'method.request.header.a' }, 'mapped from "method.request.header.a"'],
  ])('%j is refused', (parameters, message) => {
    expect(() => new ParameterMapping(parameters, 'request')).toThrow(message)
  })
})

it.each([
  ['integration.response.header.X-From', 'r'],
  ['integration.response.multivalueheader.x-from', ['r', 's']],
  ['integration.response.body.id', '7'],
])('a response parameter comes from %s', (source, value) => {
  const mapping = new ParameterMapping({ 'route.response.header.X': source }, 'response')
  expect(mapping.valuesOf('header', sources)).toEqual({ X: value })
})
