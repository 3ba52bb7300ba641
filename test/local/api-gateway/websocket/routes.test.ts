import { describe, expect, it } from 'vitest'
import { webSocketApis } from '../../../../local/api-gateway/websocket/definition.ts'
import { environment } from '../http/fixture.ts'
import { ok, open, recordingLog, resources, routeTo, start } from './fixture.ts'

const frame = (message: string) =>
  new RegExp(`^\\{"message": "${message}", "connectionId":"[\\w-]{15}=", "requestId":"[\\w-]{15}="\\}$`)

/** Where an API with an expression takes a message: the key of the route, or the frame that the client gets. */
async function taken(expression: string, routes: readonly string[], body: string) {
  const { log, lines } = recordingLog()
  const gateway = await start({ routes, api: { RouteSelectionExpression: expression } }, { log })
  const { client } = await open(gateway)
  client.socket.send(body)
  const message = gateway.fn.saw('MESSAGE').then(({ requestContext }) => requestContext.routeKey)
  return { by: await Promise.race([message, client.next()]), lines }
}

describe('a message is taken', () => {
  it.each([
    ['by $request.body.action', '$request.body.action', '{"action":"send"}', 'send'],
    ['by ${request.body.action}', '${request.body.action}', '{"action":"send"}', 'send'],
    ['by a nested path', '$request.body.a.b', '{"a":{"b":"send"}}', 'send'],
    ['by an index', '$request.body[1]', '["x","send"]', 'send'],
    ['by two paths', '${request.body.s}/${request.body.a}', '{"s":"chat","a":"send"}', 'chat/send'],
    ['by a path and text', '${request.body.v}-beta', '{"v":"v1"}', 'v1-beta'],
    [
      'by what is there beside what is missing',
      '${request.body.a}-${request.body.b}',
      '{"a":"join"}',
      'join-',
    ],
    ['by static text', 'send', '{}', 'send'],
    ['by the body itself', '$request.body', '"send"', 'send'],
    ['by a number', '$request.body.a', '{"a":1}', '1'],
    ['by true', '$request.body.a', '{"a":true}', 'true'],
    ['by a list of two', '$request.body.a', '{"a":["item1","item2"]}', '[item1, item2]'],
  ])('%s', async (_, expression, body, key) => {
    expect((await taken(expression, ['$connect', '$default', key], body)).by).toBe(key)
  })

  it.each([
    ['that is no JSON', 'plain text'],
    ['whose value is null', '{"action":null}'],
    ['whose value is missing', '{}'],
    ['whose value is empty', '{"action":""}'],
    ['whose value differs in case', '{"action":"Send"}'],
    ['whose value is longer', '{"action":"send "}'],
    ['whose value is $connect', '{"action":"$connect"}'],
    ['whose value is $disconnect', '{"action":"$disconnect"}'],
    ['whose value is $default', '{"action":"$default"}'],
    ['whose value is another expression', '{"action":"${request.body.real}","real":"send"}'],
    ['whose value is an object', '{"action":{"a":"send"}}'],
  ])('by $default, %s', async (_, body) => {
    const routes = ['$connect', '$disconnect', '$default', 'send']
    expect((await taken('$request.body.action', routes, body)).by).toBe('$default')
  })

  it('by $default where the expression is \\$default', async () => {
    expect((await taken('\\$default', ['$connect', '$default', 'send'], '{"action":"send"}')).by).toBe(
      '$default',
    )
  })

  it.each([
    '{"action":"other"}',
    'plain text',
    '{"action":"$connect"}',
    '{"action":"$disconnect"}',
    '{"action":null}',
  ])('by nobody without $default: %s is answered with the Forbidden frame', async (body) => {
    const routes = ['$connect', '$disconnect', 'send']
    expect((await taken('$request.body.action', routes, body)).by).toMatch(frame('Forbidden'))
  })
})

it('an object as the value is warned of', async () => {
  const { lines } = await taken('$request.body.action', ['$connect', '$default'], '{"action":{}}')
  expect(lines).toContain(
    'w1s2k3abcd: "$request.body.action" leads to an object in a message, which is the key of no route',
  )
})

it('an expression that can not be read is reported, and messages go to $default', async () => {
  const { by, lines } = await taken('${request.body[?(}', ['$connect', '$default'], '{}')
  expect(by).toBe('$default')
  expect(lines[0]).toContain('RouteSelectionExpression "${request.body[?(}" can not be read')
})

it('what API Gateway would refuse is reported, and left out', async () => {
  const { log, lines } = recordingLog()
  const gateway = await start(
    {
      routes: ['$connect', '$default', '$custom'],
      api: { RouteSelectionExpression: undefined },
      stage: { StageVariables: { 'a-b': 'x' } },
    },
    { log },
  )
  expect(lines.map((line) => line.replace(/^w1s2k3abcd: Test\/[^:]*: /, ''))).toEqual([
    'RouteSelectionExpression is missing; expected one, such as $request.body.action. Every message goes to $default',
    'stage variable "a-b" has a name with other characters than A-Z a-z 0-9 _',
    'the route key "$custom" begins with "$", as only $connect, $disconnect and $default may',
  ])
  const { client } = await open(gateway)
  client.socket.send('{}')
  await gateway.fn.saw('MESSAGE')
})

it.each([
  ['a.b', true],
  ['a'.repeat(129), true],
  ['$default', true],
  ['a_B-9', false],
  ['a'.repeat(128), false],
])('a stage called %s is reported: %s', (name, isReported) => {
  const parts = resources().map((each) =>
    each.type === 'AWS::ApiGatewayV2::Stage' ? { ...each, physicalId: name } : each,
  )
  const [definition] = webSocketApis(parts, environment)
  const reported = [expect.stringContaining(`the stage is called "${name}"; expected at most 128 characters`)]
  expect(definition?.problems).toEqual(isReported ? reported : [])
})

it.each([
  [undefined, undefined],
  [{ kind: 'live' }, { kind: 'live' }],
  [{}, undefined],
])('events of a stage with the variables %j have stageVariables %j', async (StageVariables, expected) => {
  const gateway = await start({ stage: { StageVariables } })
  const { client } = await open(gateway)
  client.socket.send('{}')
  await gateway.fn.saw('MESSAGE')
  client.socket.close()
  await gateway.fn.saw('DISCONNECT')
  expect(gateway.fn.events.map((event) => (event as { stageVariables?: object }).stageVariables)).toEqual([
    expected,
    expected,
    expected,
  ])
})

describe('a message to a route with request models', () => {
  const models = { Send: { type: 'object', required: ['text'], properties: { text: { type: 'string' } } } }
  const sendRoute = (route: object) =>
    routeTo('send', {
      integration: { IntegrationType: 'MOCK' },
      responses: [{ ResponseTemplates: { $default: 'sent' } }],
      route: { ModelSelectionExpression: '$request.body.action', RequestModels: { send: 'Send' }, ...route },
      models,
    })

  async function answerTo(body: string, route: object = {}) {
    const { log, lines } = recordingLog()
    const gateway = await start({ routes: ['$connect'], more: sendRoute(route) }, { log })
    const { client } = await open(gateway)
    client.socket.send(body)
    return { answer: await client.next(), lines }
  }

  it('passes where it fits', async () => {
    expect((await answerTo('{"action":"send","text":"a"}')).answer).toBe('sent')
  })

  it('is answered with the frame "Bad request body" where it does not, and the log says why', async () => {
    const { answer, lines } = await answerTo('{"action":"send"}')
    expect(answer).toMatch(frame('Bad request body'))
    expect(lines).toEqual([`w1s2k3abcd: route "send": [the message must have required property 'text']`])
  })

  it('is answered with "Bad request body" where no model has its key and none is $default', async () => {
    const { answer } = await answerTo('{"action":"send","text":"a"}', { RequestModels: { other: 'Send' } })
    expect(answer).toMatch(frame('Bad request body'))
  })

  it('is held against the model of $default where none has its key', async () => {
    const route = { RequestModels: { $default: 'Send' } }
    expect((await answerTo('{"action":"send","text":"a"}', route)).answer).toBe('sent')
    expect((await answerTo('{"action":"send"}', route)).answer).toMatch(frame('Bad request body'))
  })

  it('is held against nothing without a ModelSelectionExpression', async () => {
    expect((await answerTo('{"action":"send"}', { ModelSelectionExpression: undefined })).answer).toBe('sent')
  })

  it('is answered with "Internal server error" where a model is not there, which the start says', async () => {
    const { answer, lines } = await answerTo('{"action":"send"}', { RequestModels: { send: 'None' } })
    expect(answer).toMatch(frame('Internal server error'))
    expect(lines[0]).toContain('the model "send" can not be read: its schema is missing')
  })

  it('reaches no function where it does not fit', async () => {
    const gateway = await start({
      routes: ['$connect', 'ask'],
      route: { ModelSelectionExpression: 'm', RequestModels: { m: 'Send' } },
      more: sendRoute({}).filter(({ type }) => type.endsWith('Model')),
    })
    gateway.fn.answer = () => ok({ body: 'reached' })
    const { client } = await open(gateway)
    client.socket.send('{"action":"ask"}')
    expect(await client.next()).toMatch(frame('Bad request body'))
    expect(gateway.fn.of('MESSAGE')).toEqual([])
  })
})
