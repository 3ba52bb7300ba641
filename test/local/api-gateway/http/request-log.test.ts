import { describe, expect, it } from 'vitest'
import { apiResources, reply, startApi } from './fixture.ts'

const Format = JSON.stringify({
  id: '$context.requestId',
  ip: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  path: '$context.path',
  route: '$context.routeKey',
  stage: '$context.stage',
  status: '$context.status',
  bytes: '$context.responseLength',
  integration: '$context.integrationStatus',
  error: '$context.integrationErrorMessage',
  time: '$context.requestTime',
  user: '$context.authorizer.claims.sub',
})

async function start(format = Format, stage: Record<string, unknown> = {}) {
  const lines: string[] = []
  const note = (source: string, text: string) => void lines.push(`${source}: ${text}`)
  const api = await startApi(
    apiResources({
      routes: ['GET /tasks/{id}'],
      stages: [
        {
          AccessLogSettings: {
            DestinationArn: 'arn:aws:logs:eu-west-1:123456789012:log-group:access:*',
            Format: format,
          },
          ...stage,
        },
      ],
    }),
    { log: { info: note, warn: note, error: note } },
  )
  return {
    ...api,
    lines,
    logged: () => lines.filter((line) => line.startsWith('access: ')).map((line) => line.slice(8)),
  }
}

describe('the access log of a stage', () => {
  it('has a line for each request to a route, in the format of the stage', async () => {
    const { url, fn, logged } = await start()
    fn.answer = () => reply({ statusCode: 201, body: 'hello' })
    const response = await fetch(`${url}/tasks/7`)
    expect(logged().map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        id: response.headers.get('apigw-requestid'),
        ip: '127.0.0.1',
        method: 'GET',
        path: '/tasks/7',
        route: 'GET /tasks/{id}',
        stage: '$default',
        status: '201',
        bytes: '5',
        integration: '200',
        error: '-',
        time: '23/Nov/2026:09:00:00 +0000',
        user: '-',
      },
    ])
  })

  it('tells why an integration failed', async () => {
    const { url, fn, logged } = await start(
      '$context.requestId $context.status $context.integrationErrorMessage',
    )
    fn.answer = () => ({ payload: '"boom"', functionError: 'Unhandled' })
    await fetch(`${url}/tasks/7`)
    expect(logged()[0]).toMatch(/ 500 the function failed: "boom"$/)
  })

  it('has what is refused before the integration', async () => {
    const { url, logged } = await start('$context.requestId $context.status', {
      DefaultRouteSettings: { ThrottlingRateLimit: 0, ThrottlingBurstLimit: 0 },
    })
    await fetch(`${url}/tasks/7`)
    expect(logged()[0]).toMatch(/ 429$/)
  })

  it('is reported, and not kept, when its format lacks the request id', async () => {
    const { url, lines, logged } = await start('$context.status')
    await fetch(`${url}/tasks/7`)
    expect(lines[0]).toContain('stage "$default" keeps no access log')
    expect(logged()).toEqual([])
  })
})
