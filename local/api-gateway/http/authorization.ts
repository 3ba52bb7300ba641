import type { HttpRoute } from './definition.ts'
import type { RoutedRequest } from './event.ts'
import { gatewayResponse, type HttpResponse } from './response.ts'

/** What an authorizer found out about the caller, in the form that events of payload format 2.0 have it. */
export type AuthorizerContext =
  | {
      readonly jwt: {
        readonly claims: Readonly<Record<string, string>>
        /** Null for a route that asks for none. */
        readonly scopes: readonly string[] | null
      }
    }
  | {
      readonly lambda: Readonly<Record<string, unknown>>
      /** In events of payload format 1.0 and as `$context.authorizer.principalId` only. */
      readonly principalId?: string
    }
  | { readonly iam: IamIdentity }

/** Who signed a request to a route with `AWS_IAM`. */
export interface IamIdentity {
  readonly accessKey: string
  readonly accountId: string
  /** `AROA…:session` */
  readonly callerId: string
  readonly cognitoIdentity: null
  readonly principalOrgId: string | null
  readonly userArn: string
  readonly userId: string
}

/** Let through, with what is known of the caller, or answered in the place of the integration. */
export type Authorization = { readonly authorizer?: AuthorizerContext } | { readonly refusal: HttpResponse }

/** The step before the integration, of whatever kind. */
export interface Authorizer {
  /** Never rejects: what goes wrong within is an answer too. */
  authorize(routed: RoutedRequest, route: HttpRoute): Promise<Authorization>
}

export const unauthorized = (headers?: Readonly<Record<string, string>>) =>
  refuse(401, 'Unauthorized', headers)
export const forbidden = (headers?: Readonly<Record<string, string>>) => refuse(403, 'Forbidden', headers)
export const failed = () => refuse(500, 'Internal Server Error')

function refuse(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Authorization {
  const response = gatewayResponse(status, message)
  return { refusal: { ...response, headers: { ...response.headers, ...headers } } }
}
