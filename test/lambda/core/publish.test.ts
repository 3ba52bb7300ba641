import { beforeEach, describe, expect, it } from 'vitest'
import { publish } from '../../../lambda/core/publish.ts'
import { type Channel, userId } from '../../../protocol/ids.ts'
import { MAX_FRAME_BYTES, utf8Bytes } from '../../../protocol/limits.ts'
import type { ChatEvent } from '../../../protocol/messages.ts'
import { ALICE, BOB, START, fakePorts, open } from '../../support/fakes.ts'

const LOBBY = 'chat/lobby' as Channel

const said = (id: string, data = 'hi'): ChatEvent => ({
  type: 'chat.message',
  id,
  from: userId('guest-alice'),
  at: '2026-11-23T09:00:00.000Z',
  data,
})

describe('publish', () => {
  let ports: ReturnType<typeof fakePorts>
  beforeEach(async () => {
    ports = fakePorts()
    await open(ports.store, ALICE, LOBBY)
    await open(ports.store, BOB, LOBBY)
  })

  it('sends several events in one frame with the offset of the log', async () => {
    const events = [said('m-1'), said('m-2')]
    expect(await publish(LOBBY, events, ports)).toBe(START)
    const frame = { type: 'events', channel: LOBBY, offset: START, events }
    for (const id of [ALICE, BOB]) expect(ports.sender.sentTo(id)).toEqual([frame])
    expect(ports.log.entries).toEqual([{ channel: LOBBY, offset: START, events }])
  })

  it('appends before anybody is sent the frame', async () => {
    ports.sender.answer = () => {
      expect(ports.log.entries).toHaveLength(1)
      return 'sent'
    }
    await publish(LOBBY, [said('m-1')], ports)
    expect(ports.sender.frames).toHaveLength(2)
  })

  it('sends nothing when the log takes nothing', async () => {
    ports.log.append = () => Promise.reject(new Error('too many conflicts'))
    await expect(publish(LOBBY, [said('m-1')], ports)).rejects.toThrow('too many conflicts')
    expect(ports.sender.frames).toEqual([])
  })

  it('makes no entry and no frame of no events', async () => {
    expect(await publish(LOBBY, [], ports)).toBeUndefined()
    expect(ports.log.entries).toEqual([])
    expect(ports.sender.frames).toEqual([])
  })

  it.each(['x', 'ж', '😀'])(
    'splits at 32 KB of UTF-8 in the order of the events, filled with %s',
    async (fill) => {
      const events = Array.from({ length: 9 }, (_, i) =>
        said(`m-${i}`, fill.repeat(10_000 / utf8Bytes(fill))),
      )
      expect(await publish(LOBBY, events, ports)).toBe(START + 2)
      const frames = ports.sender.frames.filter(({ id }) => id === BOB).map(({ frame }) => frame)
      for (const frame of frames) expect(Buffer.byteLength(frame)).toBeLessThanOrEqual(MAX_FRAME_BYTES)
      const parsed = frames.map((frame) => JSON.parse(frame) as { offset: number; events: ChatEvent[] })
      expect(parsed.map(({ offset }) => offset)).toEqual([START, START + 1, START + 2])
      expect(parsed.flatMap((frame) => frame.events)).toEqual(events)
    },
  )

  it('refuses an event that fits no frame, and nothing is appended', async () => {
    await expect(publish(LOBBY, [said('m-1', 'x'.repeat(MAX_FRAME_BYTES))], ports)).rejects.toThrow(
      RangeError,
    )
    expect(ports.log.entries).toEqual([])
  })
})
