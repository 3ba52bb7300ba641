import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { WebSocketApiDependencies } from '../../../../local/api-gateway/websocket/api.ts'
import type { InvokeResult } from '../../../../local/lambda/invoker.ts'
import { sqsEndpoint } from '../../../../local/sqs/endpoint.ts'
import { makeQueues } from '../../sqs/fixture.ts'
import { environment, functionArn } from '../http/fixture.ts'
import { HANDSHAKE, ok, open, raw, recordingLog, routeTo, start } from './fixture.ts'

const INVOCATIONS = `arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/${functionArn}/invocations`

const frame = (message: string) =>
  new RegExp(`^\\{"message": "${message}", "connectionId":"[\\w-]{15}=", "requestId":"[\\w-]{15}="\\}$`)

type Parts = Parameters<typeof routeTo>[1]

/** A client of an API whose route `ask` is as given. */
async function clientOf(
  parts: Parts,
  overrides: Partial<WebSocketApiDependencies> = {},
  stage: Record<string, unknown> = {},
) {
  const { log, lines, wrote } = recordingLog()
  const gateway = await start({ routes: [], more: routeTo('ask', parts), stage }, { log, ...overrides })
  const { client } = await open(gateway)
  const ask = async (message: object = {}) => {
    client.socket.send(JSON.stringify({ action: 'ask', ...message }))
    return client.next()
  }
  return { ask, client, gateway, lines, wrote }
}

interface Seen {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A server on this machine, and what it was sent. */
async function serve(answer: (response: ServerResponse, seen: Seen) => void) {
  const requests: Seen[] = []
  const server = createServer((request, response) => {
    void (async () => {
      let body = ''
      for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString()
      const { method, url, headers } = request
      const seen = { method, url, headers, body }
      requests.push(seen)
      answer(response, seen)
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { requests, port, url: `http://127.0.0.1:${port}` }
}

describe('MOCK', () => {
  const mock = (responses: readonly Record<string, unknown>[], request = '{"statusCode": 200}') => ({
    integration: {
      IntegrationType: 'MOCK',
      TemplateSelectionExpression: '200',
      RequestTemplates: { 200: request },
    },
    responses,
  })
  const of = (key: string, template: string, more: object = {}) => ({
    IntegrationResponseKey: key,
    TemplateSelectionExpression: '200',
    ResponseTemplates: { 200: template },
    ...more,
  })

  it('answers ping with pong, without a function', async () => {
    const template = '{"type":"pong","connectionId":"$context.connectionId","at":$context.requestTimeEpoch}'
    const { ask, gateway } = await clientOf(mock([of('/200/', template)]))
    expect(JSON.parse(await ask())).toEqual({
      type: 'pong',
      connectionId: expect.stringMatching(/^[\w-]{15}=$/) as string,
      at: gateway.clock.now(),
    })
    expect(gateway.fn.events).toEqual([])
  })

  it('renders its request template with the message', async () => {
    const { ask } = await clientOf(
      mock([of('/4\\d\\d/', 'refused'), of('$default', 'fine')], '{"statusCode": $input.path(\'$.status\')}'),
    )
    expect([await ask({ status: 200 }), await ask({ status: 404 })]).toEqual(['fine', 'refused'])
  })

  it('takes the first pattern that fits, in the order of the template, before $default', async () => {
    const { ask } = await clientOf(
      mock([of('$default', 'default'), of('/2\\d\\d/', 'first'), of('/200/', 'second')]),
    )
    expect(await ask()).toBe('first')
  })

  it('matches a pattern as a whole', async () => {
    const { ask } = await clientOf(mock([of('/20/', 'part'), of('$default', 'default')]))
    expect(await ask()).toBe('default')
  })

  it('gives the response template an empty $input and the status, and keeps what the request template set', async () => {
    const { ask } = await clientOf(
      mock(
        [of('$default', '[$input.body|$context.status|$context.kept]')],
        '#set($context.kept = $input.path(\'$.text\')){"statusCode": 201}',
      ),
    )
    expect(await ask({ text: 'kept' })).toBe('[|201|kept]')
  })

  it('picks the response template by status, by the message, and by $default', async () => {
    const templates = { 200: 'by status', asked: 'by message', $default: 'default' }
    const by = (TemplateSelectionExpression: string) =>
      clientOf(
        mock([
          { TemplateSelectionExpression, ResponseTemplates: templates, IntegrationResponseKey: '$default' },
        ]),
      ).then(({ ask }) => ask({ want: 'asked' }))
    expect(await by('${integration.response.statuscode}')).toBe('by status')
    expect(await by('${request.body.want}')).toBe('by message')
    expect(await by('\\$default')).toBe('default')
    expect(await by('${request.body.none}')).toBe('default')
  })

  it('takes its only template without a selection expression', async () => {
    const { ask } = await clientOf({
      integration: {
        IntegrationType: 'MOCK',
        RequestTemplates: { 'application/json': '{"statusCode": 200}' },
      },
      responses: [{ ResponseTemplates: { 'application/json': 'yes' } }],
    })
    expect(await ask()).toBe('yes')
  })

  it.each([
    [
      'no integration response fits',
      mock([of('/4\\d\\d/', 'x')]),
      'no integration response fits the status 200',
    ],
    [
      'the request template gives no status',
      mock([of('$default', 'x')], '{}'),
      'expected JSON with a whole statusCode',
    ],
    [
      'a template fails',
      mock([of('$default', 'a\n$util.parseJson("{")')]),
      'route "ask": line 2, column 1: parseJson() fails',
    ],
  ])('answers the error frame, and the log says so, when %s', async (_, parts, line) => {
    const { ask, wrote } = await clientOf(parts)
    expect(await ask()).toMatch(frame('Internal server error'))
    expect(await wrote(line)).toContain('ask')
    expect(await ask()).toMatch(frame('Internal server error')) // the connection is still open
  })

  it('answers nothing on a one-way route, whatever the integration responses say', async () => {
    const { log } = recordingLog()
    const oneWay = routeTo('quiet', { ...mock([of('$default', 'quiet')]), isTwoWay: false })
    const gateway = await start(
      { routes: [], more: [...oneWay, ...routeTo('ask', mock([of('$default', 'answer')]))] },
      { log },
    )
    const { client } = await open(gateway)
    client.socket.send('{"action":"quiet"}')
    client.socket.send('{"action":"ask"}')
    expect(await client.next()).toBe('answer')
  })

  it('needs no integration response on a one-way route', async () => {
    const oneWay = routeTo('quiet', { ...mock([]), isTwoWay: false })
    const { log, lines } = recordingLog()
    const gateway = await start(
      { routes: [], more: [...oneWay, ...routeTo('ask', mock([of('$default', 'answer')]))] },
      { log },
    )
    const { client } = await open(gateway)
    client.socket.send('{"action":"quiet"}')
    client.socket.send('{"action":"ask"}')
    expect(await client.next()).toBe('answer')
    expect(lines).toEqual([])
  })

  it.each([
    [
      'a RouteResponse but no RouteResponseSelectionExpression',
      { RouteResponseSelectionExpression: '' },
      true,
    ],
    [
      'a RouteResponseSelectionExpression but no RouteResponse',
      { RouteResponseSelectionExpression: '$default' },
      false,
    ],
  ])('answers nothing with %s', async (_, route, isTwoWay) => {
    const quiet = routeTo('quiet', { ...mock([of('$default', 'quiet')]), route, isTwoWay })
    const gateway = await start({
      routes: [],
      more: [...quiet, ...routeTo('ask', mock([of('$default', 'answer')]))],
    })
    const { client } = await open(gateway)
    client.socket.send('{"action":"quiet"}')
    client.socket.send('{"action":"ask"}')
    expect(await client.next()).toBe('answer')
  })

  it('decides about a handshake by its status', async () => {
    const connect = mock(
      [of('$default', '')],
      "{\"statusCode\": #if($input.params('token') == 'a')200#{else}401#end}",
    )
    const gateway = await start({ routes: [], more: routeTo('$connect', connect) })
    expect((await raw(gateway.port, '/live?token=a')).status).toBe(101)
    expect((await raw(gateway.port)).status).toBe(401)
  })

  it('names the subprotocol by a response parameter', async () => {
    const parameters = { 'route.response.header.Sec-WebSocket-Protocol': "'v1'" }
    const connect = mock([of('$default', '', { ResponseParameters: parameters })])
    const gateway = await start({ routes: [], more: routeTo('$connect', connect) })
    const { head } = await raw(gateway.port, '/live', { ...HANDSHAKE, 'Sec-WebSocket-Protocol': 'v1' })
    expect(head).toContain('Sec-WebSocket-Protocol: v1')
  })
})

describe('PassthroughBehavior', () => {
  const http = (url: string, more: object) => ({
    integration: { IntegrationType: 'HTTP', IntegrationUri: url, ...more },
    responses: [{}],
  })

  it.each([
    ['WHEN_NO_MATCH', {}, true],
    ['WHEN_NO_MATCH', { other: 'x' }, true],
    ['WHEN_NO_TEMPLATES', {}, true],
    ['WHEN_NO_TEMPLATES', { other: 'x' }, false],
    ['NEVER', {}, false],
    ['NEVER', { other: 'x' }, false],
  ])('%s with the templates %j passes a message that none takes: %s', async (behavior, templates, passes) => {
    const { url } = await serve((response, { body }) => response.end(body))
    const { ask } = await clientOf(
      http(url, {
        PassthroughBehavior: behavior,
        RequestTemplates: templates,
        TemplateSelectionExpression: '${request.body.kind}',
      }),
    )
    const answer = await ask()
    if (passes) expect(answer).toBe('{"action":"ask"}')
    else expect(answer).toMatch(frame('Unsupported Media Type'))
  })
})

describe('HTTP', () => {
  it('calls the URL with method, parameters, stage variables and what the template makes', async () => {
    const { port, requests } = await serve((response) => response.end('{"got":true}'))
    const { ask } = await clientOf(
      {
        integration: {
          IntegrationType: 'HTTP',
          IntegrationMethod: 'PUT',
          IntegrationUri: `http://127.0.0.1:${port}/\${stageVariables.version}/tasks/{id}`,
          RequestParameters: {
            'integration.request.path.id': 'route.request.body.id',
            'integration.request.querystring.tag': 'route.request.body.tags',
            'integration.request.header.X-Connection': 'context.connectionId',
            'integration.request.header.X-Key': 'stageVariables.key',
            'integration.request.header.X-Fixed': "'fixed'",
            'integration.request.header.X-None': 'route.request.body.none',
            'integration.request.header.X-Token': 'route.request.header.X-Token',
          },
          TemplateSelectionExpression: '${request.body.action}',
          RequestTemplates: { ask: '{"id":"$input.path(\'$.id\')"}' },
        },
        responses: [{ ResponseTemplates: { $default: "got=$input.path('$.got')" } }],
      },
      {},
      { StageVariables: { version: 'v2', key: 'k' } },
    )
    expect(await ask({ id: 'a/b', tags: ['x', 'y'] })).toBe('got=true')
    const [{ method, url, headers, body }] = requests as [Seen]
    expect({ method, url, body }).toEqual({
      method: 'PUT',
      url: '/v2/tasks/a%2Fb?tag=x&tag=y',
      body: '{"id":"a/b"}',
    })
    expect(headers).toMatchObject({
      'x-connection': expect.stringMatching(/^[\w-]{15}=$/) as string,
      'x-key': 'k',
      'x-fixed': 'fixed',
      'content-type': 'application/json',
      'user-agent': 'AmazonAPIGateway_w1s2k3abcd',
    })
    expect(headers).not.toHaveProperty('x-none')
    expect(headers).not.toHaveProperty('x-token') // a message has no headers
  })

  it('selects the response by status, and the template by header', async () => {
    const { url } = await serve((response, { body }) => {
      response.writeHead((JSON.parse(body) as { status: number }).status, { 'x-kind': 'special' })
      response.end('{"reason":"r"}')
    })
    const { ask } = await clientOf({
      integration: { IntegrationType: 'HTTP', IntegrationUri: url },
      responses: [
        {
          IntegrationResponseKey: '/4\\d\\d/',
          ResponseTemplates: { $default: "refused: $input.path('$.reason')" },
        },
        {
          TemplateSelectionExpression: '${integration.response.header.X-Kind}',
          ResponseTemplates: { special: 'special', $default: 'default' },
        },
      ],
    })
    expect([await ask({ status: 404 }), await ask({ status: 200 })]).toEqual(['refused: r', 'special'])
  })

  it('passes the body through where the response has no template', async () => {
    const { url } = await serve((response) => response.end('as it is'))
    const { ask } = await clientOf({
      integration: { IntegrationType: 'HTTP', IntegrationUri: url },
      responses: [{}],
    })
    expect(await ask()).toBe('as it is')
  })

  it('turns base64 text to bytes and back by ContentHandlingStrategy', async () => {
    const bytes = Buffer.from([0, 255, 1])
    const { url, requests } = await serve((response) => response.end(bytes))
    const { ask } = await clientOf({
      integration: {
        IntegrationType: 'HTTP',
        IntegrationUri: url,
        ContentHandlingStrategy: 'CONVERT_TO_BINARY',
        RequestTemplates: { $default: "$input.path('$.data')" },
        RequestParameters: { 'integration.request.header.Content-Type': "'application/octet-stream'" },
      },
      responses: [{ ContentHandlingStrategy: 'CONVERT_TO_TEXT' }],
    })
    expect(await ask({ data: Buffer.from('bytes').toString('base64') })).toBe(bytes.toString('base64'))
    expect(requests[0]).toMatchObject({
      body: 'bytes',
      headers: { 'content-type': 'application/octet-stream', 'content-length': '5' },
    })
  })

  it('answers Endpoint request timed out after TimeoutInMillis', async () => {
    let arrive: () => void = () => undefined
    const arrived = new Promise<void>((resolve) => (arrive = resolve))
    const { url } = await serve(() => arrive())
    const { client, gateway } = await clientOf({
      integration: { IntegrationType: 'HTTP', IntegrationUri: url, TimeoutInMillis: 5_000 },
      responses: [{}],
    })
    client.socket.send('{"action":"ask"}')
    await arrived
    gateway.clock.advance(5_000)
    expect(await client.next()).toMatch(frame('Endpoint request timed out'))
  })

  it('answers Internal server error when nobody listens', async () => {
    const { ask, wrote } = await clientOf({
      integration: { IntegrationType: 'HTTP', IntegrationUri: 'http://127.0.0.1:9/' },
      responses: [{}],
    })
    expect(await ask()).toMatch(frame('Internal server error'))
    await wrote('127.0.0.1:9 can not be reached')
  })
})

describe('HTTP_PROXY', () => {
  it('passes message and answer through, the answer whatever its status', async () => {
    const { url, requests } = await serve((response) => response.writeHead(500).end('sorry'))
    const { ask } = await clientOf({ integration: { IntegrationType: 'HTTP_PROXY', IntegrationUri: url } })
    expect(await ask({ text: 'hi' })).toBe('sorry')
    expect(requests[0]).toMatchObject({ method: 'POST', body: '{"action":"ask","text":"hi"}' })
  })

  it('lets the backend decide about a handshake, with its headers and its query', async () => {
    const { url, requests } = await serve((response, { url: path }) =>
      response.writeHead(path?.includes('token=a') ? 200 : 403).end(),
    )
    const gateway = await start({
      routes: [],
      more: routeTo('$connect', {
        integration: {
          IntegrationType: 'HTTP_PROXY',
          IntegrationMethod: 'ANY',
          IntegrationUri: `${url}/connect`,
          RequestParameters: {
            'integration.request.header.ConnectionId': 'context.connectionId',
            'integration.request.header.Sec-WebSocket-Version': "'overridden'",
          },
        },
      }),
    })
    const headers = { ...HANDSHAKE, 'X-Kind': 'k' }
    expect((await raw(gateway.port, '/live?token=a&x=1&x=2', headers)).status).toBe(101)
    expect((await raw(gateway.port)).status).toBe(403)
    expect(requests[0]).toMatchObject({ method: 'GET', url: '/connect?token=a&x=1&x=2' })
    expect(requests[0]?.headers).toMatchObject({
      'x-kind': 'k',
      connectionid: expect.stringMatching(/^[\w-]{15}=$/) as string,
      'sec-websocket-key': HANDSHAKE['Sec-WebSocket-Key'],
      'sec-websocket-version': 'overridden',
    })
    expect(requests[0]?.headers).not.toHaveProperty('upgrade')
  })

  it('calls a host of this stack on this machine', async () => {
    const { port, requests } = await serve((response) => response.end('here'))
    const host = 'x1y2z3abcd.execute-api.eu-west-1.amazonaws.com'
    const { ask } = await clientOf(
      { integration: { IntegrationType: 'HTTP_PROXY', IntegrationUri: `https://${host}/tasks` } },
      { hosts: () => ({ [host]: port }) },
    )
    expect(await ask()).toBe('here')
    expect(requests[0]).toMatchObject({ url: '/tasks', headers: { host } })
  })
})

describe('AWS with a function', () => {
  const lambda = (more: object, responses: readonly Record<string, unknown>[] = [{}]) => ({
    integration: { IntegrationType: 'AWS', IntegrationUri: INVOCATIONS, ...more },
    responses,
  })

  it('gives it what the template makes, and the client what the template of the response makes', async () => {
    const { ask, gateway } = await clientOf(
      lambda(
        { RequestTemplates: { $default: '{"text":$input.json(\'$.text\'),"from":"$context.connectionId"}' } },
        [{ ResponseTemplates: { $default: "said $input.path('$.said')" } }],
      ),
    )
    gateway.fn.answer = () => ok({ said: 'hi' })
    expect(await ask({ text: 'hello' })).toBe('said hi')
    expect(gateway.fn.events).toEqual([
      { text: 'hello', from: expect.stringMatching(/^[\w-]{15}=$/) as string },
    ])
  })

  it('passes message and reply as they are without templates', async () => {
    const { ask, gateway } = await clientOf(lambda({}))
    gateway.fn.answer = () => ok({ any: ['key'] })
    expect(await ask()).toBe('{"any":["key"]}')
    expect(gateway.fn.events).toEqual([{ action: 'ask' }])
  })

  it('selects the response by errorMessage, and success is $default’s', async () => {
    const { ask, gateway } = await clientOf(
      lambda({}, [
        { IntegrationResponseKey: '/.*not found.*/', ResponseTemplates: { $default: '404' } },
        {
          IntegrationResponseKey: '/.+/',
          ResponseTemplates: { $default: "failed: $input.path('$.errorMessage')" },
        },
        { ResponseTemplates: { $default: 'fine' } },
      ]),
    )
    const failing = (errorMessage: string): InvokeResult => ({
      payload: JSON.stringify({ errorType: 'Error', errorMessage }),
      functionError: 'Unhandled',
    })
    gateway.fn.answer = () => failing('task 7 not found')
    expect(await ask()).toBe('404')
    gateway.fn.answer = () => failing('broken')
    expect(await ask()).toBe('failed: broken')
    gateway.fn.answer = () => ok({ errorMessage: 'only a field' })
    expect(await ask()).toBe('fine')
  })

  it('answers the error frame when the event is no JSON', async () => {
    const { ask, wrote } = await clientOf(lambda({ RequestTemplates: { $default: 'text' } }))
    expect(await ask()).toMatch(frame('Internal server error'))
    await wrote('is no JSON: text')
  })

  it('invokes asynchronously with X-Amz-Invocation-Type: Event', async () => {
    const invoked: unknown[] = []
    const { ask } = await clientOf(
      lambda({ RequestParameters: { 'integration.request.header.X-Amz-Invocation-Type': "'Event'" } }, [
        { ResponseTemplates: { $default: 'accepted' } },
      ]),
      {
        functions: {
          invoke: () => Promise.reject(new Error('synchronous')),
          invokeAsync: (target, event) => invoked.push(target, event),
        },
      },
    )
    expect(await ask()).toBe('accepted')
    expect(invoked).toEqual([functionArn, { action: 'ask' }])
  })
})

describe('AWS with another service', () => {
  const uri = (rest: string) => `arn:aws:apigateway:eu-west-1:${rest}`
  const hostsOf = (port: number) => () =>
    Object.fromEntries(
      ['sqs', 'dynamodb', 'events'].map((service) => [`${service}.eu-west-1.amazonaws.com`, port]),
    )

  it.each([
    ['dynamodb:action/PutItem', 'DynamoDB_20120810.PutItem', '1.0'],
    ['sqs:action/SendMessage', 'AmazonSQS.SendMessage', '1.0'],
    ['events:action/PutEvents', 'AWSEvents.PutEvents', '1.1'],
  ])('%s calls %s with what the template makes', async (rest, target, version) => {
    const { port, requests } = await serve((response) => response.end('{"done":true}'))
    const { ask } = await clientOf(
      {
        integration: {
          IntegrationType: 'AWS',
          IntegrationUri: uri(rest),
          RequestTemplates: { $default: '{"Item":$input.json("$.id")}' },
        },
        responses: [{}],
      },
      { hosts: hostsOf(port) },
    )
    expect(await ask({ id: 7 })).toBe('{"done":true}')
    expect(requests[0]).toMatchObject({
      method: 'POST',
      url: '/',
      body: '{"Item":7}',
      headers: { 'x-amz-target': target, 'content-type': `application/x-amz-json-${version}` },
    })
  })

  it('sqs:path sends the form of the query protocol to the queue', async () => {
    const { port, requests } = await serve((response) =>
      response.setHeader('x-amzn-requestid', 'r').end('{"MessageId":"m","MD5OfMessageBody":"d"}'),
    )
    const { ask } = await clientOf(
      {
        integration: {
          IntegrationType: 'AWS',
          IntegrationUri: uri('sqs:path/123456789012/tasks'),
          RequestParameters: {
            'integration.request.header.Content-Type': "'application/x-www-form-urlencoded'",
          },
          RequestTemplates: {
            $default:
              'Action=SendMessage&MessageBody=$util.urlEncode($input.body)&DelaySeconds=5&MessageAttribute.1.Name=id' +
              '&MessageAttribute.1.Value.StringValue=$context.connectionId&MessageAttribute.1.Value.DataType=String',
          },
        },
        responses: [{}],
      },
      { hosts: hostsOf(port) },
    )
    expect(JSON.parse(await ask({ text: 'a&b' }))).toEqual({
      SendMessageResponse: {
        SendMessageResult: { MessageId: 'm', MD5OfMessageBody: 'd' },
        ResponseMetadata: { RequestId: 'r' },
      },
    })
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
      QueueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/tasks',
      MessageBody: '{"action":"ask","text":"a&b"}',
      DelaySeconds: 5,
      MessageAttributes: {
        id: { StringValue: expect.stringMatching(/^[\w-]{15}=$/) as string, DataType: 'String' },
      },
    })
  })

  it('puts messages into a queue of the stack, one by one and in batches', async () => {
    const { queues, queue, log } = makeQueues({ tasks: {} })
    const handle = sqsEndpoint(queues, { environment, log })
    const server = createServer((request, response) => void handle(request, response)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const { ask } = await clientOf(
      {
        integration: {
          IntegrationType: 'AWS',
          IntegrationUri: uri('sqs:path/123456789012/{queue}'),
          RequestParameters: { 'integration.request.path.queue': 'route.request.body.queue' },
          TemplateSelectionExpression: '${request.body.kind}',
          RequestTemplates: {
            batch:
              "Action=SendMessageBatch#foreach($t in $input.path('$.texts'))" +
              '&SendMessageBatchRequestEntry.${foreach.count}.Id=$foreach.index' +
              '&SendMessageBatchRequestEntry.${foreach.count}.MessageBody=$util.urlEncode($t)#end',
            $default: "Action=SendMessage&MessageBody=$util.urlEncode($input.path('$.text'))",
          },
        },
        responses: [{}],
      },
      { hosts: hostsOf(port) },
    )
    expect(await ask({ queue: 'tasks', text: 'a&b' })).toContain('"SendMessageResult":{"MessageId"')
    expect(await ask({ queue: 'tasks', kind: 'batch', texts: ['c', 'd'] })).toContain(
      'SendMessageBatchResultEntry',
    )
    expect(await ask({ queue: 'none', text: 'e' })).toContain(
      '"Code":"AWS.SimpleQueueService.NonExistentQueue"',
    )
    const received = await queue('tasks').receive({ max: 10 })
    expect(received.map(({ body }) => body)).toEqual(['a&b', 'c', 'd'])
  })

  it('selects the response by the status of the service', async () => {
    const { port } = await serve((response) =>
      response
        .writeHead(400, { 'x-amzn-query-error': 'AWS.SimpleQueueService.NonExistentQueue;Sender' })
        .end('{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}'),
    )
    const { ask } = await clientOf(
      {
        integration: {
          IntegrationType: 'AWS',
          IntegrationUri: uri('sqs:path/123456789012/tasks'),
          RequestParameters: {
            'integration.request.querystring.Action': "'SendMessage'",
            'integration.request.querystring.MessageBody': 'route.request.body.text',
          },
          RequestTemplates: { $default: '' },
        },
        responses: [
          { IntegrationResponseKey: '/400/', ResponseTemplates: { $default: "$input.path('$.Error.Code')" } },
          {},
        ],
      },
      { hosts: hostsOf(port) },
    )
    expect(await ask({ text: 'a' })).toBe('AWS.SimpleQueueService.NonExistentQueue')
  })
})

describe('what is not emulated', () => {
  it.each([
    [
      { IntegrationType: 'AWS', IntegrationUri: 'arn:aws:apigateway:eu-west-1:states:action/StartExecution' },
      '"states:action", which is not emulated',
    ],
    [{ IntegrationType: 'HTTP', IntegrationUri: 'http://a/', ConnectionType: 'VPC_LINK' }, 'VPC link'],
    [{ IntegrationType: 'AWS_PROXY', IntegrationUri: 'arn:aws:sqs:eu-west-1:1:q' }, 'is no Lambda function'],
    [{ IntegrationType: 'HTTP', IntegrationUri: 'ftp://a' }, 'is no http or https URL'],
    [{ IntegrationType: 'MOCK', TimeoutInMillis: 29_001 }, 'TimeoutInMillis is 29001; expected 50 to 29000'],
    [{ IntegrationType: 'MOCK', TimeoutInMillis: 49 }, 'TimeoutInMillis is 49'],
    [
      { IntegrationType: 'MOCK', RequestTemplates: { a: '#if(' } },
      'the template "a" can not be read: line 1',
    ],
    [
      { IntegrationType: 'MOCK', RequestParameters: { 'integration.request.x.y': "'1'" } },
      'integration.request.x.y',
    ],
    [{ IntegrationType: 'OTHER' }, 'the integration type is "OTHER"'],
  ])('%j is said at the start, and to who uses it; the rest runs', async (integration, why) => {
    const { log, lines } = recordingLog()
    const gateway = await start(
      { routes: ['$connect', '$default'], more: routeTo('ask', { integration }) },
      { log },
    )
    expect(lines.filter((line) => line.includes(why))).toHaveLength(1)
    const { client } = await open(gateway)
    client.socket.send('{"action":"ask"}')
    expect(await client.next()).toMatch(frame('Internal server error'))
    expect(lines.filter((line) => line.includes(why))).toHaveLength(2)
    client.socket.send('{"action":"other"}')
    await gateway.fn.saw('MESSAGE')
  })

  it('a route without an integration answers the error frame', async () => {
    const gateway = await start({ routes: ['$connect', 'ask'], route: { Target: 'integrations/none' } })
    const { client } = await open(gateway).catch(() => ({ client: undefined }))
    expect(client).toBeUndefined()
    expect((await raw(gateway.port)).status).toBe(500)
  })
})
