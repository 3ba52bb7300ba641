import { describe, expect, it } from 'vitest'
import { Payload } from '../../../../local/api-gateway/payload.ts'
import { RequestModels } from '../../../../local/api-gateway/websocket/request-models.ts'

const send = {
  $schema: 'http://json-schema.org/draft-04/schema#',
  type: 'object',
  required: ['text'],
  properties: { text: { type: 'string' }, count: { type: 'number', minimum: 0, exclusiveMinimum: true } },
}

const problem = (expression: string, schemas: Record<string, unknown>, body: string) =>
  new RequestModels({ expression, schemas }).problemOf(new Payload(body))

describe('request models', () => {
  it('let a message pass that fits the model of its key', () => {
    expect(problem('$request.body.action', { send }, '{"action":"send","text":"a"}')).toBeUndefined()
  })

  it('take a schema as text', () => {
    const schemas = { send: JSON.stringify(send) }
    expect(problem('send', schemas, '{"text":"a"}')).toBeUndefined()
    expect(problem('send', schemas, '{}')).toBe("[the message must have required property 'text']")
  })

  it('know draft 4: exclusiveMinimum is a boolean', () => {
    expect(problem('send', { send }, '{"text":"a","count":0}')).toBe('[/count must be > 0]')
  })

  it('say everything that is wrong', () => {
    expect(problem('send', { send }, '{"text":1,"count":-1}')).toBe(
      '[/text must be string, /count must be > 0]',
    )
  })

  it('fall back to $default', () => {
    expect(problem('$request.body.action', { $default: send }, '{"text":1}')).toBe('[/text must be string]')
  })

  it('refuse a message without a model of its key, where there is no $default', () => {
    expect(problem('$request.body.action', { send }, '{"action":"other"}')).toBe(
      'no model has the key "other", and there is no $default',
    )
  })

  it('refuse a message that is no JSON', () => {
    expect(problem('send', { send }, 'plain text')).toBe('the message is no JSON')
  })

  it.each([[{ type: 'nothing' }], [undefined], ['{']])(
    'that can not be read name their key: %j',
    (schema) => {
      expect(() => new RequestModels({ expression: 'send', schemas: { send: schema } })).toThrow(
        'the model "send" can not be read',
      )
    },
  )
})
