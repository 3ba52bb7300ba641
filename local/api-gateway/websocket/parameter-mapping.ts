import { compileJsonPath } from '../json-path.ts'
import type { StageVariables } from '../stage-variables.ts'
import type { Payload } from '../payload.ts'

/** Headers and query of a handshake, as the CONNECT event has them; a message has none. */
export interface Handshake {
  readonly headers?: Readonly<Record<string, string>>
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>
  readonly queryStringParameters?: Readonly<Record<string, string>>
  readonly multiValueQueryStringParameters?: Readonly<Record<string, readonly string[]>>
}

/** Where parameters are mapped from. */
export interface ParameterSources {
  readonly payload: Payload
  readonly context: unknown
  readonly stageVariables: StageVariables
  readonly handshake?: Handshake | undefined
  /** Of the backend, for the parameters of a response. Names in lower case. */
  readonly responseHeaders?: Readonly<Record<string, readonly string[]>>
}

/** One value, or several of one name; undefined for none, and then the parameter is left out. */
export type Parameter = string | readonly string[] | undefined

type Read = (sources: ParameterSources) => unknown

/** A parameter's place, such as `header`, its name there, and where its value comes from. */
interface Mapping {
  readonly place: string
  readonly name: string
  readonly read: Read
}

const REQUEST = /^integration\.request\.(header|querystring|path)\.(.+)$/
const RESPONSE = /^(?:route|method)\.response\.(header)\.(.+)$/

/**
 * Parameters of a request to a backend, or of the answer to a client, read once:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-data-mapping.html
 */
export class ParameterMapping {
  readonly #mappings: readonly Mapping[]

  /** @throws Error naming the expression that can't be read */
  constructor(parameters: Readonly<Record<string, string>>, kind: 'request' | 'response') {
    const pattern = kind === 'request' ? REQUEST : RESPONSE
    const expected =
      kind === 'request'
        ? 'integration.request.header, .querystring or .path and a name'
        : 'route.response.header and a name'
    this.#mappings = Object.entries(parameters).map(([target, source]) => {
      const [, place, name] = pattern.exec(target) ?? []
      if (place === undefined || name === undefined)
        throw new Error(`the parameter "${target}" can not be mapped to; expected ${expected}`)
      return { place, name, read: compileSource(source) }
    })
  }

  /** Values by name of one place: `header`, `querystring` or `path`. */
  valuesOf(place: 'header' | 'querystring' | 'path', sources: ParameterSources): Record<string, Parameter> {
    return Object.fromEntries(
      this.#mappings
        .filter((mapping) => mapping.place === place)
        .map(({ name, read }) => [name, parameterOf(read(sources))]),
    )
  }
}

/** The name goes to the end, whatever it holds; header names come in any case. */
const NAMED: Readonly<Record<string, (sources: ParameterSources, name: string) => unknown>> = {
  'route.request.header.': ({ handshake }, name) => byName(handshake?.headers, name),
  'route.request.multivalueheader.': ({ handshake }, name) => byName(handshake?.multiValueHeaders, name),
  'route.request.querystring.': ({ handshake }, name) => handshake?.queryStringParameters?.[name],
  'route.request.multivaluequerystring.': ({ handshake }, name) =>
    handshake?.multiValueQueryStringParameters?.[name],
  'integration.response.header.': ({ responseHeaders }, name) => responseHeaders?.[name.toLowerCase()]?.[0],
  'integration.response.multivalueheader.': ({ responseHeaders }, name) =>
    responseHeaders?.[name.toLowerCase()],
}

const PATHS: Readonly<Record<string, (sources: ParameterSources) => unknown>> = {
  'route.request.body': ({ payload }) => payload.json,
  'integration.response.body': ({ payload }) => payload.json,
  context: ({ context }) => context,
  stageVariables: ({ stageVariables }) => stageVariables,
}

function compileSource(source: string): Read {
  const [, fixed] = /^'(.*)'$/s.exec(source) ?? []
  if (fixed !== undefined) return () => fixed
  for (const [prefix, read] of Object.entries(NAMED))
    if (source.startsWith(prefix)) return (sources) => read(sources, source.slice(prefix.length))
  for (const [prefix, read] of Object.entries(PATHS)) {
    const rest = source.slice(prefix.length)
    if (!source.startsWith(prefix) || !/^$|^[.[]/.test(rest)) continue
    const follow = compileJsonPath(`$${rest}`)
    return (sources) => follow(read(sources))
  }
  throw new Error(
    `a parameter can not be mapped from "${source}"; expected route.request.body, route.request.header, ` +
      'context, stageVariables or text in single quotes',
  )
}

function byName<T>(values: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  const wanted = name.toLowerCase()
  return Object.entries(values ?? {}).find(([key]) => key.toLowerCase() === wanted)?.[1]
}

function parameterOf(value: unknown): Parameter {
  if (value === undefined || value === null) return undefined
  return Array.isArray(value) ? value.map(textOf) : textOf(value)
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
