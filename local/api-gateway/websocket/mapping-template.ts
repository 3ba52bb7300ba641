import velocity from 'velocityjs'
import { follow, parseBody } from './expressions.ts'

/** What a template can ask for. */
export interface TemplateInput {
  /** The message as it came. */
  readonly body: string
  /** `$context`: `connectionId`, `requestTimeEpoch`, `identity.sourceIp`, … */
  readonly context: Readonly<Record<string, unknown>>
  readonly stageVariables: Readonly<Record<string, string>>
}

/**
 * Renders a mapping template (VTL):
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
 * Templates are the developer's own; what clients send is only ever data to them.
 */
export function renderTemplate(template: string, { body, context, stageVariables }: TemplateInput): string {
  const json = parseBody(body)
  const at = (path: string): unknown => (path === '$' ? json : follow(json, path.slice(1)))
  return restricted(template).render({
    context,
    stageVariables,
    input: {
      body,
      /** JSON text of what the path leads to; `""` for nothing, as API Gateway has it. */
      json: (path: string) => JSON.stringify(at(path) ?? ''),
      path: (path: string) => at(path) ?? '',
    },
    util: {
      escapeJavaScript: (text: unknown) => JSON.stringify(String(text)).slice(1, -1).replace(/'/g, "\\'"),
      parseJson: (text: string) => JSON.parse(text) as unknown,
      urlEncode: (text: unknown) => encodeURIComponent(String(text)),
      urlDecode: (text: unknown) => decodeURIComponent(String(text)),
      base64Encode: (text: unknown) => Buffer.from(String(text)).toString('base64'),
      base64Decode: (text: unknown) => Buffer.from(String(text), 'base64').toString(),
    },
  })
}

/** The methods of text, lists and maps that templates may call; the host's own objects have many more. */
const METHODS = new Set([
  ...[
    'size',
    'get',
    'contains',
    'containsKey',
    'isEmpty',
    'keySet',
    'values',
    'entrySet',
    'put',
    'add',
    'length',
  ],
  ...[
    'equals',
    'indexOf',
    'replace',
    'replaceAll',
    'split',
    'startsWith',
    'endsWith',
    'substring',
    'toString',
  ],
  ...['toLowerCase', 'toUpperCase', 'trim', 'equalsIgnoreCase'],
])

/** A template that sees own keys and the listed methods, so that no path leads out of its data. */
function restricted(template: string): InstanceType<typeof velocity.Compile> {
  const compiled = new velocity.Compile(velocity.parse(template))
  const isBlockedPathKey = (base: unknown, key: string): boolean => {
    if (base === null || base === undefined || typeof base === 'function' || key === 'eval') return true
    if (key === '__proto__' || key === 'constructor') return true
    return !Object.hasOwn(base, key) && !METHODS.has(key)
  }
  Object.defineProperty(compiled, 'isBlockedPathKey', { value: isBlockedPathKey })
  return compiled
}
