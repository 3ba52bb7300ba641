import type { IntegrationDefinition } from '../integration-definition.ts'
import { MAX_INTEGRATION_TIMEOUT_MS, MIN_INTEGRATION_TIMEOUT_MS } from '../limits.ts'
import { AwsServiceBackend } from './aws-service.ts'
import type { HttpClient } from './http-client.ts'
import { HttpBackend, HttpProxyIntegration } from './http.ts'
import { type Integration, type IntegrationDeps, INTERNAL } from './integration.ts'
import { LambdaBackend } from './lambda-function.ts'
import { functionOf } from './lambda-invocation.ts'
import { LambdaProxyIntegration } from './lambda-proxy.ts'
import { MappedIntegration } from './mapped.ts'
import { MockBackend } from './mock.ts'

/**
 * A route's integration, with its templates and expressions read once. One that can't be made is reported at once and
 * stops nothing: who uses it gets `Internal server error`.
 */
export function createIntegration(
  routeKey: string,
  definition: IntegrationDefinition | undefined,
  client: HttpClient,
  deps: IntegrationDeps,
): Integration {
  try {
    if (!definition) throw new Error('it has no integration')
    return make(definition, client, deps)
  } catch (error) {
    const where = definition ? ` (${definition.path})` : ''
    return refusing(deps, `route "${routeKey}"${where} can not be served: ${(error as Error).message}`)
  }
}

/** Reports what is wrong with a route now, and again to whoever uses it. */
export function refusing({ log, source }: IntegrationDeps, why: string): Integration {
  log.warn(source, why)
  return {
    call() {
      log.error(source, why)
      return Promise.resolve({ ...INTERNAL, error: why })
    },
  }
}

function make(definition: IntegrationDefinition, client: HttpClient, deps: IntegrationDeps): Integration {
  const { type, uri, timeoutMs } = definition
  if (!(timeoutMs >= MIN_INTEGRATION_TIMEOUT_MS && timeoutMs <= MAX_INTEGRATION_TIMEOUT_MS))
    throw new Error(
      `TimeoutInMillis is ${timeoutMs}; expected ${MIN_INTEGRATION_TIMEOUT_MS} to ${MAX_INTEGRATION_TIMEOUT_MS}`,
    )
  switch (type) {
    case 'AWS_PROXY':
      return new LambdaProxyIntegration(definition, deps)
    case 'HTTP_PROXY':
      return new HttpProxyIntegration(definition, client, deps)
    case 'HTTP':
      return new MappedIntegration(definition, new HttpBackend(definition, client, deps), deps)
    case 'MOCK':
      return new MappedIntegration(definition, new MockBackend(), deps)
    case 'AWS': {
      const functionArn = functionOf(uri)
      const backend =
        functionArn === undefined
          ? new AwsServiceBackend(definition, client, deps)
          : new LambdaBackend(functionArn, definition, deps)
      return new MappedIntegration(definition, backend, deps)
    }
    default:
      throw new Error(`the integration type is "${type}"; expected AWS_PROXY, AWS, HTTP_PROXY, HTTP or MOCK`)
  }
}
