import type { Clock } from '../../../clock.ts'
import type { Environment } from '../../../cloudformation/resource.ts'
import type { HostTable } from '../../../hosts.ts'
import type { Iam } from '../../../iam/iam.ts'
import type { FunctionInvoker } from '../../../lambda/invoker.ts'
import type { Log } from '../../../log.ts'
import type { StageVariables } from '../../stage-variables.ts'
import type { VtlMap } from '../../vtl/values.ts'
import type { Handshake } from '../parameter-mapping.ts'
import type { Payload } from '../../payload.ts'

/** One event on its way to a backend. */
export interface IntegrationRequest {
  readonly routeKey: string
  /** Whether what the backend answers goes to the client. */
  readonly isTwoWay: boolean
  /** What a Lambda proxy integration passes on. */
  readonly event: unknown
  readonly payload: Payload
  /** `$context` of templates and mappings: the event's request context, which templates may write to. */
  readonly context: VtlMap
  readonly stageVariables: StageVariables
  /** Of `$connect` alone. */
  readonly handshake?: Handshake
}

/** What a backend answered, as far as a client may see it. */
export interface IntegrationResponse {
  readonly ok: true
  /** Of `$connect`: what the handshake is answered with. */
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** Why there is no answer, in the words that a client gets. */
export interface IntegrationFailure {
  readonly ok: false
  /** `Internal server error`, `Endpoint request timed out`, `Unsupported Media Type` */
  readonly message: string
  /** Of `$connect`: what the handshake is answered with. */
  readonly statusCode: number
  /** What the log says, where that is more than the client may know. */
  readonly error?: string
}

export type IntegrationResult = IntegrationResponse | IntegrationFailure

/** A route's backend, made once for its API. */
export interface Integration {
  /** Never rejects: trouble is logged, and told to the client in AWS's words. */
  call(request: IntegrationRequest): Promise<IntegrationResult>
}

export interface IntegrationDeps {
  readonly functions: FunctionInvoker
  readonly clock: Clock
  readonly log: Log
  readonly environment: Environment
  readonly apiId: string
  /** The API's logical id. */
  readonly source: string
  /** Hosts that are served on this machine, asked when a call goes out. @default none */
  readonly hosts?: () => HostTable
  /**
   * Whether the gateway may invoke a function for a route, by the function's own policy or by a role.
   * @param sourceArn `arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/$default`
   * @default always
   */
  readonly mayInvoke?: (functionArn: string, sourceArn: string, credentialsArn?: string) => boolean
  /** Has the roles that the gateway calls services with; without it anybody may do anything. */
  readonly iam?: Pick<Iam, 'assume'> | undefined
  /** Whether a reply of nothing to a message is malformed. @default false */
  readonly isStrict?: boolean
}

/** What stops a call to a backend; the message is for the developer's log. */
export class IntegrationError extends Error {
  override readonly name = 'IntegrationError'
  readonly failure: IntegrationFailure

  constructor(message: string, failure: IntegrationFailure = INTERNAL, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}

/** The gateway's own trouble: configuration, templates, permissions. */
export const INTERNAL: IntegrationFailure = { ok: false, statusCode: 500, message: 'Internal server error' }
/** The backend's trouble: an error, or an answer that can't be used. */
export const BAD_GATEWAY: IntegrationFailure = { ...INTERNAL, statusCode: 502 }
export const TIMED_OUT: IntegrationFailure = {
  ok: false,
  statusCode: 504,
  message: 'Endpoint request timed out',
}
/** No template takes the message, and it may not pass as it is. */
export const UNSUPPORTED: IntegrationFailure = {
  ok: false,
  statusCode: 415,
  message: 'Unsupported Media Type',
}

/** Runs a call to a backend, with its trouble logged and told. */
export async function guarded(
  { log, source }: Pick<IntegrationDeps, 'log' | 'source'>,
  { routeKey }: IntegrationRequest,
  call: () => Promise<IntegrationResult>,
): Promise<IntegrationResult> {
  try {
    return await call()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    log.error(source, `route "${routeKey}": ${why}`)
    return { ...(error instanceof IntegrationError ? error.failure : INTERNAL), error: why }
  }
}

/** `arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/dev/$default`: what a function's policy sees as the source. */
export function sourceArnOf(
  { environment: { partition, region, accountId }, apiId }: IntegrationDeps,
  { context, routeKey }: IntegrationRequest,
): string {
  return `arn:${partition}:execute-api:${region}:${accountId}:${apiId}/${String(context['stage'])}/${routeKey}`
}
