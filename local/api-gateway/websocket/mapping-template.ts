import { type JsonPath, compileJsonPath } from '../json-path.ts'
import { Template } from '../vtl/template.ts'
import { Bean, type VtlMap, toText } from '../vtl/values.ts'
import { MAX_TEMPLATE_BYTES } from './limits.ts'
import { type Payload, parseJson } from '../payload.ts'

/** Of a handshake; a message has none. Header names as they came. */
export interface RequestParameters {
  readonly header: Readonly<Record<string, string>>
  readonly querystring: Readonly<Record<string, string>>
}

/** What a template can ask for. */
export interface TemplateInput {
  /** The message as it came; for the template of a response, what the backend answered. */
  readonly payload: Payload
  /** `$context`: `connectionId`, `requestTimeEpoch`, `identity.sourceIp`, …; templates may write to it. */
  readonly context: VtlMap
  readonly stageVariables: Readonly<Record<string, string>>
  readonly parameters?: RequestParameters
}

/**
 * A mapping template, read once and rendered many times:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
 * Templates are the developer's own; what clients send is only ever data to them.
 */
export class MappingTemplate {
  readonly #template: Template
  readonly #paths = new Map<string, JsonPath>()

  /** @throws Error for one that is too large; TemplateError for one that can't be read */
  constructor(source: string) {
    const bytes = Buffer.byteLength(source)
    if (bytes > MAX_TEMPLATE_BYTES)
      throw new Error(`the template has ${bytes} bytes; expected at most ${MAX_TEMPLATE_BYTES}`)
    this.#template = new Template(source)
  }

  /**
   * @param warn told of what is passed over in silence, such as a method that is not there
   * @throws TemplateError where it fails
   */
  render(input: TemplateInput, warn?: (problem: string) => void): string {
    const { context, stageVariables } = input
    return this.#template.render({ context, stageVariables, input: this.#inputOf(input), util: UTIL }, warn)
  }

  #inputOf({ payload, parameters }: TemplateInput): Bean {
    // A copy of its own: templates may change what a path leads to.
    let json: { readonly value: unknown } | undefined
    const at = (path: unknown): unknown => {
      json ??= { value: parseJson(payload.text) }
      return this.#path(toText(path))(json.value)
    }
    return new Bean(
      { body: () => payload.text },
      {
        /** JSON text of what the path leads to; `""` for nothing. */
        json: (path = '$') => JSON.stringify(at(path) ?? ''),
        path: (path = '$') => at(path) ?? '',
        params: (name) => {
          const { header = {}, querystring = {} } = parameters ?? {}
          if (name === undefined) return { path: {}, querystring: { ...querystring }, header: { ...header } }
          return valueOf(querystring, toText(name)) ?? headerOf(header, toText(name)) ?? ''
        },
      },
    )
  }

  /** Paths mostly stand in the template; those that it puts together are not kept without end. */
  #path(text: string): JsonPath {
    let path = this.#paths.get(text)
    if (path) return path
    path = compileJsonPath(text)
    if (this.#paths.size >= MAX_PATHS) this.#paths.clear()
    this.#paths.set(text, path)
    return path
  }
}

/** JSONPaths that a template keeps. */
const MAX_PATHS = 256

const valueOf = (values: Readonly<Record<string, string>>, name: string) =>
  Object.hasOwn(values, name) ? values[name] : undefined

function headerOf(headers: Readonly<Record<string, string>>, name: string): string | undefined {
  const wanted = name.toLowerCase()
  return Object.entries(headers).find(([key]) => key.toLowerCase() === wanted)?.[1]
}

/** `application/x-www-form-urlencoded`, as Java writes it. */
const urlEncode = (text: string) =>
  encodeURIComponent(text)
    .replaceAll('%20', '+')
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)

const UTIL = new Bean(
  {},
  {
    escapeJavaScript: (value) => JSON.stringify(toText(value)).slice(1, -1).replace(/'/g, "\\'"),
    parseJson: (text) => JSON.parse(toText(text)) as unknown,
    urlEncode: (value) => urlEncode(toText(value)),
    urlDecode: (text) => decodeURIComponent(toText(text).replaceAll('+', ' ')),
    base64Encode: (value) => Buffer.from(toText(value)).toString('base64'),
    base64Decode: (text) => Buffer.from(toText(text), 'base64').toString(),
  },
)
