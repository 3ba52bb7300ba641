import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { type Clock, withinTime } from '../../../clock.ts'
import { type HostTable, portOf } from '../../../hosts.ts'
import { BAD_GATEWAY, IntegrationError, TIMED_OUT } from './integration.ts'

export interface HttpCall {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Buffer
  readonly timeoutMs: number
}

export interface HttpAnswer {
  readonly statusCode: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly body: Buffer
}

/** Calls backends over HTTP, with lines kept open. Hosts that are emulated here are called here. */
export class HttpClient {
  readonly #clock: Clock
  readonly #hosts: () => HostTable
  readonly #http = new HttpAgent({ keepAlive: true })
  readonly #https = new HttpsAgent({ keepAlive: true })

  constructor(clock: Clock, hosts: () => HostTable = () => ({})) {
    this.#clock = clock
    this.#hosts = hosts
  }

  /** @throws IntegrationError when nobody answers, or not in time; redirects are answers like any other */
  async send(call: HttpCall): Promise<HttpAnswer> {
    const aborted = new AbortController()
    try {
      const answer = await withinTime(this.#clock, call.timeoutMs, this.#request(call, aborted.signal))
      if (answer !== 'timed-out') return answer
    } catch (cause) {
      throw new IntegrationError(`${call.url.host} can not be reached: ${String(cause)}`, BAD_GATEWAY, {
        cause,
      })
    }
    aborted.abort()
    throw new IntegrationError(`${call.url.host} did not answer within ${call.timeoutMs} ms`, TIMED_OUT)
  }

  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  #request({ url, method, headers, body }: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
    const port = portOf(this.#hosts(), url.hostname)
    const isSecure = url.protocol === 'https:' && port === undefined
    const hasBody = method !== 'GET' && method !== 'HEAD'
    const options = {
      method,
      signal,
      agent: isSecure ? this.#https : this.#http,
      host: port === undefined ? url.hostname : '127.0.0.1',
      port: port ?? url.port,
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, host: url.host, ...(hasBody ? { 'content-length': body.length } : {}) },
    }
    return new Promise((resolve, reject) => {
      const sent = (isSecure ? httpsRequest : httpRequest)(options, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            statusCode: response.statusCode ?? 502,
            headers: listed(response.headersDistinct),
            body: Buffer.concat(chunks),
          }),
        )
      })
      sent.on('error', reject)
      sent.end(hasBody ? body : undefined)
    })
  }
}

const listed = (headers: NodeJS.Dict<string[]>): Record<string, readonly string[]> =>
  Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values ?? []]))
