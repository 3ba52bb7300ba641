import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FunctionNotFoundError, FunctionThrottledError } from '../../../../local/lambda/invoker.ts'
import { apiResources, functionArn, reply, startApi } from './fixture.ts'

/** Sends bytes over a bare socket and gives everything that comes back. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
    socket.on('close', () => resolve(received))
    socket.on('error', reject)
  })
}

describe('the event of payload format 2.0', () => {
  it('has the documented shape', async () => {
    const { port, fn, clock } = await startApi(apiResources({ routes: ['POST /tasks/{id}'] }))
    const body = '{"name":"hello"}'
    await exchange(
      port,
      [
        'POST /tasks/a%20b?a=1&a=2&b=x%20y HTTP/1.1',
        'Host: localhost',
        'User-Agent: probe/1',
        'Cookie: sid=abc; theme=dark',
        'Content-Type: application/json',
        'X-Twice: 1',
        'X-Twice: 2',
        'X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678',
        `Content-Length: ${body.length}`,
        'Connection: close',
        '',
        body,
      ].join('\r\n'),
    )
    expect(fn.calls).toHaveLength(1)
    expect(fn.calls[0]?.target).toBe(functionArn)
    const domain = 'x1y2z3abcd.execute-api.eu-west-1.amazonaws.com'
    expect(fn.calls[0]?.event).toEqual({
      version: '2.0',
      routeKey: 'POST /tasks/{id}',
      rawPath: '/tasks/a b',
      rawQueryString: 'a=1&a=2&b=x%20y',
      cookies: ['sid=abc', 'theme=dark'],
      headers: {
        'content-length': '16',
        'content-type': 'application/json',
        host: domain,
        'user-agent': 'probe/1',
        'x-amzn-trace-id': 'Root=1-67891233-abcdef012345678912345678',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-port': '443',
        'x-forwarded-proto': 'https',
        'x-twice': '1,2',
      },
      queryStringParameters: { a: '1,2', b: 'x y' },
      requestContext: {
        accountId: '123456789012',
        apiId: 'x1y2z3abcd',
        domainName: domain,
        domainPrefix: 'x1y2z3abcd',
        http: {
          method: 'POST',
          path: '/tasks/a b',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: 'probe/1',
        },
        requestId: expect.stringMatching(/^[\w-]{15}=$/) as string,
        routeKey: 'POST /tasks/{id}',
        stage: '$default',
        time: '23/Nov/2026:09:00:00 +0000',
        timeEpoch: clock.now(),
      },
      pathParameters: { id: 'a b' },
      body,
      isBase64Encoded: false,
    })
  })

  it('leaves out what has no value', async () => {
    const { url, fn } = await startApi()
    await fetch(`${url}/`)
    const event = fn.calls[0]?.event ?? {}
    expect(Object.keys(event).sort()).toEqual(
      [
        'headers',
        'isBase64Encoded',
        'rawPath',
        'rawQueryString',
        'requestContext',
        'routeKey',
        'version',
      ].sort(),
    )
    expect(event).toMatchObject({
      rawQueryString: '',
      isBase64Encoded: false,
      headers: { 'content-length': '0' },
    })
    expect((event['headers'] as Record<string, string>)['x-amzn-trace-id']).toMatch(
      /^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/,
    )
  })

  it('holds the stage in rawPath and the stage variables when the stage is named', async () => {
    const { url, fn } = await startApi(
      apiResources({
        routes: ['GET /tasks'],
        stages: [{ StageName: 'dev', StageVariables: { color: 'blue' } }],
      }),
    )
    await fetch(`${url}/dev/tasks`)
    expect(fn.calls[0]?.event).toMatchObject({
      rawPath: '/dev/tasks',
      stageVariables: { color: 'blue' },
      requestContext: { stage: 'dev', http: { path: '/dev/tasks' } },
    })
  })

  it.each([
    ['application/json', false],
    ['application/json; charset=utf-8', false],
    ['text/csv', false],
    ['application/xml', false],
    ['application/javascript', false],
    ['application/problem+json', true],
    ['application/x-www-form-urlencoded', true],
    ['application/octet-stream', true],
    [undefined, true],
  ])('carries a body of content type %s with isBase64Encoded %s', async (type, isBase64Encoded) => {
    const { url, fn } = await startApi()
    await fetch(url, {
      method: 'POST',
      body: Buffer.from('hé'),
      headers: type === undefined ? {} : { 'content-type': type },
    })
    expect(fn.calls[0]?.event).toMatchObject({
      body: isBase64Encoded ? Buffer.from('hé').toString('base64') : 'hé',
      isBase64Encoded,
    })
  })

  it('appends the client to x-forwarded-for', async () => {
    const { url, fn } = await startApi()
    await fetch(url, { headers: { 'x-forwarded-for': '198.51.100.7' } })
    expect(fn.calls[0]?.event).toMatchObject({ headers: { 'x-forwarded-for': '198.51.100.7, 127.0.0.1' } })
  })
})

describe('the event of payload format 1.0', () => {
  it('has the shape of a REST API', async () => {
    const { url, fn } = await startApi(
      apiResources({ routes: ['GET /tasks/{id}'], integration: { PayloadFormatVersion: '1.0' } }),
    )
    fn.answer = () => reply({ statusCode: 200, multiValueHeaders: { 'X-Two': ['a', 'b'] }, body: 'ok' })
    const response = await fetch(`${url}/tasks/7?a=1&a=2`, { headers: { 'X-Probe': 'yes' } })
    expect(response.headers.get('x-two')).toBe('a, b')
    expect(fn.calls[0]?.event).toMatchObject({
      version: '1.0',
      resource: '/tasks/{id}',
      path: '/tasks/7',
      httpMethod: 'GET',
      headers: { Host: 'x1y2z3abcd.execute-api.eu-west-1.amazonaws.com', 'x-probe': 'yes' },
      multiValueHeaders: { 'x-probe': ['yes'] },
      queryStringParameters: { a: '2' },
      multiValueQueryStringParameters: { a: ['1', '2'] },
      requestContext: { resourcePath: '/tasks/{id}', stage: '$default', identity: { sourceIp: '127.0.0.1' } },
      pathParameters: { id: '7' },
      stageVariables: null,
      body: null,
      isBase64Encoded: false,
    })
  })

  it('infers nothing: a reply without statusCode is 500', async () => {
    const { url, fn } = await startApi(apiResources({ integration: { PayloadFormatVersion: '1.0' } }))
    fn.answer = () => reply({ hello: 1 })
    expect((await fetch(url)).status).toBe(500)
  })
})

describe('the response', () => {
  it('carries status, headers, cookies and the request id of the event', async () => {
    const { url, fn } = await startApi()
    fn.answer = () =>
      reply({
        statusCode: 201,
        headers: { Location: '/tasks/7', 'X-Number': 3, 'Content-Length': '999' },
        cookies: ['a=1; Path=/', 'b=2'],
        body: '{}',
      })
    const response = await fetch(url, { method: 'POST' })
    expect(response.status).toBe(201)
    expect(response.headers.get('location')).toBe('/tasks/7')
    expect(response.headers.get('x-number')).toBe('3')
    expect(response.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2'])
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await response.text()).toBe('{}')
    const context = fn.calls[0]?.event['requestContext'] as { requestId: string }
    expect(response.headers.get('apigw-requestid')).toBe(context.requestId)
  })

  it('decodes a base64 body', async () => {
    const { url, fn } = await startApi()
    fn.answer = () => reply({ statusCode: 200, body: '/wCA', isBase64Encoded: true })
    expect([...new Uint8Array(await (await fetch(url)).arrayBuffer())]).toEqual([0xff, 0x00, 0x80])
  })

  it.each([
    ['an object', '{"hello":[1]}', '{"hello":[1]}'],
    ['a string', '"hello"', 'hello'],
    ['a number', '42', '42'],
    ['null', 'null', 'null'],
    ['nothing', '', 'null'],
  ])('is inferred as 200 and JSON from %s without statusCode', async (_, payload, body) => {
    const { url, fn } = await startApi()
    fn.answer = () => ({ payload })
    const response = await fetch(url)
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      200,
      'application/json',
      body,
    ])
  })

  it.each([
    ['a status of words', { statusCode: 'ok' }],
    ['a status of 99', { statusCode: 99 }],
    ['a status of null', { statusCode: null }],
    ['an object as body', { statusCode: 200, body: { a: 1 } }],
    ['headers that are a list', { statusCode: 200, headers: ['a'] }],
    ['an object as header', { statusCode: 200, headers: { a: {} } }],
    ['a line break in a header', { statusCode: 200, headers: { a: 'x\r\nset-cookie: y' } }],
    ['a header name with a space', { statusCode: 200, headers: { 'a b': 'x' } }],
    ['cookies that are no list', { statusCode: 200, cookies: 'a=1' }],
  ])('is 500 for %s', async (_, value) => {
    const { url, fn } = await startApi()
    fn.answer = () => reply(value)
    const response = await fetch(url)
    expect([response.status, await response.text()]).toEqual([500, '{"message":"Internal Server Error"}'])
  })

  it.each([
    [
      '500 when the function fails',
      500,
      'Internal Server Error',
      () => ({ payload: '{}', functionError: 'Unhandled' as const }),
    ],
    [
      '500 when the function is missing',
      500,
      'Internal Server Error',
      () => Promise.reject(new FunctionNotFoundError('no')),
    ],
    [
      '503 when the function is throttled',
      503,
      'Service Unavailable',
      () => Promise.reject(new FunctionThrottledError('no')),
    ],
  ])('is %s', async (_, status, message, answer) => {
    const { url, fn } = await startApi()
    fn.answer = answer
    const response = await fetch(url)
    expect([response.status, await response.json()]).toEqual([status, { message }])
    expect(response.headers.get('apigw-requestid')).toMatch(/^[\w-]{15}=$/)
  })

  it('is 503 once the integration has taken 30 s', async () => {
    const { url, fn, clock } = await startApi()
    const called = new Promise<void>((resolve) => {
      fn.answer = () => {
        resolve()
        return new Promise(() => undefined)
      }
    })
    const response = fetch(url)
    await called
    clock.advance(29_999)
    clock.advance(1)
    expect((await response).status).toBe(503)
  })

  it('has headers and no body for HEAD', async () => {
    const { port, fn } = await startApi(apiResources({ routes: ['ANY /x'] }))
    fn.answer = () => reply({ statusCode: 200, body: 'hello' })
    const text = await exchange(port, 'HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(text).toMatch(/content-length: 5\r\n/i)
    expect(text.endsWith('\r\n\r\n')).toBe(true)
  })
})

describe('limits', () => {
  it('answers 413 to a body of 10 MB + 1 and to an event beyond 6 MB', async () => {
    const { url, fn } = await startApi()
    const headers = { 'content-type': 'text/plain' }
    for (const bytes of [10 * 1024 * 1024 + 1, 6 * 1024 * 1024 + 1]) {
      const response = await fetch(url, { method: 'POST', body: 'x'.repeat(bytes), headers })
      expect([response.status, await response.json()]).toEqual([413, { message: 'Request Entity Too Large' }])
    }
    expect(fn.calls).toHaveLength(0)
  })

  it('answers 431 when request line and header values exceed 10,240 bytes', async () => {
    const { url, fn } = await startApi()
    expect((await fetch(url, { headers: { 'x-long': 'a'.repeat(9_000) } })).status).toBe(204)
    expect((await fetch(url, { headers: { 'x-long': 'a'.repeat(10_240) } })).status).toBe(431)
    expect(fn.calls).toHaveLength(1)
  })

  it.each([
    ['bytes that are no HTTP', 'hello\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'headers of 100 KB',
      `GET / HTTP/1.1\r\nHost: a\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`,
      /^HTTP\/1\.1 431 /,
    ],
    ['a malformed escape', 'GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 400 /],
  ])('refuses %s and goes on serving', async (_, bytes, expected) => {
    const { port, url } = await startApi()
    expect(await exchange(port, bytes)).toMatch(expected)
    expect((await fetch(url)).status).toBe(204)
  })

  it('answers 429 beyond the burst of the stage, and again serves when a token is back', async () => {
    const { url, clock } = await startApi(
      apiResources({
        routes: ['GET /a', 'GET /b'],
        stages: [
          {
            DefaultRouteSettings: { ThrottlingRateLimit: 1, ThrottlingBurstLimit: 2 },
            RouteSettings: { 'GET /b': { ThrottlingRateLimit: 1, ThrottlingBurstLimit: 1 } },
          },
        ],
      }),
    )
    const status = async (path: string) => (await fetch(url + path)).status
    expect([await status('/a'), await status('/a'), await status('/a')]).toEqual([204, 204, 429])
    expect([await status('/b'), await status('/b')]).toEqual([204, 429])
    clock.advance(1_000)
    expect([await status('/a'), await status('/a')]).toEqual([204, 429])
  })

  it('answers 429 to everything when settings leave the throttle values out', async () => {
    const { url } = await startApi(
      apiResources({ stages: [{ DefaultRouteSettings: { DetailedMetricsEnabled: true } }] }),
    )
    const response = await fetch(url)
    expect([response.status, await response.json()]).toEqual([429, { message: 'Too Many Requests' }])
  })

  it("answers 429 when the account's bucket is empty", async () => {
    const { url, fn } = await startApi(apiResources(), { throttle: { take: () => false } })
    expect((await fetch(url)).status).toBe(429)
    expect(fn.calls).toHaveLength(0)
  })
})

describe('stages', () => {
  it('are chosen by the first segment, else $default, else 404', async () => {
    const both = await startApi(apiResources({ routes: ['GET /tasks'], stages: [{}, { StageName: 'dev' }] }))
    await fetch(`${both.url}/tasks`)
    await fetch(`${both.url}/dev/tasks`)
    expect(both.fn.calls.map((c) => (c.event['requestContext'] as { stage: string }).stage)).toEqual([
      '$default',
      'dev',
    ])

    const dev = await startApi(
      apiResources({ routes: ['GET /tasks', 'GET /'], stages: [{ StageName: 'dev' }] }),
    )
    const missing = await fetch(`${dev.url}/tasks`)
    expect([missing.status, await missing.json()]).toEqual([404, { message: 'Not Found' }])
    expect((await fetch(`${dev.url}/dev`)).status).toBe(204)
    expect((await fetch(`${dev.url}/$default/tasks`)).status).toBe(404)
  })

  it('fill their variables into the integration', async () => {
    const { url, fn } = await startApi(
      apiResources({
        integration: {
          IntegrationUri: 'arn:aws:lambda:eu-west-1:123456789012:function:${stageVariables.fn}',
        },
        stages: [{ StageVariables: { fn: 'blue' } }],
      }),
    )
    await fetch(url)
    expect(fn.calls[0]?.target).toBe('arn:aws:lambda:eu-west-1:123456789012:function:blue')
  })
})

describe('CORS', () => {
  const CorsConfiguration = {
    AllowOrigins: ['https://app.example', 'http://*'],
    AllowMethods: ['GET', 'POST'],
    AllowHeaders: ['content-type'],
    ExposeHeaders: ['etag'],
    AllowCredentials: true,
    MaxAge: 300,
  }
  /** `fetch` refuses to send a preflight by hand. */
  function preflight(
    port: number,
    origin: string,
  ): Promise<{ status: number | undefined; headers: IncomingHttpHeaders }> {
    return new Promise((resolve, reject) => {
      const headers = { origin, 'access-control-request-method': 'POST' }
      httpRequest({ port, host: '127.0.0.1', method: 'OPTIONS', path: '/tasks', headers }, (response) => {
        response.resume().on('end', () => resolve({ status: response.statusCode, headers: response.headers }))
      })
        .on('error', reject)
        .end()
    })
  }

  it('answers a preflight with 204 and without any route or function', async () => {
    const { port, fn } = await startApi(apiResources({ routes: ['GET /tasks'], api: { CorsConfiguration } }))
    const { status, headers } = await preflight(port, 'https://app.example')
    expect(status).toBe(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'access-control-allow-methods': 'GET,POST',
      'access-control-allow-headers': 'content-type',
      'access-control-allow-credentials': 'true',
      'access-control-max-age': '300',
    })
    expect(fn.calls).toHaveLength(0)
  })

  it.each([
    ['https://app.example', 'https://app.example'],
    ['http://localhost:4500', 'http://localhost:4500'],
    ['https://evil.example', undefined],
    ['https://app.example.evil.example', undefined],
  ])('says to the origin %s that %s is allowed', async (origin, allowed) => {
    const { port } = await startApi(apiResources({ api: { CorsConfiguration } }))
    expect((await preflight(port, origin)).headers['access-control-allow-origin']).toBe(allowed)
  })

  it('replaces the CORS headers of the integration', async () => {
    const { url, fn } = await startApi(apiResources({ api: { CorsConfiguration } }))
    fn.answer = () =>
      reply({
        statusCode: 200,
        headers: { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Methods': 'PUT' },
      })
    const { headers } = await fetch(url, { headers: { origin: 'https://app.example' } })
    expect(headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(headers.get('access-control-expose-headers')).toBe('etag')
    expect(headers.get('access-control-allow-methods')).toBeNull()
    expect((await fetch(url)).headers.get('access-control-allow-origin')).toBeNull()
  })

  it('answers * where every origin is allowed, on errors too', async () => {
    const { url } = await startApi(
      apiResources({ routes: ['GET /x'], api: { CorsConfiguration: { AllowOrigins: ['*'] } } }),
    )
    const response = await fetch(url, { headers: { origin: 'https://any.example' } })
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([404, '*'])
  })

  it('passes everything through when the API has no CORS configuration', async () => {
    const { port, fn } = await startApi()
    fn.answer = () => reply({ statusCode: 200, headers: { 'access-control-allow-origin': 'https://mine' } })
    const { status, headers } = await preflight(port, 'https://app.example')
    expect([status, headers['access-control-allow-origin']]).toEqual([200, 'https://mine'])
    expect(fn.calls).toHaveLength(1)
  })
})

describe('an HTTP proxy integration', () => {
  it('forwards method, path variables, query, headers and body, and brings the response back', async () => {
    const seen: unknown[] = []
    const backend = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        const { method, url, headers } = request
        seen.push({ method, url, body, probe: headers['x-probe'], via: headers.via })
        response.writeHead(202, { 'set-cookie': ['a=1', 'b=2'], 'x-back': 'end' }).end('accepted')
      })
    })
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      backend.closeAllConnections()
      backend.close()
    })
    const backendPort = (backend.address() as AddressInfo).port
    const { url } = await startApi(
      apiResources({
        routes: ['ANY /api/{proxy+}'],
        integration: {
          IntegrationType: 'HTTP_PROXY',
          IntegrationMethod: 'ANY',
          IntegrationUri: `http://127.0.0.1:${backendPort}/v1/{proxy}`,
        },
      }),
    )
    const response = await fetch(`${url}/api/a%20b/c?q=1`, {
      method: 'PUT',
      body: 'hi',
      headers: { 'x-probe': 'p' },
    })
    expect([response.status, response.headers.get('x-back'), await response.text()]).toEqual([
      202,
      'end',
      'accepted',
    ])
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(seen).toEqual([
      { method: 'PUT', url: '/v1/a%20b/c?q=1', body: 'hi', probe: 'p', via: 'HTTP/1.1 AmazonAPIGateway' },
    ])
  })

  it('answers 503 when nothing listens there', async () => {
    const { url } = await startApi(
      apiResources({ integration: { IntegrationType: 'HTTP_PROXY', IntegrationUri: 'http://127.0.0.1:1/' } }),
    )
    expect((await fetch(url)).status).toBe(503)
  })
})

it('closes with a request in flight', async () => {
  const { api, url, fn } = await startApi()
  const called = new Promise<void>((resolve) => {
    fn.answer = () => {
      resolve()
      return new Promise(() => undefined)
    }
  })
  const response = fetch(url)
  await called
  await Promise.all([expect(response).rejects.toThrow('fetch failed'), api.close()])
})
