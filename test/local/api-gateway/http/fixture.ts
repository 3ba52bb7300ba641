import { connect } from 'node:net'
import { onTestFinished } from 'vitest'
import { HttpApi, type HttpApiDependencies } from '../../../../local/api-gateway/http/api.ts'
import { httpApis } from '../../../../local/api-gateway/http/definition.ts'
import { ManualClock } from '../../../../local/clock.ts'
import type { Environment, Resource } from '../../../../local/cloudformation/resource.ts'
import type { InvokeResult } from '../../../../local/lambda/invoker.ts'
import { silentLog } from '../../../../local/log.ts'

export const environment: Environment = { partition: 'aws', region: 'eu-west-1', accountId: '123456789012' }
export const functionArn = 'arn:aws:lambda:eu-west-1:123456789012:function:tasks'

export function resource(
  type: string,
  logicalId: string,
  properties: Record<string, unknown>,
  arn = '',
): Resource {
  return {
    logicalId,
    type: `AWS::${type}`,
    stack: 'Test',
    path: `Test/${logicalId}`,
    physicalId: logicalId,
    arn,
    properties,
  }
}

/** An API `x1y2z3abcd` whose routes all go to one function. */
export function apiResources({
  routes = ['$default'],
  api = {},
  integration = {},
  stages = [{}],
  route = {},
  more = [],
}: {
  routes?: readonly string[]
  /** Properties of every route, such as its authorization. */
  route?: Record<string, unknown>
  /** Further resources. */
  more?: readonly Resource[]
  api?: Record<string, unknown>
  integration?: Record<string, unknown>
  stages?: readonly Record<string, unknown>[]
} = {}): Resource[] {
  const ApiId = 'x1y2z3abcd'
  return [
    resource('ApiGatewayV2::Api', ApiId, { Name: 'Tasks', ProtocolType: 'HTTP', ...api }),
    resource('ApiGatewayV2::Integration', 'int1', {
      ApiId,
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: functionArn,
      PayloadFormatVersion: '2.0',
      ...integration,
    }),
    ...routes.map((RouteKey, i) =>
      resource('ApiGatewayV2::Route', `Route${i}`, {
        ApiId,
        RouteKey,
        Target: 'integrations/int1',
        ...route,
      }),
    ),
    ...stages.map((stage, i) =>
      resource('ApiGatewayV2::Stage', `Stage${i}`, {
        ApiId,
        StageName: '$default',
        AutoDeploy: true,
        ...stage,
      }),
    ),
    ...more,
  ]
}

/** What the fake function was called with, and what it answers. */
export interface FakeFunction {
  readonly calls: { target: string; event: Record<string, unknown> }[]
  answer: (event: Record<string, unknown>) => Promise<InvokeResult> | InvokeResult
}

/** A running API on a free port. */
export async function startApi(
  resources = apiResources(),
  overrides: Partial<HttpApiDependencies> = {},
): Promise<{ api: HttpApi; url: string; port: number; fn: FakeFunction; clock: ManualClock }> {
  const clock = new ManualClock()
  const fn: FakeFunction = { calls: [], answer: () => ({ payload: '{"statusCode":204}' }) }
  const [definition] = httpApis(resources, environment)
  if (!definition) throw new Error('the resources hold no HTTP API')
  const api = new HttpApi(definition, {
    clock,
    environment,
    log: silentLog,
    services: () => Promise.reject(new Error('no service is at hand')),
    functions: {
      async invoke(target, event) {
        const call = { target, event: JSON.parse(JSON.stringify(event)) as Record<string, unknown> }
        fn.calls.push(call)
        return fn.answer(call.event)
      },
      invokeAsync() {
        throw new Error('an HTTP API invokes synchronously')
      },
    },
    ...overrides,
  })
  const port = await api.listen(0)
  onTestFinished(() => api.close())
  return { api, url: `http://127.0.0.1:${port}`, port, fn, clock }
}

export function reply(value: unknown): InvokeResult {
  return { payload: JSON.stringify(value) }
}

/** Sends bytes over a bare socket and gives everything that comes back. */
export function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
    socket.on('close', () => resolve(received))
    socket.on('error', reject)
  })
}
