import { type Fact, shapeOf } from '../fact.ts'
import type { Target } from '../target.ts'

const call = (target: Target, path: string, told?: unknown, init: RequestInit = {}) => {
  const query = told === undefined ? '' : `?${new URLSearchParams({ do: JSON.stringify(told) }).toString()}`
  return fetch(`${target.urls.http}${path}${query}`, init)
}

const answer = (told: unknown) => async (target: Target) => {
  const response = await call(target, '/probe/x', told)
  return [response.status, response.headers.get('content-type')?.split(';')[0] ?? null, await response.text()]
}

export const http: readonly Fact[] = [
  {
    fact: 'the event of payload format 2.0 is this',
    source: 'recorded',
    expected: {
      version: '2.0',
      routeKey: 'ANY /probe/{name}',
      rawPath: '/probe/a b',
      rawQueryString: 'a=1&a=2&b=x',
      cookies: ['sid=abc', 'theme=dark'],
      queryStringParameters: { a: '1,2', b: 'x' },
      requestContext: {
        accountId: '<account>',
        apiId: '<api>',
        domainName: '<host>',
        domainPrefix: '<api>',
        http: {
          method: 'POST',
          path: '/probe/a b',
          protocol: 'HTTP/1.1',
          sourceIp: '<ip>',
          userAgent: 'contract',
        },
        requestId: '<id>',
        routeKey: 'ANY /probe/{name}',
        stage: '$default',
        time: '<time>',
        timeEpoch: '<ms>',
      },
      pathParameters: { name: 'a b' },
      body: '{"a":1}',
      isBase64Encoded: false,
    },
    observe: async (target) => {
      const response = await fetch(`${target.urls.http}/probe/a%20b?a=1&a=2&b=x`, {
        method: 'POST',
        headers: {
          cookie: 'sid=abc; theme=dark',
          'user-agent': 'contract',
          'content-type': 'application/json',
        },
        body: '{"a":1}',
      })
      const { headers: _, ...event } = (await response.json()) as Record<string, unknown>
      return shapeOf(event)
    },
  },
  {
    fact: 'a cookie is not among the headers of the event',
    source: 'documented',
    expected: false,
    observe: async (target) => {
      const response = await call(target, '/probe/x', undefined, { headers: { cookie: 'a=b' } })
      const { headers } = (await response.json()) as { headers: Record<string, string> }
      return 'cookie' in headers
    },
  },
  {
    fact: 'a reply without a statusCode becomes a response of 200 with it as JSON',
    source: 'documented',
    expected: [200, 'application/json', '{"a":1}'],
    observe: answer({ reply: { a: 1 } }),
  },
  {
    fact: 'a reply that is text becomes a response of 200 with the text as it is',
    source: 'documented',
    expected: [200, 'application/json', 'hello'],
    observe: answer({ reply: 'hello' }),
  },
  {
    fact: 'a function that throws is 500 Internal Server Error',
    source: 'documented',
    expected: [500, 'application/json', '{"message":"Internal Server Error"}'],
    observe: answer({ throw: 'no' }),
  },
  {
    fact: 'no route is 404 Not Found',
    source: 'documented',
    expected: [404, '{"message":"Not Found"}'],
    observe: async (target) => {
      const response = await call(target, '/elsewhere')
      return [response.status, await response.text()]
    },
  },
  {
    fact: 'each of a reply’s cookies becomes a set-cookie',
    source: 'documented',
    expected: ['a=1', 'b=2; Path=/'],
    observe: async (target) => {
      const response = await call(target, '/probe/x', {
        reply: { statusCode: 200, cookies: ['a=1', 'b=2; Path=/'] },
      })
      return response.headers.getSetCookie()
    },
  },
  {
    fact: 'a response carries the request’s id as apigw-requestid',
    source: 'reported',
    expected: '<id>',
    observe: async (target) =>
      shapeOf((await call(target, '/probe/x')).headers.get('apigw-requestid'), 'requestId'),
  },
]
