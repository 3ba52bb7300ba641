import { describe, expect, it } from 'vitest'
import { MAX_CHANNEL_LENGTH } from '../../protocol/channel.ts'
import { parseClientMessage } from '../../protocol/parse.ts'

describe('parseClientMessage', () => {
  it.each([
    ['hello', { action: 'text', text: 'hello' }],
    ['', { action: 'text', text: '' }],
    ['42', { action: 'text', text: '42' }],
    ['"quoted"', { action: 'text', text: '"quoted"' }],
    ['[typed by hand', { action: 'text', text: '[typed by hand' }],
    ['{"action":"ping"}', { action: 'ping' }],
    ['{"action":"ping","id":"1"}', { action: 'ping', id: '1' }],
    ['{"action":"subscribe","channel":"tasks"}', { action: 'subscribe', channel: 'tasks' }],
    [
      ' {"action":"subscribe","channel":"tasks/t-7","after":0,"id":"a"}',
      { action: 'subscribe', channel: 'tasks/t-7', after: 0, id: 'a' },
    ],
    ['{"action":"unsubscribe","channel":"chat/lobby"}', { action: 'unsubscribe', channel: 'chat/lobby' }],
    [
      '{"action":"publish","channel":"chat/lobby","data":"hi","messageId":"m"}',
      { action: 'publish', channel: 'chat/lobby', data: 'hi', messageId: 'm' },
    ],
  ])('reads %s', (body, message) => {
    expect(parseClientMessage(body)).toEqual({ ok: true, message })
  })

  it.each([
    ['{"action":', 'invalid_json', /can not be parsed/],
    ['[1,2]', 'invalid_json', /no object/],
    ['{}', 'unknown_action', /unknown action missing; expected subscribe, unsubscribe, publish or ping/],
    ['{"action":"subscibe"}', 'unknown_action', /"subscibe"/],
    ['{"action":"toString"}', 'unknown_action', /"toString"/],
    ['{"action":7}', 'unknown_action', /7/],
    ['{"action":"subscribe"}', 'invalid_channel', /channel is missing/],
    ['{"action":"subscribe","channel":7}', 'invalid_channel', /channel is a number/],
    ['{"action":"subscribe","channel":null}', 'invalid_channel', /channel is null/],
    ['{"action":"subscribe","channel":"nope"}', 'invalid_channel', /unknown channel "nope"/],
    ['{"action":"subscribe","channel":"chat/"}', 'invalid_channel', /unknown channel "chat\/"/],
    ['{"action":"subscribe","channel":"chat/a/b"}', 'invalid_channel', /unknown channel/],
    ['{"action":"subscribe","channel":"chat/é"}', 'invalid_channel', /unknown channel/],
    ['{"action":"subscribe","channel":"echo/x"}', 'invalid_channel', /unknown channel/],
    [
      `{"action":"subscribe","channel":"chat/${'x'.repeat(MAX_CHANNEL_LENGTH)}"}`,
      'invalid_channel',
      /channel has 105 characters; at most 100/,
    ],
    ['{"action":"subscribe","channel":"tasks","after":-1}', 'invalid_field', /after is -1/],
    ['{"action":"subscribe","channel":"tasks","after":"41"}', 'invalid_field', /after is "41"/],
    ['{"action":"subscribe","channel":"tasks","after":1.5}', 'invalid_field', /after is 1.5/],
    [
      '{"action":"subscribe","channel":"tasks","chanel":"x"}',
      'invalid_field',
      /unknown field "chanel" in subscribe/,
    ],
    ['{"action":"ping","id":7}', 'invalid_field', /id is 7/],
    ['{"action":"publish","channel":"chat/lobby"}', 'invalid_field', /data is missing/],
    ['{"action":"publish","channel":"chat/lobby","data":""}', 'invalid_field', /data is empty/],
    ['{"action":"publish","channel":"chat/lobby","data":{}}', 'invalid_field', /data is an object/],
    [`{"action":"ping","id":"${'x'.repeat(65)}"}`, 'invalid_field', /1 to 64 characters/],
    [undefined, 'binary_message', /binary/],
  ])('refuses %s as %s', (body, code, message) => {
    const parsed = parseClientMessage(body)
    expect(parsed).toMatchObject({ ok: false, error: { code } })
    expect(!parsed.ok && parsed.error.message).toMatch(message)
  })

  it('gives the id of an action back with the complaint', () => {
    expect(parseClientMessage('{"action":"nope","id":"7"}')).toMatchObject({ ok: false, id: '7' })
  })

  it('quotes no more than 40 characters of what came', () => {
    const parsed = parseClientMessage(JSON.stringify({ action: 'x'.repeat(1000) }))
    expect(!parsed.ok && parsed.error.message.length).toBeLessThan(150)
  })
})
