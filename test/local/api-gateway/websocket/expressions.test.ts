import { describe, expect, it } from 'vitest'
import { SelectionExpression } from '../../../../local/api-gateway/websocket/expressions.ts'
import { Payload } from '../../../../local/api-gateway/payload.ts'

const select = (expression: string, body: string) =>
  new SelectionExpression(expression).select({ request: new Payload(body) })

describe('a selection expression', () => {
  it.each([
    ['$request.body.action', '{"action":"ask"}', 'ask'],
    ['${request.body.action}', '{"action":"ask"}', 'ask'],
    ['${ request.body.action }', '{"action":"ask"}', 'ask'],
    ['$request.body.a.b.c', '{"a":{"b":{"c":"deep"}}}', 'deep'],
    ['$request.body[2]', '["x","y","z"]', 'z'],
    ['$request.body.list[0].name', '{"list":[{"name":"first"}]}', 'first'],
    ["$request.body['with space']", '{"with space":"a"}', 'a'],
    ['$request.body.with-hyphen', '{"with-hyphen":"a"}', 'a'],
    ['${request.body.service}/${request.body.action}', '{"service":"chat","action":"send"}', 'chat/send'],
    ['$request.body.service/$request.body.action', '{"service":"chat","action":"send"}', 'chat/send'],
    ['${request.body.version}-beta', '{"version":"v1"}', 'v1-beta'],
    ['action', '{"action":"ask"}', 'action'],
    ['\\$default', '{}', '$default'],
    ['a\\$b', '{}', 'a$b'],
    ['$request.body', '"ask"', 'ask'],
    ['$request.body', '7', '7'],
  ])('%s of %s is %s', (expression, body, key) => {
    expect(select(expression, body)).toBe(key)
  })

  it.each([
    [
      'is evaluated once, never what comes out of it',
      '{"a":"${request.body.b}","b":"x"}',
      '${request.body.b}',
    ],
    ['gives a number as text', '{"a":1}', '1'],
    ['gives a fraction as text', '{"a":1.5}', '1.5'],
    ['gives true as text', '{"a":true}', 'true'],
    ['gives false as text', '{"a":false}', 'false'],
    ['gives a list as [a, b]', '{"a":["item1","item2"]}', '[item1, item2]'],
    ['gives a list in a list as [[a], 1]', '{"a":[["x"],1]}', '[[x], 1]'],
    ['gives empty text for null', '{"a":null}', ''],
    ['gives empty text for a path that leads nowhere', '{}', ''],
    ['gives empty text for empty text', '{"a":""}', ''],
    ['gives empty text for a body that is no JSON', 'plain text', ''],
    ['gives no key for an object', '{"a":{"b":1}}', undefined],
    ['gives no key for a list of objects', '{"a":[{}]}', undefined],
    ['keeps the case', '{"a":"ASK"}', 'ASK'],
    ['sees no inherited property', '{}', ''],
  ])('%s', (_, body, key) => {
    expect(select('$request.body.a', body)).toBe(key)
  })

  it('joins what is there with what is missing: ${a}-${missing} is join-', () => {
    expect(select('${request.body.a}-${request.body.missing}', '{"a":"join"}')).toBe('join-')
  })

  it('selects every value of a path that leads to several', () => {
    expect(select('$request.body.items[*].id', '{"items":[{"id":1},{"id":2}]}')).toBe('[1, 2]')
  })

  it.each([
    ['${integration.response.statuscode}', '201'],
    ['$integration.response.header.X-Kind', 'a'],
    ['$integration.response.multivalueheader.x-kind', '[a, b]'],
    ['$integration.response.body.errorMessage', 'bad'],
    ['$context.routeKey', 'ask'],
    ['$stageVariables.kind', 'live'],
    ['${request.body.id}', '7'],
    ['$integration.response.header.none', ''],
    ['$nothing.known', ''],
  ])('of a response asks %s', (expression, key) => {
    const sources = {
      request: new Payload('{"id":7}'),
      response: {
        statusCode: 201,
        payload: new Payload('{"errorMessage":"bad"}'),
        headers: { 'x-kind': ['a', 'b'] },
      },
      context: { routeKey: 'ask' },
      stageVariables: { kind: 'live' },
    }
    expect(new SelectionExpression(expression).select(sources)).toBe(key)
  })
})
