import { Agent, request } from 'node:http'

/** An error as DynamoDB words it. Branch on `code`; engines differ in their messages. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  /** `ResourceNotFoundException` */
  readonly code: string
  /** The message without the code. */
  readonly detail: string
  /** Of the HTTP answer. */
  readonly status: number
  constructor(code: string, message: string, status = 400) {
    super(`${code}: ${message}`)
    this.code = code
    this.detail = message
    this.status = status
  }
}

const STREAM_OPERATIONS = new Set(['ListStreams', 'DescribeStream', 'GetShardIterator', 'GetRecords'])
const TARGETS = { table: 'DynamoDB_20120810', stream: 'DynamoDBStreams_20120810' }
/** The engine looks for the header only; who may call what is checked in front of it. */
export const AUTHORIZATION =
  'AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0'

function messageOf(answer: Readonly<Record<string, unknown>>): string {
  const message = answer['message'] ?? answer['Message']
  return typeof message === 'string' ? message : ''
}

/** Raw JSON calls: values stay as they are on the wire, binary ones in base64 as Lambda has them. */
export class EngineClient {
  readonly #endpoint: URL
  readonly #agent = new Agent({ keepAlive: true })

  constructor(endpoint: string) {
    this.#endpoint = new URL(endpoint)
  }

  /**
   * @param operation `CreateTable`, `GetRecords`, …
   * @throws EngineError for a refusal; a plain error when the engine does not answer
   */
  async call(operation: string, input: unknown): Promise<Record<string, unknown>> {
    const service = STREAM_OPERATIONS.has(operation) ? TARGETS.stream : TARGETS.table
    const body = JSON.stringify(input)
    const { status, text } = await this.#post(`${service}.${operation}`, body)
    const answer = JSON.parse(text || '{}') as Record<string, unknown>
    if (status === 200) return answer
    const type = typeof answer['__type'] === 'string' ? answer['__type'] : `HTTP ${status}`
    throw new EngineError(type.split('#').at(-1) ?? type, messageOf(answer), status)
  }

  close(): void {
    this.#agent.destroy()
  }

  #post(target: string, body: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const post = request(
        this.#endpoint,
        {
          method: 'POST',
          agent: this.#agent,
          headers: {
            'content-type': 'application/x-amz-json-1.0',
            'content-length': Buffer.byteLength(body),
            'x-amz-target': target,
            'x-amz-date': '20260101T000000Z',
            authorization: AUTHORIZATION,
          },
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
          )
        },
      )
      post.on('error', reject)
      post.end(body)
    })
  }
}
