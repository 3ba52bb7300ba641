import { beforeEach, describe, expect, it } from 'vitest'
import { FAN_OUT_LANES, fanOut } from '../../../lambda/core/fan-out.ts'
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
})
