import { describe, expect, it } from 'vitest'
import type { ChannelEvent } from '../../protocol/messages.ts'
import { Follower } from './follower.ts'
import type { Entry } from './ledger.ts'
import type { Told } from './report.ts'

const NOW = Date.UTC(2026, 10, 23, 9)
const IN_AN_HOUR = NOW / 1000 + 3600

const said = (id: string, data = id) =>
  ({ type: 'chat.message', id, from: 'guest', at: '2026-11-23T09:00:00.000Z', data }) as ChannelEvent

/** A log whose entries hold messages by their ids: `{ 41: 'a b', 42: 'c' }`. */
const logOf = (entries: Readonly<Record<number, string>>, expiresAt = IN_AN_HOUR) =>
  new Map(
    Object.entries(entries).map(([offset, ids]): [number, Entry] => [
      Number(offset),
      { events: ids === '' ? [] : ids.split(' ').map((id) => said(id)), expiresAt },
    ]),
  )

const subscribed = (offset: number): Told => ({ type: 'subscribed', offset })
const event = (offset: number, id: string, data = id): Told => ({
  type: 'event',
  offset,
  event: said(id, data),
})
const reset = (offset: number): Told => ({ type: 'reset', offset })

function verdict(log: ReadonlyMap<number, Entry>, told: readonly Told[]): string[] {
  const follower = new Follower('v1')
  return [...follower.hear(told, log, NOW), ...follower.missing(log)]
}

describe('a follower', () => {
  const log = logOf({ 41: 'a', 42: 'b c', 43: 'd' })

  it('is content with everything after its beginning, in order', () => {
    const told = [subscribed(41), event(42, 'b'), event(42, 'c'), event(43, 'd')]
    expect(verdict(log, told)).toEqual([])
  })

  it('does not expect a repetition, nor an entry without events', () => {
    const repeated = logOf({ 41: 'a', 42: 'b', 43: 'b', 44: '', 45: 'a c' })
    expect(verdict(repeated, [subscribed(40), event(41, 'a'), event(42, 'b'), event(45, 'c')])).toEqual([])
  })

  it.each<[string, Told[], string]>([
    ['the end', [subscribed(41), event(42, 'b'), event(42, 'c')], 'v1: d at 43 was never told'],
    [
      'a part of an entry',
      [subscribed(41), event(42, 'b'), event(43, 'd')],
      'v1: was told d at 43; c at 42 comes next',
    ],
    [
      'a whole entry',
      [subscribed(40), event(42, 'b'), event(42, 'c'), event(43, 'd')],
      'v1: was told b at 42; a at 41 comes next',
    ],
  ])('misses %s', (_, told, complaint) => {
    expect(verdict(log, told)).toContain(complaint)
  })

  it.each<[string, Told[], string]>([
    ['an event twice', [subscribed(42), event(43, 'd'), event(43, 'd')], 'v1: was told d at 43 twice'],
    [
      'an earlier event',
      [subscribed(41), event(42, 'c'), event(42, 'b'), event(43, 'd')],
      'v1: was told c at 42; b at 42 comes next',
    ],
    [
      'what was before its beginning',
      [subscribed(42), event(41, 'a'), event(43, 'd')],
      'v1: was told a at 41; d at 43 comes next',
    ],
    [
      'an event before its beginning',
      [event(43, 'd'), subscribed(43)],
      'v1: was told d at 43 before it was subscribed',
    ],
    [
      'an event that is in no log',
      [subscribed(43), event(44, 'e')],
      'v1: was told e at 44, where the log has nothing',
    ],
    [
      'an event with other content',
      [subscribed(42), event(43, 'd', 'other')],
      'v1: was told {"type":"chat.message","id":"d","from":"guest","at":"2026-11-23T09:00:00.000Z","data":"other"} at 43; the log has {"type":"chat.message","id":"d","from":"guest","at":"2026-11-23T09:00:00.000Z","data":"d"}',
    ],
    ['a second beginning', [subscribed(43), subscribed(43)], 'v1: was subscribed again, at 43'],
  ])('complains of %s', (_, told, complaint) => {
    expect(verdict(log, told)).toContain(complaint)
  })

  describe('that is told to start afresh', () => {
    it('complains where nothing is missing', () => {
      expect(verdict(log, [subscribed(41), reset(43)])).toEqual([
        'v1: was told to start afresh at 43 although 42 and everything after it is there',
      ])
      expect(verdict(log, [subscribed(43), reset(43)])).toHaveLength(1)
    })

    it('complains where it is sent back', () => {
      expect(verdict(log, [subscribed(43), reset(41)])).toContain(
        'v1: was told to start afresh at 41, behind 43',
      )
    })

    it('goes on from there where an entry is gone, or over', () => {
      expect(verdict(logOf({ 41: 'a', 43: 'd' }), [subscribed(41), reset(43)])).toEqual([])
      expect(verdict(logOf({ 42: 'b', 43: 'd' }, NOW / 1000), [subscribed(41), reset(43)])).toEqual([])
    })

    it('goes on from there where more was missed than an answer holds', () => {
      const many = logOf(Object.fromEntries(Array.from({ length: 1002 }, (_, i) => [i, `m${i}`])))
      expect(verdict(many, [subscribed(0), reset(1001)])).toEqual([])
      const long = new Map(
        Array.from({ length: 40 }, (_, i): [number, Entry] => [
          i,
          { events: [said(`m${i}`, 'x'.repeat(30_000))], expiresAt: IN_AN_HOUR },
        ]),
      )
      expect(verdict(long, [subscribed(0), reset(39)])).toEqual([])
    })

    it('has to be, where there is a gap', () => {
      const gap = new Map([...log, [44, { events: [], isGap: true, expiresAt: IN_AN_HOUR }]])
      expect(verdict(gap, [subscribed(43)])).toEqual(["v1: 44 can't be had, and no reset was told"])
      expect(verdict(gap, [subscribed(42), reset(44)])).toEqual([])
    })

    it('has to be, where an entry is gone', () => {
      expect(verdict(logOf({ 41: 'a', 43: 'd' }), [subscribed(41)])).toEqual([
        "v1: 42 can't be had, and no reset was told",
      ])
    })
  })
})
