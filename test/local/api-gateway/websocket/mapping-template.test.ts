import { describe, expect, it } from 'vitest'
import { MappingTemplate } from '../../../../local/api-gateway/websocket/mapping-template.ts'
import { Payload } from '../../../../local/api-gateway/payload.ts'

const context = () => ({
  connectionId: 'TXzPWdnOjoECGjA=',
  connectedAt: 1795425102789,
  domainName: 'a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com',
  eventType: 'MESSAGE',
  messageId: 'BFaVtfGSIAMCKug=',
  routeKey: 'ask',
  requestId: 'BFaVtH2HoAMFZEQ=',
  extendedRequestId: 'BFaVtH2HoAMFZEQ=',
  apiId: 'a1b2c3d4e5',
  stage: 'dev',
  requestTime: '23/Nov/2026:09:12:06 +0000',
  requestTimeEpoch: 1795425126514,
  identity: { sourceIp: '198.51.100.7', userAgent: 'wscat' },
  authorizer: { principalId: 'user-42', tenant: 't1' },
})

const BODY =
  '{"id":7,"name":"O\'Neil \\"x\\"","tags":["a","b"],"pets":[{"id":1},{"id":2}],"nested":"{\\"k\\":[1,2]}"}'

const render = (source: string, body = BODY) =>
  new MappingTemplate(source).render({
    payload: new Payload(body),
    context: context(),
    stageVariables: { table: 'Tasks', fn: 'live' },
  })

const SCALARS = Object.entries(context()).flatMap(([name, value]) =>
  typeof value === 'object' ? [] : [[name, `${value}`] as const],
)

describe('$context', () => {
  it.each(SCALARS)('has %s', (name, text) => {
    expect(render(`$context.${name}`)).toBe(text)
  })

  it.each([
    ['$context.identity.sourceIp $context.identity.userAgent', '198.51.100.7 wscat'],
    ['$context.authorizer.principalId $context.authorizer.tenant', 'user-42 t1'],
    ['[$context.identity.caller$context.authorizer.none$context.none]', '[]'],
    ['#set($context.requestOverride = {"k": "v"})$context.requestOverride.k', 'v'],
  ])('%s gives %s', (source, text) => {
    expect(render(source)).toBe(text)
  })
})

describe('$input', () => {
  it.each([
    ['$input.body', BODY],
    ["$input.json('$')", JSON.stringify(JSON.parse(BODY))],
    ["$input.json('$.tags')", '["a","b"]'],
    ["$input.json('$.id')", '7'],
    ["$input.json('$.missing')", '""'],
    ["$input.path('$.id')", '7'],
    ["$input.path('$').name", 'O\'Neil "x"'],
    ["$input.path('$.tags')", '["a","b"]'],
    ["$input.path('$.pets').size() $input.path('$.pets').count()", '2 2'],
    ["$input.path('$.pets[*].id')", '[1,2]'],
    ["#foreach($pet in $input.path('$.pets'))$pet.id;#end", '1;2;'],
    ["[$input.path('$.missing')]", '[]'],
    ["#if($input.path('$.missing') == '')none#end", 'none'],
    ["#set($root = $input.path('$'))$root.id $root.pets[1].id", '7 2'],
    ["[$input.params('a')]", '[]'],
    ['$input.params().keySet()', '[path, querystring, header]'],
  ])('%s gives %s', (source, text) => {
    expect(render(source)).toBe(text)
  })

  it('is empty where the message is no JSON', () => {
    expect(render("$input.body|$input.path('$')|$input.json('$')", 'plain text')).toBe('plain text||""')
  })

  it('has the parameters of a handshake, header names in any case', () => {
    const template = new MappingTemplate(
      "$input.params('token') $input.params('x-kind') $input.params().header",
    )
    const text = template.render({
      payload: new Payload(''),
      context: {},
      stageVariables: {},
      parameters: { header: { 'X-Kind': 'k' }, querystring: { token: 't' } },
    })
    expect(text).toBe('t k {X-Kind=k}')
  })

  it('changes nothing of the message for the next template', () => {
    const input = { payload: new Payload('{"a":1}'), context: {}, stageVariables: {} }
    const template = new MappingTemplate("$input.path('$').put('a', 2)$input.path('$.a')")
    expect([template.render(input), template.render(input)]).toEqual(['12', '12'])
    expect(input.payload.json).toEqual({ a: 1 })
  })
})

describe('$stageVariables', () => {
  it.each(['$stageVariables.table', "$stageVariables['table']", "${stageVariables['table']}"])(
    '%s',
    (source) => {
      expect(render(source)).toBe('Tasks')
    },
  )
})

describe('$util', () => {
  it.each([
    ["$util.escapeJavaScript($input.path('$.name'))", 'O\\\'Neil \\"x\\"'],
    ['$util.escapeJavaScript($input.path(\'$.name\')).replaceAll("\\\\\'", "\'")', 'O\'Neil \\"x\\"'],
    ["$util.parseJson($input.path('$.nested')).k[1]", '2'],
    ['$util.urlEncode("a b&c=ü~*")', 'a+b%26c%3D%C3%BC%7E*'],
    ['$util.urlDecode("a+b%26c%3D%C3%BC")', 'a b&c=ü'],
    ['$util.base64Encode("é")', 'w6k='],
    ['$util.base64Decode("w6k=")', 'é'],
  ])('%s gives %s', (source, text) => {
    expect(render(source)).toBe(text)
  })

  it('parseJson of what is no JSON fails and says where', () => {
    expect(() => render('a\n $util.parseJson("x")')).toThrow(/line 2, column 2: parseJson\(\) fails/)
  })
})

it('a template of more than 300 KB is refused', () => {
  expect(() => new MappingTemplate('a'.repeat(300 * 1024 + 1))).toThrow(
    'the template has 307201 bytes; expected at most 307200',
  )
})
