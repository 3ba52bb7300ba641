import { describe, expect, it } from 'vitest'
import { type Item, Sequence } from '../../client/sequence.ts'
import { taskId, userId } from '../../protocol/ids.ts'
import type { ChatEvent, TaskEvent } from '../../protocol/messages.ts'

const said = (id: string): ChatEvent => ({ type: 'chat.message', id, from: userId('bob'), at: '', data: id })
const at = (offset: number, ...ids: string[]) => ({ offset, events: ids.map(said) })
const told = (items: Item[]) =>
  items.map((item) => (item.type === 'event' ? `${item.event.id}@${item.offset}` : `reset@${item.offset}`))

describe('Sequence', () => {
  const dense = (after?: number) => new Sequence<ChatEvent>(true, after)

  it('hands on what comes in order, each event with its offset', () => {
    const sequence = dense(41)
    expect(told(sequence.take(at(42, 'a', 'b')))).toEqual(['a@42', 'b@42'])
    expect(told(sequence.take(at(43, 'c')))).toEqual(['c@43'])
    expect(sequence.have).toBe(43)
  })

  it('drops what comes again, and what comes late', () => {
    const sequence = dense(41)
    sequence.take(at(42, 'a'))
    expect(sequence.take(at(42, 'a'))).toEqual([])
    expect(sequence.take(at(40, 'z'))).toEqual([])
    expect(sequence.hasHole).toBe(false)
  })

  it('keeps what comes early until the hole before it is filled', () => {
    const sequence = dense(41)
    expect(sequence.take(at(44, 'c'))).toEqual([])
    expect(sequence.hasHole).toBe(true)
    expect(sequence.take(at(43, 'b'))).toEqual([])
    expect(told(sequence.take(at(42, 'a')))).toEqual(['a@42', 'b@43', 'c@44'])
    expect(sequence.hasHole).toBe(false)
  })

  it('takes apart a frame of several offsets of which it has the first', () => {
    const sequence = dense(41)
    sequence.take(at(42, 'a', 'b'))
    const frame = { offset: 44, sizes: [2, 0, 1], events: ['a', 'b', 'c'].map(said) }
    expect(told(sequence.take(frame))).toEqual(['c@44'])
    expect(sequence.have).toBe(44)
  })

  it('waits for the place from which it begins, and then leaves out what was before', () => {
    const sequence = dense()
    expect(sequence.take(at(42, 'b'))).toEqual([])
    expect(sequence.take(at(41, 'a'))).toEqual([])
    expect(told(sequence.reach(41))).toEqual(['b@42'])
  })

  it('has a hole when the server speaks of more than came', () => {
    const sequence = dense(41)
    expect(sequence.reach(43)).toEqual([])
    expect(sequence.hasHole).toBe(true)
    expect(told(sequence.take({ offset: 43, sizes: [1, 1], events: [said('a'), said('b')] }))).toEqual([
      'a@42',
      'b@43',
    ])
  })

  it('goes on after a reset from where that stands', () => {
    const sequence = dense(41)
    sequence.take(at(60, 'x'))
    expect(told(sequence.reset(57, 41) ?? [])).toEqual(['reset@57'])
    expect(told(sequence.take({ offset: 59, sizes: [1, 1], events: [said('v'), said('w')] }))).toEqual([
      'v@58',
      'w@59',
      'x@60',
    ])
  })

  it('tells an event once that the server had to publish again at a later offset', () => {
    const sequence = dense(41)
    sequence.take(at(42, 'a'))
    expect(told(sequence.take(at(43, 'a', 'b')))).toEqual(['b@43'])
  })

  it('asks again rather than keep more than a thousand frames after a hole', () => {
    const sequence = dense(0)
    for (let offset = 2; offset < 1_010; offset++) sequence.take(at(offset, `m${offset}`))
    expect(sequence.hasHole).toBe(true)
    expect(told(sequence.take(at(1, 'first')))).toEqual(['first@1'])
    expect(sequence.hasHole).toBe(true)
  })

  it('never goes back to an older version, though it comes in a newer frame for the first time', () => {
    const sequence = new Sequence<TaskEvent>(false, 15)
    const versions = [13, 14, 16].map((version): TaskEvent => {
      const data = { title: 'Ship it', done: false, createdAt: '' }
      return { type: 'task.updated', id: taskId('t-7'), version, at: '', data }
    })
    expect(sequence.take({ offset: 16, events: versions })).toEqual([
      { type: 'event', offset: 16, event: versions[2] },
    ])
  })

  it('takes the newest of a channel whose offsets are versions, with no hole between', () => {
    const sequence = new Sequence<ChatEvent>(false, 3)
    expect(told(sequence.take(at(7, 'v7')))).toEqual(['v7@7'])
    expect(sequence.take(at(5, 'v5'))).toEqual([])
    expect(sequence.hasHole).toBe(false)
    sequence.reach(9)
    expect(sequence.hasHole).toBe(true)
    expect(told(sequence.take(at(9, 'v9')))).toEqual(['v9@9'])
    expect(sequence.hasHole).toBe(false)
  })

  it('is not moved back by a reset that comes after what it speaks of', () => {
    const sequence = dense(41)
    sequence.take({ offset: 60, sizes: Array.from({ length: 19 }, () => 0), events: [] })
    expect(sequence.reset(57, 41)).toBeUndefined()
    expect(sequence.have).toBe(60)
    expect(told(sequence.take(at(61, 'a')))).toEqual(['a@61'])
  })

  it('goes back with a log that has begun anew, and waits for nothing of the old one', () => {
    const sequence = dense(900)
    sequence.take(at(905, 'old'))
    expect(told(sequence.reset(57, 900) ?? [])).toEqual(['reset@57'])
    expect(sequence.hasHole).toBe(false)
    expect(told(sequence.take(at(58, 'new')))).toEqual(['new@58'])
  })

  it('tells once that a task is deleted, whatever version the server gives that', () => {
    const sequence = new Sequence<TaskEvent>(false, 3)
    const gone = (version: number): TaskEvent => ({
      type: 'task.deleted',
      id: taskId('t-7'),
      version,
      at: '',
    })
    expect(sequence.take({ offset: 4, events: [gone(4)] })).toHaveLength(1)
    expect(sequence.take({ offset: 5, events: [gone(5)] })).toEqual([])
    expect(sequence.have).toBe(5)
  })
})
