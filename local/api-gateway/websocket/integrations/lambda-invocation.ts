import { withinTime } from '../../../clock.ts'
import type { InvokeResult } from '../../../lambda/invoker.ts'
import { withStageVariables } from '../../stage-variables.ts'
import {
  BAD_GATEWAY,
  type IntegrationDeps,
  IntegrationError,
  INTERNAL,
  type IntegrationRequest,
  sourceArnOf,
  TIMED_OUT,
} from './integration.ts'

const FUNCTION_IN_URI = /:lambda:path\/2015-03-31\/functions\/(.+)\/invocations$/
/** Not documented for WebSocket APIs, but it works there: https://github.com/aws/aws-cdk/pull/13820 */
const FUNCTION_ARN = /^arn:[^:]+:lambda:[^:]+:[^:]+:function:.+$/

/** The function of an integration's URI, which may hold `${stageVariables.name}`; undefined for another service's URI. */
export const functionOf = (uri: string): string | undefined =>
  FUNCTION_IN_URI.exec(uri)?.[1] ?? FUNCTION_ARN.exec(uri)?.[0]

export interface Invocation {
  /** As the URI has it. */
  readonly functionArn: string
  readonly timeoutMs: number
  readonly credentialsArn: string | undefined
}

/**
 * Invokes a route's function.
 * @param isEvent asynchronously: nothing is waited for
 * @throws IntegrationError when it may not be invoked, is not there, has no free concurrency or takes too long
 */
export async function invokeFunction(
  { functionArn, timeoutMs, credentialsArn }: Invocation,
  event: unknown,
  request: IntegrationRequest,
  deps: IntegrationDeps,
  isEvent = false,
): Promise<InvokeResult> {
  const { functions, clock, mayInvoke } = deps
  const arn = withStageVariables(functionArn, request.stageVariables)
  const sourceArn = sourceArnOf(deps, request)
  if (mayInvoke && !mayInvoke(arn, sourceArn, credentialsArn))
    throw new IntegrationError(
      `Invalid permissions on Lambda function: ${arn} may not be invoked for ${sourceArn}`,
      INTERNAL,
    )
  try {
    if (isEvent) {
      functions.invokeAsync(arn, event)
      return { payload: '' }
    }
    const result = await withinTime(clock, timeoutMs, functions.invoke(arn, event))
    if (result !== 'timed-out') return result
  } catch (cause) {
    throw new IntegrationError(`${arn} could not be invoked: ${String(cause)}`, BAD_GATEWAY, { cause })
  }
  throw new IntegrationError(`${arn} did not answer within ${timeoutMs} ms`, TIMED_OUT)
}
