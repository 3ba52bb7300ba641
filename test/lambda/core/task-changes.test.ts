import { beforeEach, describe, expect, it } from 'vitest'
import { type ParsedChange, eventOf, publishChanges } from '../../../lambda/core/task-changes.ts'
import { TASKS, taskChannel } from '../../../protocol/channel.ts'
import { taskId } from '../../../protocol/ids.ts'
import { MAX_FRAME_BYTES } from '../../../protocol/limits.ts'
import type { Task, TaskEvent } from '../../../protocol/messages.ts'
import { ALICE, BOB, START, aTask, fakePorts, open } from '../../support/fakes.ts'

const AT = '2026-11-23T09:00:00.000Z'
const ONE = taskId('t-1')
const TWO = taskId('t-2')

let sequence = 0
const change = (before: Task | undefined, after: Task | undefined): ParsedChange => ({
  ok: true,
  change: { sequenceNumber: String(++sequence), at: AT, before, after },
})
const poison = (sequenceNumber: string): ParsedChange => ({ ok: false, sequenceNumber, reason: 'no title' })

const created = (id: typeof ONE) => change(undefined, aTask({ id }))
const ticked = (id: typeof ONE) => change(aTask({ id }), aTask({ id, done: true, version: 2 }))

describe('publishChanges', () => {
  let ports: ReturnType<typeof fakePorts>
  beforeEach(async () => {
    ports = fakePorts()
    await open(ports.store, ALICE, TASKS)
    await open(ports.store, BOB, taskChannel(ONE), taskChannel(TWO))
  })

  const framesOf = (id: typeof ALICE) =>
    ports.sender.sentTo(id) as { channel: string; offset: number; events: TaskEvent[] }[]
  const summary = (id: typeof ALICE) =>
    framesOf(id).map(({ channel, offset, events }) => [channel, offset, events.map((e) => [e.type, e.id])])

  it('sends a batch as one frame on tasks and as one on the channel of each task', async () => {
    expect(await publishChanges([created(ONE), created(TWO), ticked(ONE)], ports)).toBeUndefined()
    expect(summary(ALICE)).toEqual([
      [
        'tasks',
        START,
        [
          ['task.created', ONE],
          ['task.created', TWO],
          ['task.updated', ONE],
        ],
      ],
    ])
    expect(summary(BOB)).toEqual([
      [
        'tasks/t-1',
        2,
        [
          ['task.created', ONE],
          ['task.updated', ONE],
        ],
      ],
      ['tasks/t-2', 1, [['task.created', TWO]]],
    ])
  })

  it('keeps a log of tasks, and none of a single task', async () => {
    await publishChanges([created(ONE), created(TWO)], ports)
    expect(ports.log.entries.map(({ channel }) => channel)).toEqual([TASKS])
  })

  it('splits a batch at 32 KB, everything once and in order', async () => {
    const ids = Array.from({ length: 100 }, (_, i) => taskId(`t-${i + 1}`))
    const title = '😀'.repeat(100)
    await publishChanges(
      ids.map((id) => change(undefined, aTask({ id, title }))),
      ports,
    )
    const sizes = ports.sender.frames.map(({ frame }) => Buffer.byteLength(frame))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_FRAME_BYTES)
    expect(framesOf(ALICE).map(({ offset }) => offset)).toEqual([START, START + 1])
    expect(framesOf(ALICE).flatMap(({ events }) => events.map(({ id }) => id))).toEqual(ids)
  })

  it('throws when the first record is poison, and publishes nothing', async () => {
    await expect(publishChanges([poison('7'), created(ONE)], ports)).rejects.toThrow(
      'stream record 7 is not a change of a task: no title',
    )
    expect(ports.sender.frames).toEqual([])
    expect(ports.log.entries).toEqual([])
  })

  it('publishes what comes before the poison, and returns its sequence number', async () => {
    expect(await publishChanges([created(ONE), poison('8'), created(TWO), poison('9')], ports)).toBe('8')
    expect(summary(ALICE)).toEqual([['tasks', START, [['task.created', ONE]]]])
    expect(summary(BOB)).toEqual([['tasks/t-1', 1, [['task.created', ONE]]]])
    expect(ports.reports).toContainEqual({
      level: 'error',
      message: 'a stream record is not a change of a task',
      details: { reason: 'no title', sequenceNumber: '8' },
    })
  })

  it('forgets the stale viewer and keeps the other', async () => {
    ports.sender.answer = (id) => (id === ALICE ? 'gone' : 'sent')
    await publishChanges([created(ONE)], ports)
    expect(ports.store.traceOf(ALICE)).toEqual([])
    expect(ports.store.traceOf(BOB)).toEqual(['connection', 'tasks/t-1', 'tasks/t-2'])
    expect(framesOf(BOB)).toHaveLength(1)
  })

  it('makes no entry and no frame of a batch in which nothing changes', async () => {
    expect(await publishChanges([change(aTask(), aTask())], ports)).toBeUndefined()
    expect(await publishChanges([], ports)).toBeUndefined()
    expect(ports.log.entries).toEqual([])
    expect(ports.sender.frames).toEqual([])
  })
})

describe('eventOf', () => {
  const of = (before: Task | undefined, after: Task | undefined) =>
    eventOf({ sequenceNumber: '1', at: AT, before, after })
  const data = { title: 'Ship it', done: false, createdAt: AT }

  it('tells of a new task', () => {
    expect(of(undefined, aTask())).toEqual([{ type: 'task.created', id: 't-7', version: 1, at: AT, data }])
  })

  it('tells of a change with the state after it', () => {
    const updatedAt = '2026-11-23T09:05:00.000Z'
    const after = aTask({ done: true, version: 2, updatedAt })
    expect(of(aTask(), after)).toEqual([
      { type: 'task.updated', id: 't-7', version: 2, at: updatedAt, data: { ...data, done: true } },
    ])
  })

  it('tells of a delete with the version after the last', () => {
    expect(of(aTask({ version: 4 }), undefined)).toEqual([
      { type: 'task.deleted', id: 't-7', version: 5, at: AT },
    ])
  })

  it('tells of a higher version even with the same content, so that no version is missed', () => {
    expect(of(aTask(), aTask({ version: 2 }))).toMatchObject([{ type: 'task.updated', version: 2 }])
  })

  it.each([
    ['a rewrite of the same', aTask(), aTask()],
    ['a touch of the time alone', aTask(), aTask({ updatedAt: '2026-11-23T10:00:00.000Z' })],
    ['nothing before and nothing after', undefined, undefined],
  ])('tells nothing of %s', (_, before, after) => {
    expect(of(before, after)).toEqual([])
  })
})
