import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { PROBLEMS } from '../../lambda/core/problem.ts'
import { MAX_CHANNELS_PER_CONNECTION, MAX_CHANNEL_LENGTH } from '../../protocol/channel.ts'
import { ERRORS, RETRIED } from '../../protocol/errors.ts'
import {
  CONNECTION_LIFETIME_MS,
  MAX_FRAME_BYTES,
  MAX_ID_LENGTH,
  MAX_TITLE_LENGTH,
} from '../../protocol/limits.ts'
import type { Action, ChannelEvent, ServerMessage } from '../../protocol/messages.ts'
import { parseClientMessage } from '../../protocol/parse.ts'

const text = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')

/** Keyed by the types of the code: one more there does not compile here. */
const ACTIONS: Record<Action['action'], true> = {
  subscribe: true,
  unsubscribe: true,
  publish: true,
  ping: true,
}
const FRAMES: Record<ServerMessage['type'], true> = {
  welcome: true,
  events: true,
  subscribed: true,
  reset: true,
  unsubscribed: true,
  published: true,
  pong: true,
  error: true,
}
const EVENTS: Record<ChannelEvent['type'], true> = {
  'task.created': true,
  'task.updated': true,
  'task.deleted': true,
  'chat.message': true,
}

/** The rows of the table whose first heads are these, without backticks. */
function table(...heads: string[]): string[][] {
  const cells = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', ''))
  const lines = text.split('\n')
  const start = lines.findIndex(
    (line) => line.startsWith('|') && heads.every((head, i) => cells(line)[i] === head),
  )
  expect(start, `a table with the heads ${heads.join(', ')}`).toBeGreaterThan(0)
  const rest = lines.slice(start + 2)
  return rest
    .slice(
      0,
      Math.max(
        0,
        [...rest, ''].findIndex((line) => !line.startsWith('|')),
      ),
    )
    .map(cells)
}

const headings = [...text.matchAll(/^### `(.+)`$/gm)].map(([, name]) => name)
const objects = [...text.matchAll(/`(\{"(?:action|type)":[^`]*\})`/g)].map(
  ([, json]) => JSON.parse(json ?? '') as { action?: string; type?: string },
)

describe('docs/protocol.md', () => {
  it('lists every error code with its meaning, and no other', () => {
    const expected = Object.entries(ERRORS).map(([code, meaning]) => [
      code,
      meaning,
      RETRIED.has(code) ? 'yes' : 'no',
    ])
    expect(table('code', 'meaning')).toEqual(expected)
  })

  it('lists every problem with its status and title, and no other', () => {
    const expected = Object.entries(PROBLEMS).map(([code, { status, title }]) => [
      code,
      String(status),
      title,
    ])
    expect(table('code', 'status')).toEqual(expected)
  })

  it('has a section for every action and every frame, and no other', () => {
    expect(headings).toEqual([...Object.keys(ACTIONS), ...Object.keys(FRAMES)])
  })

  it('lists every event', () => {
    expect(table('event').map(([name]) => name)).toEqual(Object.keys(EVENTS))
  })

  it.each(Object.keys(ACTIONS))('shows an example of %s that the parser accepts', (action) => {
    const examples = objects.filter((object) => object.action === action)
    expect(examples).not.toEqual([])
    for (const example of examples)
      expect(parseClientMessage(JSON.stringify(example))).toMatchObject({ ok: true, message: example })
  })

  it.each(Object.keys(FRAMES))('shows an example of %s', (type) => {
    expect(objects.filter((object) => object.type === type)).not.toEqual([])
  })

  it('names the close codes 1000, 1001, 1003 and 1009', () => {
    expect(table('code', 'when').map(([code]) => code)).toEqual(['1000', '1001', '1003', '1009'])
  })

  it('gives the limits of the code', () => {
    expect(table('limit', 'value').map(([, value]) => Number(value))).toEqual([
      MAX_FRAME_BYTES,
      MAX_CHANNEL_LENGTH,
      MAX_CHANNELS_PER_CONNECTION,
      MAX_ID_LENGTH,
      MAX_TITLE_LENGTH,
      CONNECTION_LIFETIME_MS,
    ])
  })
})
