import { portOf } from '../../../hosts.ts'
import { type Credentials, DEVELOPER } from '../../../iam/credentials.ts'
import { signedHeaders } from '../../../iam/signing.ts'
import { withStageVariables } from '../../stage-variables.ts'
import type { IntegrationDefinition } from '../integration-definition.ts'
import { type Backend, type BackendAnswer, type BackendRequest, firstOf } from './backend.ts'
import type { HttpAnswer, HttpClient } from './http-client.ts'
import {
  type IntegrationDeps,
  IntegrationError,
  type IntegrationRequest,
  sourceArnOf,
} from './integration.ts'
import { fromQueryCall, toQueryAnswer } from './sqs-query.ts'

/** How the JSON protocol of a service names its operations: `x-amz-target: AmazonSQS.SendMessage`. */
const PROTOCOLS: Readonly<Record<string, { readonly target: string; readonly version: '1.0' | '1.1' }>> = {
  dynamodb: { target: 'DynamoDB_20120810', version: '1.0' },
  sqs: { target: 'AmazonSQS', version: '1.0' },
  events: { target: 'AWSEvents', version: '1.1' },
}

/** `arn:aws:apigateway:eu-west-1:sqs:path/123456789012/queue`, `…:dynamodb:action/PutItem` */
const SERVICE_IN_URI = /^arn:[^:]+:apigateway:([^:]+):(?:[\w-]+\.)?([\w-]+):(path|action)\/(.+)$/

/** What the gateway calls its sessions of a role, as CloudTrail and the `SenderId` of SQS show them. */
const SESSION_NAME = 'BackplaneAssumeRoleSession'

/** `AWS` with another service than Lambda: one of its operations. */
export class AwsServiceBackend implements Backend {
  readonly #definition: IntegrationDefinition
  readonly #client: HttpClient
  readonly #deps: IntegrationDeps
  readonly #service: string
  readonly #region: string
  readonly #host: string
  readonly #kind: string
  readonly #rest: string

  /** @throws Error for a service or a form of call that is not emulated, naming it */
  constructor(definition: IntegrationDefinition, client: HttpClient, deps: IntegrationDeps) {
    const [, region = '', service = '', kind = '', rest = ''] = SERVICE_IN_URI.exec(definition.uri) ?? []
    if (service === '')
      throw new Error(
        `the URI "${definition.uri}" names no service; expected arn:aws:apigateway:{region}:{service}:action/{action}`,
      )
    if (!PROTOCOLS[service] || (kind === 'path' && service !== 'sqs'))
      throw new Error(
        `it calls "${service}:${kind}", which is not emulated; lambda, ${Object.keys(PROTOCOLS).join(', ')} are`,
      )
    this.#definition = definition
    this.#client = client
    this.#deps = deps
    this.#service = service
    this.#region = region
    this.#host = `${service}.${region}.amazonaws.com`
    this.#kind = kind
    this.#rest = rest
  }

  async call(request: BackendRequest, of: IntegrationRequest): Promise<BackendAnswer> {
    if (portOf(this.#deps.hosts?.() ?? {}, this.#host) === undefined)
      throw new IntegrationError(`it calls "${this.#host}", which is not emulated by the local stack`)
    const credentials = this.#credentialsFor(of)
    if (this.#kind === 'action') return this.#send(this.#rest, request.body, credentials)
    const path = withStageVariables(this.#rest, of.stageVariables).replace(
      /\{(\w+)\}/g,
      (_, name: string) => firstOf(request.path[name]) ?? '',
    )
    const { action, input } = fromQueryCall(formOf(request), `https://${this.#host}/${path}`)
    return toQueryAnswer(action, await this.#send(action, Buffer.from(JSON.stringify(input)), credentials))
  }

  /** @throws IntegrationError where there is no role, or none that the gateway may take on */
  #credentialsFor(of: IntegrationRequest): Credentials {
    const { iam } = this.#deps
    if (!iam) return DEVELOPER
    const { credentialsArn } = this.#definition
    // On AWS the service's own resource policy would decide then.
    if (credentialsArn === undefined)
      throw new IntegrationError(`it calls "${this.#host}" without CredentialsArn, the role to call it with`)
    const gateway = { service: 'apigateway.amazonaws.com', sourceArn: sourceArnOf(this.#deps, of) }
    const credentials = iam.assume(gateway, credentialsArn, SESSION_NAME)
    if (credentials) return credentials
    throw new IntegrationError(`it can not take on the role ${credentialsArn} to call "${this.#host}"`)
  }

  #send(action: string, body: Buffer, credentials: Credentials): Promise<HttpAnswer> {
    const { target = '', version = '1.0' } = PROTOCOLS[this.#service] ?? {}
    const call = {
      url: new URL(`https://${this.#host}/`),
      method: 'POST',
      headers: {
        'content-type': `application/x-amz-json-${version}`,
        'x-amz-target': `${target}.${action}`,
      },
      body,
    }
    const scope = { region: this.#region, service: this.#service }
    const headers = signedHeaders(call, credentials, scope, this.#deps.clock.now())
    return this.#client.send({ ...call, headers, timeoutMs: this.#definition.timeoutMs })
  }
}

/** What a call of the query protocol says, in its body or in its query. */
function formOf({ body, query }: BackendRequest): URLSearchParams {
  const form = new URLSearchParams(body.toString())
  for (const [name, value] of Object.entries(query)) {
    const first = firstOf(value)
    if (first !== undefined) form.set(name, first)
  }
  return form
}
