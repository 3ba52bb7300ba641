import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FunctionNotFoundError, FunctionThrottledError } from '../../../../local/lambda/invoker.ts'
import { apiResources, exchange, reply, startApi } from './fixture.ts'

describe('the response', () => {
  it('carries status and headers, each cookie as one set-cookie, and the event’s request id as apigw-requestid', async () => {
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
      '500 when the function fails or times out',
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
