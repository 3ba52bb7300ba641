import { describe, expect, it } from 'vitest'
import { apiDefinitions } from '../../../local/api-gateway/definitions.ts'
import { resolved } from '../cloudformation/fixture.ts'

const api = (protocol: string) => ({
  Type: 'AWS::ApiGatewayV2::Api',
  Properties: { Name: 'x', ProtocolType: protocol, RouteSelectionExpression: '$request.body.action' },
})
const connect = (properties: object) => ({
  Type: 'AWS::ApiGatewayV2::Route',
  Properties: { ApiId: { Ref: 'Chat' }, RouteKey: '$connect', ...properties },
})
const guarded = connect({ AuthorizationType: 'JWT' }) // a type that WebSocket APIs do not have

const defined = (resources: object) => {
  const { definitions, messages } = apiDefinitions(resolved({ S: { Resources: resources } }))
  return { ids: definitions.map(({ logicalId }) => logicalId), texts: messages.map(({ text }) => text) }
}

describe('the APIs that run', () => {
  it('are those of both kinds, in the order of the template', () => {
    const resources = { Web: api('HTTP'), Chat: api('WEBSOCKET'), Admin: api('WEBSOCKET') }
    expect(defined(resources)).toEqual({ ids: ['Web', 'Chat', 'Admin'], texts: [] })
  })

  it('are not those that can not be defined, which are named with the reason', () => {
    const { ids, texts } = defined({ Chat: api('WEBSOCKET'), Door: guarded, Web: api('HTTP') })
    expect(ids).toEqual(['Web'])
    expect(texts).toEqual([expect.stringMatching(/^skipped: S\/Door: .*JWT/)])
  })

  it('are not those whose $connect route could not be had: they would be open to all', () => {
    const { ids, texts } = defined({
      Web: api('HTTP'),
      Chat: api('WEBSOCKET'),
      Door: connect({ Target: { Ref: 'Nobody' } }),
    })
    expect(ids).toEqual(['Web'])
    expect(texts).toEqual(['skipped: S/Chat: its $connect route is skipped, so everybody would be let in'])
  })

  it('must be at least one where there are any', () => {
    expect(() => defined({ Chat: api('WEBSOCKET'), Door: guarded })).toThrow(
      /^no API is left to run:\nskipped: S\/Door/,
    )
    expect(defined({})).toEqual({ ids: [], texts: [] })
  })
})
