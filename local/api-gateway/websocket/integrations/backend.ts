import type { Parameter } from '../parameter-mapping.ts'
import type { IntegrationRequest } from './integration.ts'

/** What goes to a backend. */
export interface BackendRequest {
  readonly body: Buffer
  /** Whether the integration has request templates at all. */
  readonly isTemplated: boolean
  readonly headers: Readonly<Record<string, Parameter>>
  readonly query: Readonly<Record<string, Parameter>>
  readonly path: Readonly<Record<string, Parameter>>
}

/** What comes back. */
export interface BackendAnswer {
  readonly statusCode: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly body: Buffer
  /** Integration responses of functions are chosen by their error, all others by status. */
  readonly isFunction?: boolean
  /** `errorMessage` of a function that failed. */
  readonly error?: string
}

/** What stands behind a non-proxy integration. */
export interface Backend {
  /** @throws IntegrationError when there is no answer */
  call(request: BackendRequest, of: IntegrationRequest): Promise<BackendAnswer>
}

/** The first of several values. */
export const firstOf = (value: Parameter): string | undefined =>
  typeof value === 'string' ? value : value?.[0]
