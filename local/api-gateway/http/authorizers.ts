import { type Authorization, type Authorizer, forbidden } from './authorization.ts'
import type { HttpRoute, RouteAuthorization } from './definition.ts'
import type { RoutedRequest } from './event.ts'
import { JwtAuthorizer } from './jwt-authorizer.ts'
import { LambdaAuthorizer, type LambdaAuthorizerDependencies } from './lambda-authorizer.ts'

export interface AuthorizerDependencies extends LambdaAuthorizerDependencies {
  /** Checks signatures and policies for routes with `AWS_IAM`; without it nobody passes them. */
  readonly iam?: Authorizer
}

/** Lets everybody through. */
export const OPEN: Authorizer = { authorize: () => Promise.resolve({}) }
const CLOSED: Authorizer = { authorize: () => Promise.resolve(forbidden()) }

/** The authorizers of an API's routes, each made once, so that routes share what it keeps. */
export class Authorizers implements Authorizer {
  readonly #deps: AuthorizerDependencies
  readonly #made = new Map<RouteAuthorization, Authorizer>()

  constructor(deps: AuthorizerDependencies) {
    this.#deps = deps
  }

  authorize(routed: RoutedRequest, route: HttpRoute): Promise<Authorization> {
    let authorizer = this.#made.get(route.authorization)
    if (!authorizer) this.#made.set(route.authorization, (authorizer = this.#make(route.authorization)))
    return authorizer.authorize(routed, route)
  }

  #make(authorization: RouteAuthorization): Authorizer {
    switch (authorization.type) {
      case 'none':
        return OPEN
      case 'iam':
        return this.#deps.iam ?? CLOSED
      case 'jwt':
        return new JwtAuthorizer(authorization, this.#deps)
      case 'lambda':
        return new LambdaAuthorizer(authorization, this.#deps)
    }
  }
}
