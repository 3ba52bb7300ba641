import { describe, expect, it } from 'vitest'
import type { TaskEvent } from '../../protocol/messages.ts'
import { Ledger } from './ledger.ts'
import type { Told } from './report.ts'
import { Verdict } from './verdict.ts'

const TASK = 't-7'

/** What is said of a subscription to a task that stands at `last`. */
function verdict(last: number, told: readonly Told[]): string[] {
  const ledger = new Ledger(undefined as never, undefined as never) // nothing is read: the commits are given
  for (let version = 1; version <= last; version++)
    ledger.commits.push({ id: TASK, version, isDelete: false })
  const events = ledger.commits.map(({ version }) => updated(version))
  ledger.log.set('tasks', new Map(events.map((event, i) => [i, { events: [event], expiresAt: 0 }])))
  const follows = [{ key: 'v1', channel: `tasks/${TASK}`, isOpen: true, told }]
  const report = { follows, publications: [], losses: {}, sockets: {}, subscriptions: 0, largestFrame: 0 }
  return new Verdict(ledger, { retentionMs: 0, skewMs: 0 }).of(report, [], 0)
}

const updated = (version: number) =>
  ({
    type: 'task.updated',
    id: TASK,
    version,
    at: '',
    data: { title: 'Ship it', done: false, createdAt: '' },
  }) as TaskEvent
const subscribed = (offset: number): Told => ({ type: 'subscribed', offset })
const event = (version: number): Told => ({ type: 'event', offset: version, event: updated(version) })

describe("the verdict on a task's own channel", () => {
  it('is content with versions that grow, some of them left out, up to the last', () => {
    expect(verdict(4, [subscribed(1), event(2), event(4)])).toEqual([])
  })

  it('is content with a frame before the answer, and what the answer counts on after it', () => {
    expect(verdict(3, [event(2), subscribed(3), event(3)])).toEqual([])
  })

  it('complains of a version that is not newer', () => {
    expect(verdict(3, [subscribed(3), event(3)])).toEqual(['v1: was told version 3 after 3'])
    expect(verdict(3, [subscribed(1), event(3), event(2), event(3)])).toContain(
      'v1: was told version 2 after 3',
    )
  })

  it('complains where the last version is not told', () => {
    const complaint = 'v1: stands at version 2; the task is at 3'
    expect(verdict(3, [subscribed(2)])).toEqual([complaint])
    expect(verdict(3, [event(2), subscribed(3)])).toEqual([complaint])
  })
})
