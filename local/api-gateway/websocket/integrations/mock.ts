import { parseJson } from '../../payload.ts'
import type { Backend, BackendAnswer, BackendRequest } from './backend.ts'
import { IntegrationError } from './integration.ts'

/**
 * No backend: the rendered request is a JSON object whose `statusCode` is the answer, with an empty body, so that
 * `$input` of a response template is empty. Without request templates the status is 200.
 */
export class MockBackend implements Backend {
  call({ body, isTemplated }: BackendRequest): Promise<BackendAnswer> {
    const rendered = isTemplated ? parseJson(body.toString()) : { statusCode: 200 }
    const statusCode = Number((rendered as { statusCode?: unknown } | null | undefined)?.statusCode)
    if (!Number.isInteger(statusCode))
      throw new IntegrationError(
        `a MOCK integration's request template gives ${JSON.stringify(body.toString().slice(0, 100))}; ` +
          'expected JSON with a whole statusCode, such as {"statusCode":200}',
      )
    return Promise.resolve({ statusCode, headers: {}, body: Buffer.alloc(0) })
  }
}
