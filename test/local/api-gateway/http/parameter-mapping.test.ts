import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { apiResources, reply, startApi } from './fixture.ts'

const requestOf = async (
  RequestParameters: Record<string, string>,
  {
    path = '/tasks/7',
    init = {},
    stage = {},
  }: { path?: string; init?: RequestInit; stage?: Record<string, unknown> } = {},
) => {
  const { url, fn } = await startApi(
    apiResources({ routes: ['ANY /tasks/{id}'], integration: { RequestParameters }, stages: [stage] }),
  )
  expect((await fetch(url + path, init)).status).toBe(204)
  return fn.calls[0]?.event as {
    headers: Record<string, string>
    queryStringParameters?: Record<string, string>
    rawQueryString: string
    rawPath: string
  }
}

describe('request parameters', () => {
  it('append to, overwrite and remove headers', async () => {
    const { headers } = await requestOf(
      {
        'append:header.X-Has': 'more',
        'append:header.x-new': 'new',
        'overwrite:header.x-old': 'over',
        'remove:header.X-Gone': "''",
      },
      { init: { headers: { 'x-has': 'some', 'x-old': 'old', 'x-gone': 'here' } } },
    )
    expect(headers).toMatchObject({ 'x-has': 'some,more', 'x-new': 'new', 'x-old': 'over' })
    expect(headers).not.toHaveProperty('x-gone')
  })

  it('append to, overwrite and remove query parameters', async () => {
    const { queryStringParameters, rawQueryString } = await requestOf(
      { 'append:querystring.a': '2', 'overwrite:querystring.b': 'new', 'remove:querystring.c': "''" },
      { path: '/tasks/7?a=1&b=old&c=3&d=4' },
    )
    expect(queryStringParameters).toEqual({ a: '1,2', b: 'new', d: '4' })
    expect(rawQueryString).toBe('a=1&b=new&d=4&a=2')
  })

  it('overwrite the path', async () => {
    expect((await requestOf({ 'overwrite:path': '/other/${request.path.id}' })).rawPath).toBe('/other/7')
  })

  it.each([
    ['a header, its name in any case', '$request.header.X-Probe', 'p'],
    ['a query parameter, several joined', '$request.querystring.q', '1,2'],
    ['the body', '$request.body', '{"a":{"b":[1,"two"]}}'],
    ['a place in the body', '$request.body.a.b[1]', 'two'],
    ['an object of the body as JSON', '$request.body.a', '{"b":[1,"two"]}'],
    ['the path without the stage', '$request.path', '/tasks/7'],
    ['a path parameter', '$request.path.id', '7'],
    ['a context variable', '$context.routeKey', 'ANY /tasks/{id}'],
    ['another context variable', '$context.identity.sourceIp', '127.0.0.1'],
    ['a stage variable', '$stageVariables.color', 'blue'],
    ['text', 'text', 'text'],
    ['several in text', '${request.path.id}-${stageVariables.color}', '7-blue'],
  ])('take %s', async (_, value, expected) => {
    const { headers } = await requestOf(
      { 'overwrite:header.x-out': value },
      {
        path: '/dev/tasks/7?q=1&q=2',
        init: {
          method: 'POST',
          body: '{"a":{"b":[1,"two"]}}',
          headers: { 'x-probe': 'p', 'content-type': 'application/json' },
        },
        stage: { StageName: 'dev', StageVariables: { color: 'blue' } },
      },
    )
    expect(headers['x-out']).toBe(expected)
  })

  it('change nothing where they select what is not there', async () => {
    const { headers } = await requestOf(
      { 'overwrite:header.x-out': '$request.header.missing' },
      { init: { headers: { 'x-out': 'kept' } } },
    )
    expect(headers['x-out']).toBe('kept')
  })

  it('reach a proxied backend, whose path they overwrite', async () => {
    const seen: unknown[] = []
    const backend = createServer(({ url, headers }, response) => {
      seen.push({ url, tag: headers['x-tag'] })
      response.end()
    })
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void backend.close())
    const { url } = await startApi(
      apiResources({
        routes: ['GET /api/{proxy+}'],
        integration: {
          IntegrationType: 'HTTP_PROXY',
          IntegrationUri: `http://127.0.0.1:${(backend.address() as AddressInfo).port}/v1`,
          RequestParameters: { 'overwrite:path': '/v2/$request.path.proxy', 'append:header.x-tag': 't' },
        },
      }),
    )
    await fetch(`${url}/api/a?q=1`)
    expect(seen).toEqual([{ url: '/v2/$request.path.proxy?q=1', tag: 't' }])
  })
})

describe('response parameters', () => {
  const ResponseParameters = {
    '200': {
      ResponseParameters: [
        { Destination: 'append:header.x-has', Source: 'more' },
        { Destination: 'overwrite:header.x-id', Source: '$context.requestId' },
        { Destination: 'append:header.x-name', Source: '$response.body.name' },
        { Destination: 'append:header.x-from', Source: '$response.header.X-Has' },
        { Destination: 'remove:header.x-gone', Source: "''" },
      ],
    },
    '500': { ResponseParameters: [{ Destination: 'overwrite:statuscode', Source: '403' }] },
  }

  it('change headers by what the integration answers', async () => {
    const { url, fn } = await startApi(apiResources({ integration: { ResponseParameters } }))
    fn.answer = () =>
      reply({ statusCode: 200, headers: { 'x-has': 'some', 'x-gone': 'here' }, body: '{"name":"n"}' })
    const { headers } = await fetch(url)
    expect(
      Object.fromEntries(['x-has', 'x-name', 'x-from', 'x-gone'].map((name) => [name, headers.get(name)])),
    ).toEqual({
      'x-has': 'some,more',
      'x-name': 'n',
      'x-from': 'some',
      'x-gone': null,
    })
    expect(headers.get('x-id')).toBe(headers.get('apigw-requestid'))
  })

  it('change the status of a response with theirs, and of no other', async () => {
    const { url, fn } = await startApi(apiResources({ integration: { ResponseParameters } }))
    fn.answer = () => reply({ statusCode: 500 })
    expect((await fetch(url)).status).toBe(403)
    fn.answer = () => reply({ statusCode: 501 })
    expect((await fetch(url)).status).toBe(501)
  })

  it('leave the answers of the gateway alone', async () => {
    const { url, fn } = await startApi(apiResources({ integration: { ResponseParameters } }))
    fn.answer = () => ({ payload: '{}', functionError: 'Unhandled' })
    expect((await fetch(url)).status).toBe(500)
  })
})
