import { type Clock, withinTime } from '../../clock.ts'
import type { FunctionInvoker } from '../../lambda/invoker.ts'
import type { Log } from '../../log.ts'
import { type InvokePolicy, compileInvokePolicy, verdictOn } from '../invoke-policy.ts'
import type { MayInvoke } from '../may-invoke.ts'
import { withStageVariables } from '../stage-variables.ts'
import { type Authorization, type Authorizer, failed, forbidden, unauthorized } from './authorization.ts'
import type { LambdaAuthorizerDefinition } from './authorizer-definition.ts'
import { apiArn, authorizerEvent, routeArn } from './authorizer-event.ts'
import type { RoutedRequest } from './event.ts'
import { AUTHORIZER_TIMEOUT_MS } from './limits.ts'
import { record } from './properties.ts'
import { identityOf } from './request-values.ts'

export interface LambdaAuthorizerDependencies {
  readonly functions: FunctionInvoker
  readonly clock: Clock
  readonly log: Log
  /** Whether the gateway may invoke a function. @default always */
  readonly mayInvoke?: MayInvoke
}

/** What the function said; a policy is looked into again for every request that its answer is kept for. */
interface Answer {
  readonly verdict: boolean | InvokePolicy
  readonly context: Readonly<Record<string, unknown>>
  readonly principalId?: string
}

/** Beyond so many answers those that are over are forgotten. */
const SWEEP_SIZE = 1_000

/**
 * Asks a function who may pass. A request without one of the identity sources is 401 without asking, a denial 403, a
 * failure of the function or an answer of another form 500.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 */
export class LambdaAuthorizer implements Authorizer {
  readonly #definition: LambdaAuthorizerDefinition
  readonly #deps: LambdaAuthorizerDependencies
  /** By stage and identities. */
  readonly #kept = new Map<string, { readonly until: number; readonly answer: Answer }>()

  constructor(definition: LambdaAuthorizerDefinition, deps: LambdaAuthorizerDependencies) {
    this.#definition = definition
    this.#deps = deps
  }

  async authorize(routed: RoutedRequest): Promise<Authorization> {
    const identities = this.#definition.identitySources.map((source) => identityOf(source, routed) ?? '')
    if (identities.includes('')) return unauthorized()
    const key = JSON.stringify([routed.stage.name, identities])
    const kept = this.#kept.get(key)
    try {
      const isFresh = kept !== undefined && kept.until > this.#deps.clock.now()
      const answer = isFresh ? kept.answer : await this.#ask(routed, identities)
      if (answer === 'unauthorized') return unauthorized()
      if (!isFresh) this.#keep(key, answer)
      return decide(answer, routed)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#deps.log.error(this.#definition.path, `${routed.routeKey}: ${reason}`)
      return failed()
    }
  }

  /** @throws Error with the reason for a 500 */
  async #ask(routed: RoutedRequest, identities: readonly string[]): Promise<Answer | 'unauthorized'> {
    const { functions, clock, mayInvoke } = this.#deps
    const { payloadFormat, target, simpleResponses, authorizerId, credentialsArn } = this.#definition
    const event = authorizerEvent(payloadFormat, routed, identities)
    const arn = withStageVariables(target, routed.stage.variables)
    const sourceArn = `${apiArn(routed)}/authorizers/${authorizerId}`
    if (mayInvoke && !mayInvoke(arn, sourceArn, credentialsArn))
      throw new Error(`the gateway has no permission to invoke the authorizer ${arn}`)
    const invocation = functions.invoke(arn, event)
    const result = await withinTime(clock, AUTHORIZER_TIMEOUT_MS, invocation)
    if (result === 'timed-out')
      throw new Error(`the authorizer gives no answer within ${AUTHORIZER_TIMEOUT_MS} ms`)
    if (result.functionError) {
      if (saysUnauthorized(result.payload)) return 'unauthorized'
      throw new Error(`the authorizer failed: ${result.payload}`)
    }
    return parseAnswer(result.payload, simpleResponses)
  }

  #keep(key: string, answer: Answer): void {
    const { ttlSeconds } = this.#definition
    if (ttlSeconds === 0) return
    const now = this.#deps.clock.now()
    if (this.#kept.size >= SWEEP_SIZE)
      for (const [other, { until }] of this.#kept) if (until <= now) this.#kept.delete(other)
    this.#kept.set(key, { until: now + ttlSeconds * 1000, answer })
  }
}

function decide({ verdict, context, principalId }: Answer, routed: RoutedRequest): Authorization {
  const { sourceIp, headers, time: at } = routed.request
  const request = { sourceIp, userAgent: headers['user-agent'], referer: headers['referer'], at }
  const isAllowed =
    typeof verdict === 'boolean' ? verdict : verdictOn(verdict, routeArn(routed), request) === 'Allow'
  if (!isAllowed) return forbidden()
  return { authorizer: { lambda: context, ...(principalId === undefined ? {} : { principalId }) } }
}

/** A function that throws `Unauthorized`, in this very word, has the client told so, as with REST APIs. */
const saysUnauthorized = (payload: string) => record(parse(payload))['errorMessage'] === 'Unauthorized'

/** @throws Error when the answer has not the form that the authorizer is set to */
function parseAnswer(payload: string, simpleResponses: boolean): Answer {
  const { isAuthorized, policyDocument, principalId, context } = record(parse(payload))
  const rest = {
    context: record(context),
    ...(typeof principalId === 'string' ? { principalId } : {}),
  }
  if (simpleResponses) {
    if (typeof isAuthorized === 'boolean') return { verdict: isAuthorized, ...rest }
    throw new Error(
      `the authorizer's answer is ${payload.slice(0, 200)}; expected {"isAuthorized": true or false}`,
    )
  }
  try {
    return { verdict: compileInvokePolicy(policyDocument), ...rest }
  } catch (cause) {
    throw new Error(
      `the authorizer's answer is ${payload.slice(0, 200)}, of which ${(cause as Error).message}; expected a principalId ` +
        'and a policyDocument (or set EnableSimpleResponses for {"isAuthorized": true})',
      { cause },
    )
  }
}

function parse(payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch {
    return undefined // no JSON is no answer, which the caller says
  }
}
