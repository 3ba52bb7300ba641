import { type Clock, withinTime } from '../../clock.ts'
import type { FunctionInvoker } from '../../lambda/invoker.ts'
import type { Log } from '../../log.ts'
import { renderTemplate, type TemplateInput } from './mapping-template.ts'
import { parseBody, select } from './expressions.ts'
import type { Templates, WebSocketIntegration } from './definition.ts'

/** What an integration gives back. */
export type IntegrationResult =
  | {
      readonly ok: true
      readonly statusCode: number
      readonly headers: Readonly<Record<string, string>>
      readonly body?: string
    }
  | { readonly ok: false; readonly reason: 'failed' | 'timed-out' }

export interface IntegrationDeps {
  readonly functions: FunctionInvoker
  readonly clock: Clock
  readonly log: Log
  /** The API's logical id. */
  readonly source: string
  /** Of `$connect`: the reply must be one, with a body that is text or absent and a status that HTTP has. */
  readonly isHandshake?: boolean
}

const FAILED = { ok: false, reason: 'failed' } as const

/** Calls a route's integration; trouble of the developer's making is logged here, and told to the client in AWS's words elsewhere. */
export async function callIntegration(
  integration: WebSocketIntegration,
  event: unknown,
  template: TemplateInput,
  deps: IntegrationDeps,
): Promise<IntegrationResult> {
  if (integration.type === 'mock') return mock(integration, template, deps)
  const { functionArn, timeoutMs } = integration
  try {
    const result = await withinTime(deps.clock, timeoutMs, deps.functions.invoke(functionArn, event))
    if (result === 'timed-out') return { ok: false, reason: 'timed-out' }
    if (result.functionError) return FAILED
    return parseReply(result.payload, deps)
  } catch (error) {
    deps.log.error(deps.source, `${functionArn} could not be invoked: ${String(error)}`)
    return FAILED
  }
}

const REPLY_KEYS = ['statusCode', 'headers', 'multiValueHeaders', 'body', 'isBase64Encoded']

/** A proxy reply; an unknown key or anything but an object makes it malformed, no reply at all does not. */
function parseReply(
  payload: string,
  { log, source, isHandshake = false }: IntegrationDeps,
): IntegrationResult {
  const reply = payload === '' ? null : parseBody(payload)
  if (reply === null && !isHandshake) return { ok: true, statusCode: 200, headers: {} }
  const unknown = isObject(reply) ? Object.keys(reply).find((key) => !REPLY_KEYS.includes(key)) : undefined
  if (!isObject(reply) || unknown !== undefined) {
    const what = unknown === undefined ? `is ${payload.slice(0, 100)}` : `has the key "${unknown}"`
    log.warn(source, `a function's reply ${what}; expected an object with ${REPLY_KEYS.join(', ')} only`)
    return FAILED
  }
  const { statusCode = 200, headers, body } = reply
  if (!Number.isInteger(Number(statusCode))) {
    log.warn(source, `a function's reply has the statusCode ${JSON.stringify(statusCode)}; expected a number`)
    return FAILED
  }
  if (isHandshake && !isHandshakeReply(Number(statusCode), body)) {
    log.warn(
      source,
      `the reply of $connect has the statusCode ${JSON.stringify(statusCode)} and a body of type ${typeof body}; ` +
        'expected 200 to 599 and a string or none',
    )
    return FAILED
  }
  return {
    ok: true,
    statusCode: Number(statusCode),
    headers: isObject(headers) ? (headers as Readonly<Record<string, string>>) : {},
    ...(body === undefined || body === null
      ? {}
      : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  }
}

const isHandshakeReply = (status: number, body: unknown) =>
  status >= 200 && status <= 599 && (body === undefined || body === null || typeof body === 'string')

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Request template → status code → integration response → response template. */
function mock(
  { request, responses }: Extract<WebSocketIntegration, { type: 'mock' }>,
  input: TemplateInput,
  { log, source }: IntegrationDeps,
): IntegrationResult {
  const rendered = parseBody(render(request, input, 200) ?? '{"statusCode":200}')
  const statusCode = isObject(rendered) ? Number(rendered['statusCode']) : Number.NaN
  if (!Number.isInteger(statusCode)) {
    log.warn(source, 'the request template of a MOCK integration gives no statusCode')
    return FAILED
  }
  const matching =
    responses.find(
      ({ key }) => key.startsWith('/') && new RegExp(`^(?:${key.slice(1, -1)})$`).test(String(statusCode)),
    ) ?? responses.find(({ key }) => key === '$default')
  if (!matching) return FAILED
  const body = render(matching, input, statusCode)
  return { ok: true, statusCode, headers: {}, ...(body === undefined ? {} : { body }) }
}

/** @returns undefined when no template is selected; a single template needs no selection */
function render(
  { expression, templates }: Templates,
  input: TemplateInput,
  statusCode: number,
): string | undefined {
  const keys = Object.keys(templates)
  const key =
    expression === undefined
      ? keys.length === 1
        ? keys[0]
        : '$default'
      : select(expression, {
          'request.body': parseBody(input.body),
          'integration.response.statuscode': String(statusCode),
        })
  const template = templates[key ?? ''] ?? templates['$default']
  return template === undefined ? undefined : renderTemplate(template, input)
}
