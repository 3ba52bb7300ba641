import { type Clock, withinTime } from '../../clock.ts'
import type { Environment } from '../../cloudformation/resource.ts'
import type { FunctionInvoker } from '../../lambda/invoker.ts'
import type { Log } from '../../log.ts'
import { record } from '../http/properties.ts'
import { type InvokePolicy, type JudgedRequest, compileInvokePolicy, verdictOn } from '../invoke-policy.ts'
import { withStageVariables } from '../stage-variables.ts'
import type { Authorization, ConnectAttempt, ConnectAuthorizer } from './authorizer.ts'
import type { IdentitySource, LambdaAuthorizerDefinition } from './connect-access.ts'
import { authorizerEvent, queryParameters } from './events.ts'
import type { IntegrationDeps } from './integrations/integration.ts'
import { AUTHORIZER_TIMEOUT_MS, MAX_AUTHORIZER_RESULT_BYTES } from './limits.ts'

export interface LambdaAuthorizerDependencies {
  readonly functions: FunctionInvoker
  readonly clock: Clock
  readonly log: Log
  readonly environment: Environment
  readonly apiId: string
  readonly mayInvoke?: IntegrationDeps['mayInvoke']
}

/** What the function said, once it has the right form. */
interface Answer {
  readonly policy: InvokePolicy
  readonly principalId: string
  readonly context: Readonly<Record<string, string>>
  readonly usageIdentifierKey: string | undefined
}

const UNAUTHORIZED: Authorization = { isAllowed: false, status: 401, message: 'Unauthorized' }
const FAILED: Authorization = { isAllowed: false, status: 500, message: 'Internal server error' }
const DENIED: Authorization = {
  isAllowed: false,
  status: 403,
  message: 'User is not authorized to access this resource',
}
const DENIED_EXPLICITLY: Authorization = { ...DENIED, message: `${DENIED.message} with an explicit deny` }

/**
 * Asks a function who may connect, for every handshake anew. A request without one of the identity sources is 401 without
 * asking, a denial 403, and what fails 500.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html
 */
export class LambdaAuthorizer implements ConnectAuthorizer {
  readonly #definition: LambdaAuthorizerDefinition
  readonly #deps: LambdaAuthorizerDependencies

  constructor(definition: LambdaAuthorizerDefinition, deps: LambdaAuthorizerDependencies) {
    this.#definition = definition
    this.#deps = deps
  }

  async authorize(attempt: ConnectAttempt): Promise<Authorization> {
    const { clock, log } = this.#deps
    const { identitySources, path } = this.#definition
    if (identitySources.some((source) => !identityOf(source, attempt))) return UNAUTHORIZED
    const methodArn = this.#arn(`${attempt.context.stage}/$connect`)
    const start = clock.now()
    try {
      const answer = await this.#ask(attempt, methodArn)
      if (answer === 'unauthorized') return UNAUTHORIZED
      const { policy, principalId, context, usageIdentifierKey } = answer
      const verdict = verdictOn(policy, methodArn, judged(attempt))
      if (verdict !== 'Allow') return verdict === 'Deny' ? DENIED_EXPLICITLY : DENIED
      return {
        isAllowed: true,
        authorizer: { principalId, integrationLatency: clock.now() - start, ...context },
        ...(usageIdentifierKey === undefined ? {} : { usageIdentifierKey }),
      }
    } catch (error) {
      log.error(path, error instanceof Error ? error.message : String(error))
      return FAILED
    }
  }

  /** @throws Error with the reason for a 500 */
  async #ask(attempt: ConnectAttempt, methodArn: string): Promise<Answer | 'unauthorized'> {
    const { functions, clock, mayInvoke } = this.#deps
    const { functionArn, credentialsArn, authorizerId } = this.#definition
    const { request, context } = attempt
    const target = withStageVariables(functionArn, context.stageVariables)
    if (mayInvoke && !mayInvoke(target, this.#arn(`authorizers/${authorizerId}`), credentialsArn))
      throw new Error(`the gateway may not invoke the authorizer's function ${target}`)
    const event = authorizerEvent(request, context, attempt, methodArn)
    const result = await withinTime(clock, AUTHORIZER_TIMEOUT_MS, functions.invoke(target, event))
    if (result === 'timed-out')
      throw new Error(`the authorizer gives no answer within ${AUTHORIZER_TIMEOUT_MS} ms`)
    if (!result.functionError) return parseAnswer(result.payload)
    // In this very word: anything else that a function throws is a failure.
    if (record(parse(result.payload))['errorMessage'] === 'Unauthorized') return 'unauthorized'
    throw new Error(`the authorizer failed: ${result.payload}`)
  }

  #arn(resource: string): string {
    const { environment, apiId } = this.#deps
    const { partition, region, accountId } = environment
    return `arn:${partition}:execute-api:${region}:${accountId}:${apiId}/${resource}`
  }
}

/** @returns undefined or an empty text where the request has none */
function identityOf({ from, name }: IdentitySource, attempt: ConnectAttempt): string | undefined {
  const { request, context, requestId } = attempt
  switch (from) {
    case 'header': {
      const value = request.headers[name.toLowerCase()]
      return Array.isArray(value) ? value[0] : value
    }
    case 'querystring':
      return queryParameters(request.url ?? '').get(name) ?? undefined
    case 'stageVariables':
      return context.stageVariables[name]
    case 'context': {
      const { sourceIp, userAgent } = context
      const found: unknown = {
        ...context,
        requestId,
        extendedRequestId: requestId,
        routeKey: '$connect',
        eventType: 'CONNECT',
        'identity.sourceIp': sourceIp,
        'identity.userAgent': userAgent,
      }[name]
      return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined
    }
  }
}

/** What conditions of the policy can ask of the handshake. */
const judged = ({ request, context: { sourceIp, userAgent }, at }: ConnectAttempt): JudgedRequest => ({
  sourceIp,
  userAgent,
  referer: request.headers.referer,
  at,
})

/** @throws Error when the answer is no policy, or too large */
function parseAnswer(payload: string): Answer {
  const size = Buffer.byteLength(payload)
  if (size > MAX_AUTHORIZER_RESULT_BYTES)
    throw new Error(`the authorizer's answer has ${size} B; expected at most ${MAX_AUTHORIZER_RESULT_BYTES}`)
  const { principalId, policyDocument, context, usageIdentifierKey } = record(parse(payload))
  if ((typeof principalId !== 'string' && typeof principalId !== 'number') || policyDocument === undefined)
    throw new Error(
      `the authorizer's answer is ${payload.slice(0, 200)}; expected a principalId and a policyDocument`,
    )
  return {
    policy: compileInvokePolicy(policyDocument),
    principalId: String(principalId),
    context: toTexts(context ?? {}),
    usageIdentifierKey: typeof usageIdentifierKey === 'string' ? usageIdentifierKey : undefined,
  }
}

/** Functions get the values of the context as text, whatever they were. @throws Error for an object or a list */
function toTexts(context: unknown): Record<string, string> {
  if (typeof context !== 'object' || context === null || Array.isArray(context))
    throw new Error(
      `the context of the authorizer's answer is ${JSON.stringify(context)}; expected an object`,
    )
  const entries = Object.entries(context).filter(([, value]) => value !== null)
  const wrong = entries.find(([, value]) => typeof value === 'object')
  if (wrong)
    throw new Error(
      `the context of the authorizer's answer has "${wrong[0]}": ${JSON.stringify(wrong[1])}; ` +
        'expected text, numbers and booleans only',
    )
  return Object.fromEntries(entries.map(([key, value]) => [key, String(value)]))
}

function parse(payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch {
    return undefined // no JSON is no answer, which the caller says
  }
}
