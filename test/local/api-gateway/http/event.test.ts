import { describe, expect, it } from 'vitest'
import { apiResources, exchange, functionArn, reply, startApi } from './fixture.ts'

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

  it('has header names in lower case, and joins those of one name with commas', async () => {
    const { port, fn } = await startApi()
    await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Twice: 1\r\nx-TWICE: 2\r\nConnection: close\r\n\r\n')
    const { headers } = fn.calls[0]?.event as { headers: Record<string, string> }
    expect(headers['x-twice']).toBe('1,2')
    expect(Object.keys(headers).filter((name) => name !== name.toLowerCase())).toEqual([])
    expect(fn.calls[0]?.event).not.toHaveProperty('multiValueHeaders')
  })

  it('joins values of one name in the query with commas, and has rawQueryString as it was sent', async () => {
    const { url, fn } = await startApi()
    await fetch(`${url}/?a=1&b=x%20y&a=2`)
    expect(fn.calls[0]?.event).toMatchObject({
      rawQueryString: 'a=1&b=x%20y&a=2',
      queryStringParameters: { a: '1,2', b: 'x y' },
    })
    expect(fn.calls[0]?.event).not.toHaveProperty('multiValueQueryStringParameters')
  })

  it('has cookies in a list, and no longer among the headers', async () => {
    const { url, fn } = await startApi()
    await fetch(url, { headers: { cookie: 'sid=abc; theme=dark' } })
    expect(fn.calls[0]?.event).toMatchObject({ cookies: ['sid=abc', 'theme=dark'] })
    expect(fn.calls[0]?.event['headers']).not.toHaveProperty('cookie')
  })

  it('has no cookies, query, path variables, stage variables, authorizer or body where there are none', async () => {
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
    expect(event['requestContext']).not.toHaveProperty('authorizer')
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
