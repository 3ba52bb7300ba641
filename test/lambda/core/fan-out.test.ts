import { beforeEach, describe, expect, it } from 'vitest'
import { FAN_OUT_LANES, fanOut, inLanes } from '../../../lambda/core/fan-out.ts'
import type { Clock } from '../../../lambda/core/ports.ts'
import { ECHO, TASKS } from '../../../protocol/channel.ts'
import { connectionId, epochSeconds, later } from '../../../protocol/ids.ts'
import { ALICE, BOB, START, fakePorts, open } from '../../support/fakes.ts'

const CAROL = connectionId('TXzR_-nOjoECGjC=')

describe('fanOut', () => {
  let ports: ReturnType<typeof fakePorts>
  beforeEach(() => void (ports = fakePorts()))

  it('posts one frame to each subscriber of the channel, over several pages, and to nobody else', async () => {
    const dave = connectionId('TXzS_-nOjoECGjD=')
    for (const id of [ALICE, BOB, CAROL]) await open(ports.store, id, TASKS)
    await open(ports.store, dave, ECHO)
    await fanOut(TASKS, 'hi', ports)
    expect(ports.sender.frames).toEqual([ALICE, BOB, CAROL].map((id) => ({ id, frame: 'hi' })))
  })

  it('forgets the stale connection with all its subscriptions and serves the others', async () => {
    for (const id of [ALICE, BOB, CAROL]) await open(ports.store, id, TASKS, ECHO)
    ports.sender.answer = (id) => (id === ALICE ? 'gone' : 'sent')
    await fanOut(TASKS, 'hi', ports)
    expect(ports.sender.frames.map(({ id }) => id)).toEqual([BOB, CAROL])
    expect(ports.store.traceOf(ALICE)).toEqual([])
    for (const id of [BOB, CAROL]) expect(ports.store.traceOf(id)).toEqual(['connection', 'tasks', 'echo'])
    expect(ports.reports.at(-1)).toEqual({
      level: 'info',
      message: 'fanned out',
      details: { channel: TASKS, sent: 2, lost: 1 },
    })
  })

  it('removes a subscription whose connection is gone already, and keeps the other', async () => {
    ports.store.subscriptions.set(TASKS, new Map([[ALICE, epochSeconds(later(START, 60_000))]]))
    await open(ports.store, BOB, TASKS)
    ports.sender.answer = (id) => (id === ALICE ? 'gone' : 'sent')
    await fanOut(TASKS, 'hi', ports)
    expect(ports.store.traceOf(ALICE)).toEqual([])
    expect(ports.store.traceOf(BOB)).toEqual(['connection', 'tasks'])
  })

  it('closes who is busy for the whole budget, and the other has its frame', async () => {
    for (const id of [ALICE, BOB]) await open(ports.store, id, TASKS)
    ports.sender.answer = (id) => (id === ALICE ? 'busy' : 'sent')
    await fanOut(TASKS, 'hi', ports)
    expect(ports.sender.closed).toEqual([ALICE])
    expect(ports.sender.sentTo(BOB)).toEqual(['hi'])
    expect(ports.store.traceOf(BOB)).toEqual(['connection', 'tasks'])
  })

  it(`has at most ${FAN_OUT_LANES} posts under way`, async () => {
    let [running, most] = [0, 0]
    const ids = Array.from({ length: 3 * FAN_OUT_LANES }, (_, i) => connectionId(`c-${i}=`))
    for (const id of ids) await open(ports.store, id, TASKS)
    ports.sender.send = async () => {
      most = Math.max(most, ++running)
      await new Promise(setImmediate)
      running--
      return 'sent'
    }
    await fanOut(TASKS, 'hi', ports)
    expect(most).toBe(FAN_OUT_LANES)
    expect(ports.reports.at(-1)?.details).toMatchObject({ sent: ids.length, lost: 0 })
  })

  it('shares its lanes with the fan-outs beside it that were given the same', async () => {
    let [running, most] = [0, 0]
    const ids = Array.from({ length: 2 * FAN_OUT_LANES }, (_, i) => connectionId(`c-${i}=`))
    for (const id of ids) await open(ports.store, id, TASKS, ECHO)
    ports.sender.send = async () => {
      most = Math.max(most, ++running)
      await new Promise(setImmediate)
      running--
      return 'sent'
    }
    const shared = { ...ports, sender: inLanes(ports.sender) }
    await Promise.all([fanOut(TASKS, 'hi', shared), fanOut(ECHO, 'hi', shared)])
    expect(most).toBe(FAN_OUT_LANES)
  })

  it('serves whoever comes after, while more are throttled than there are lanes', async () => {
    const throttled = Array.from({ length: 2 * FAN_OUT_LANES }, (_, i) => connectionId(`c-${i}=`))
    for (const id of [...throttled, BOB]) await open(ports.store, id, TASKS)
    let served: (() => void) | undefined
    const isServed = new Promise<void>((resolve) => (served = resolve))
    ports.sender.answer = (id, attempt) => {
      if (id === BOB) served?.()
      return id === BOB || attempt > 0 ? 'sent' : 'busy'
    }
    ports.clock.sleep = () => isServed
    await fanOut(TASKS, 'hi', ports)
    expect(ports.sender.frames[0]).toEqual({ id: BOB, frame: 'hi' })
    expect(ports.sender.frames).toHaveLength(throttled.length + 1)
  })

  it('is not failed by one that can not be forgotten, nor by a subscription that can not be removed', async () => {
    for (const id of [ALICE, BOB, CAROL]) await open(ports.store, id, TASKS)
    ports.sender.answer = (id) => (id === CAROL ? 'sent' : 'gone')
    const remove = ports.store.remove.bind(ports.store)
    const away = () => Promise.reject(new Error('the table is away'))
    ports.store.remove = (id, before) => (id === ALICE ? away() : remove(id, before))
    ports.store.removeSubscription = away
    await fanOut(TASKS, 'hi', ports)
    expect(ports.sender.sentTo(CAROL)).toEqual(['hi'])
    expect(ports.store.traceOf(ALICE)).toEqual(['connection', 'tasks'])
    const said = ports.reports.map(({ message, details }) => [message, details?.['connectionId']])
    expect(said).toContainEqual(['could not give a connection up', ALICE])
    expect(said).toContainEqual(['could not remove a subscription', BOB])
    expect(ports.reports.at(-1)?.details).toMatchObject({ sent: 1, lost: 2 })
  })

  it.each(['the subscribers can not be read on', 'a post is refused for good'])(
    'throws when %s, after everybody else has been served',
    async (trouble) => {
      for (const id of [ALICE, BOB, CAROL]) await open(ports.store, id, TASKS)
      const page = ports.store.subscribers.bind(ports.store)
      if (trouble.includes('read'))
        ports.store.subscribers = async function* (channel, now) {
          for await (const ids of page(channel, now)) yield ids
          throw new Error('trouble')
        }
      const send = ports.sender.send.bind(ports.sender)
      ports.sender.send = async (id, frame) => {
        if (id === ALICE && trouble.includes('post')) throw new Error('trouble')
        await new Promise(setImmediate)
        return send(id, frame)
      }
      await expect(fanOut(TASKS, 'hi', ports)).rejects.toThrow('trouble')
      for (const id of [BOB, CAROL]) expect(ports.sender.sentTo(id)).toEqual(['hi'])
    },
  )

  describe('in time', () => {
    /** Of the function that fans out, in milliseconds. */
    const TIMEOUT_MS = 120_000

    it.each([
      ['20,000 connections are throttled, closing them too', 20_000, 12, 'busy'],
      ['2,000 posts stall, closing too', 2_000, 3_000, 'failed'],
    ] as const)('ends before its function is over when %s', async (_, count, requestMs, outcome) => {
      const time = new SimulatedTime()
      const ids = Array.from({ length: count }, (_each, i) => connectionId(`c-${i}=`))
      for (const id of ids) await open(ports.store, id, TASKS)
      ports.store.pageSize = 1_000
      const request = async () => {
        await time.sleep(requestMs)
        return outcome
      }
      ports.sender.send = ports.sender.close = request
      void fanOut(TASKS, 'hi', { ...ports, clock: time, deadline: later(START, TIMEOUT_MS / 2) })
      await time.pass(TIMEOUT_MS)
      expect(ports.reports.at(-1)).toMatchObject({ message: 'fanned out', details: { sent: 0, lost: count } })
    })
  })
})

/** Time in which many sleep at once, unlike that of `FakeClock`. */
class SimulatedTime implements Clock {
  #now = START
  readonly #due = new Map<number, (() => void)[]>()

  now() {
    return this.#now
  }

  sleep(ms: number) {
    return new Promise<void>((resolve) => {
      const at = this.#now + Math.ceil(ms)
      const others = this.#due.get(at)
      if (others) others.push(resolve)
      else this.#due.set(at, [resolve])
    })
  }

  async pass(ms: number) {
    await new Promise(setImmediate)
    for (const end = later(this.#now, ms); this.#now < end; this.#now = later(this.#now, 1)) {
      const due = this.#due.get(this.#now)
      if (!due) continue
      this.#due.delete(this.#now)
      for (const wake of due) wake()
      await new Promise(setImmediate)
    }
  }
}
