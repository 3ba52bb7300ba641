import type { Message } from '../cloudformation/assembly.ts'
import type { Deployment } from '../cloudformation/deployment.ts'
import { httpApis } from './http/definition.ts'
import type { HttpApiDefinition } from './http/definition.ts'
import { webSocketApis } from './websocket/definition.ts'
import type { WebSocketApiDefinition } from './websocket/definition.ts'

const API = 'AWS::ApiGatewayV2::Api'

/**
 * Every API of the deployment that can run, in the order of the template. One that asks for what is not emulated, or whose
 * `$connect` route could not be had, does not run, because it would behave otherwise or be open to all; a message says so.
 * @throws when none is left of those there are, with the reasons
 */
export function apiDefinitions({ resources, environment, unresolved }: Deployment): {
  definitions: (WebSocketApiDefinition | HttpApiDefinition)[]
  messages: Message[]
} {
  const apis = resources.filter(({ type }) => type === API)
  const messages: Message[] = []
  const definitions = apis.flatMap((api) => {
    try {
      const door = unresolved.find(
        ({ properties: { ApiId, RouteKey } }) => ApiId === api.physicalId && RouteKey === '$connect',
      )
      if (door) throw new Error(`${api.path}: its $connect route is skipped, so everybody would be let in`)
      // Definitions look for the parts of an API by its id: the other APIs are in nobody's way.
      const own = resources.filter((resource) => resource.type !== API || resource === api)
      return [...webSocketApis(own, environment), ...httpApis(own, environment)]
    } catch (error) {
      messages.push({ level: 'warning', path: api.path, text: `skipped: ${(error as Error).message}` })
      return []
    }
  })
  if (definitions.length === 0 && messages.length > 0)
    throw new Error(`no API is left to run:\n${messages.map(({ text }) => text).join('\n')}`)
  return { definitions, messages }
}
