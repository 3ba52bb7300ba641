import type { Resource } from '../../cloudformation/resource.ts'
import { MAX_INTEGRATION_TIMEOUT_MS } from './limits.ts'

/** Templates by the key that a selection expression gives. */
export interface Templates {
  readonly expression: string | undefined
  readonly templates: Readonly<Record<string, string>>
}

/** `CONVERT_TO_TEXT`: bytes become base64 text. `CONVERT_TO_BINARY`: base64 text becomes bytes. */
export type ContentHandling = 'CONVERT_TO_BINARY' | 'CONVERT_TO_TEXT'

/**
 * What an `AWS::ApiGatewayV2::Integration` of a WebSocket API says:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-integration-requests.html
 */
export interface IntegrationDefinition {
  /** The construct path, for messages to people. */
  readonly path: string
  /** `AWS_PROXY`, `AWS`, `HTTP_PROXY`, `HTTP` or `MOCK` */
  readonly type: string
  readonly uri: string
  readonly method: string
  readonly connectionType: string
  readonly timeoutMs: number
  /** What becomes of a message that no template takes: `WHEN_NO_MATCH`, `WHEN_NO_TEMPLATES` or `NEVER`. */
  readonly passthrough: string
  readonly contentHandling: ContentHandling | undefined
  /** The role that the gateway takes on; undefined where resource policies decide. */
  readonly credentialsArn: string | undefined
  /** `integration.request.header.X` from `route.request.body.x` */
  readonly parameters: Readonly<Record<string, string>>
  readonly request: Templates
  readonly responses: readonly IntegrationResponseDefinition[]
}

export interface IntegrationResponseDefinition extends Templates {
  /** `$default` or `/regex/` */
  readonly key: string
  readonly contentHandling: ContentHandling | undefined
  /** `route.response.header.X` from `integration.response.header.Y` */
  readonly parameters: Readonly<Record<string, string>>
}

/** @param responses every integration response of the API */
export function readIntegration(
  { path, physicalId, properties }: Resource,
  responses: readonly Resource[],
): IntegrationDefinition {
  const text = (name: string, otherwise = '') => textOf(properties[name]) ?? otherwise
  return {
    path,
    type: text('IntegrationType'),
    uri: text('IntegrationUri'),
    method: text('IntegrationMethod', 'POST'),
    connectionType: text('ConnectionType', 'INTERNET'),
    timeoutMs: Number(properties['TimeoutInMillis'] ?? MAX_INTEGRATION_TIMEOUT_MS),
    passthrough: text('PassthroughBehavior', 'WHEN_NO_MATCH'),
    contentHandling: contentHandlingOf(properties),
    credentialsArn: textOf(properties['CredentialsArn']),
    parameters: textsOf(properties['RequestParameters']),
    request: templatesOf(properties, 'RequestTemplates'),
    responses: responses
      .filter((response) => response.properties['IntegrationId'] === physicalId)
      .map((response) => ({
        key: textOf(response.properties['IntegrationResponseKey']) ?? '$default',
        contentHandling: contentHandlingOf(response.properties),
        parameters: textsOf(response.properties['ResponseParameters']),
        ...templatesOf(response.properties, 'ResponseTemplates'),
      })),
  }
}

function templatesOf(properties: Resource['properties'], name: string): Templates {
  return {
    expression: textOf(properties['TemplateSelectionExpression']),
    templates: textsOf(properties[name]),
  }
}

function contentHandlingOf({ ContentHandlingStrategy }: Resource['properties']): ContentHandling | undefined {
  return ContentHandlingStrategy === 'CONVERT_TO_BINARY' || ContentHandlingStrategy === 'CONVERT_TO_TEXT'
    ? ContentHandlingStrategy
    : undefined
}

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

const textsOf = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(value ?? {}).map(([name, each]) => [name, String(each)]))
