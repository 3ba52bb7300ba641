import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { describe, expect, it } from 'vitest'
import { apiResources, reply, startApi } from './fixture.ts'

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
