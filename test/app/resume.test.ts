import { DeleteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts'
import type { ChatEvent, EventsFrame, SubscribedFrame } from '../../protocol/messages.ts'
import { startOpenline, synthesizeOpenline } from '../support/openline.ts'

const LOBBY = 'chat/lobby'

/** Who says what it has and is told what it missed, over the bare wire: what any client can rely on. */
describe('coming back', () => {
  let app: Awaited<ReturnType<typeof synthesizeOpenline>>
  let openline: Awaited<ReturnType<typeof startOpenline>>
  beforeAll(async () => (app = await synthesizeOpenline()))
  afterAll(() => app.remove())
  beforeEach(async () => void (openline = await startOpenline(app.assembly)))
  afterEach(async () => openline.close())

  /** Has things said in the lobby. @returns the offset before the first of them */
  async function say(...words: string[]): Promise<number> {
    const speaker = openline.connect()
    await speaker.frame()
    const { offset } = await speaker.ask({ action: 'subscribe', channel: LOBBY })
    await speaker.ask({ action: 'unsubscribe', channel: LOBBY })
    for (const data of words)
      expect(await speaker.ask({ action: 'publish', channel: LOBBY, data })).toMatchObject({
        type: 'published',
      })
    speaker.socket.close()
    return Number(offset)
  }
  /** Comes with nothing and subscribes. @returns every frame up to the answer */
  async function subscribe(after: number): Promise<Record<string, unknown>[]> {
    const client = openline.connect()
    await client.frame()
    const frames = [await client.ask({ action: 'subscribe', channel: LOBBY, after, id: 's' })]
    while (frames.at(-1)?.['id'] !== 's') frames.push(await client.frame())
    return frames
  }
  const change = (offset: number, how: 'deleted' | 'expired') => {
    const key = { TableName: openline.tableOf('ChannelLog'), Key: { channel: LOBBY, offset } }
    return how === 'deleted'
      ? openline.tables.send(new DeleteCommand(key))
      : openline.tables.send(
          new UpdateCommand({
            ...key,
            UpdateExpression: 'SET expiresAt = :past',
            ExpressionAttributeValues: { ':past': Math.floor(Date.now() / 1000) - 1 },
          }),
        )
  }

  it('gives exactly what came after the offset, in order and whole, in the answer', async () => {
    const before = await say('a', 'b', 'c')
    for (const [missed, words] of [['a', 'b', 'c'], ['b', 'c'], ['c'], []].entries()) {
      const [answer, ...more] = await subscribe(before + missed)
      expect(more).toEqual([])
      expect(answer).toMatchObject({ type: 'subscribed', offset: before + 3 })
      expect(wordsOf(answer)).toEqual(words)
    }
  })

  it('gives what does not fit one frame in several, each with its offsets, before the answer', async () => {
    const words = Array.from({ length: 8 }, (_, i) => String(i).repeat(10_000))
    const before = await say(...words)
    const frames = await subscribe(before)
    expect(frames.length).toBeGreaterThan(2)
    for (const frame of frames)
      expect(Buffer.byteLength(JSON.stringify(frame))).toBeLessThanOrEqual(MAX_FRAME_BYTES)
    let reached = before
    for (const frame of frames) {
      const { offset, sizes } = frame as unknown as EventsFrame
      reached += sizes?.length ?? (wordsOf(frame).length > 0 ? 1 : 0)
      expect(offset).toBe(reached)
    }
    expect(frames.flatMap(wordsOf)).toEqual(words)
    expect(frames.at(-1)).toMatchObject({ type: 'subscribed', offset: before + words.length })
  })

  it('hears all of it by after in the URL, behind the welcome', async () => {
    const before = await say('a', 'b')
    const client = openline.connect(`?channel=${LOBBY}&after=${before}`)
    expect(await client.frame()).toMatchObject({ type: 'welcome', channels: { [LOBBY]: before + 2 } })
    const missed = await client.frame()
    expect(missed).toMatchObject({ type: 'events', offset: before + 2, sizes: [1, 1] })
    expect(wordsOf(missed)).toEqual(['a', 'b'])
  })

  it.each(['deleted', 'expired'] as const)(
    'is reset, and given no part, when an entry is %s',
    async (how) => {
      const before = await say('a', 'b', 'c')
      await change(before + 2, how)
      const reset = { type: 'reset', channel: LOBBY, offset: before + 3 }
      expect(await subscribe(before)).toEqual([{ ...reset, id: 's' }])
      const client = openline.connect(`?channel=${LOBBY}&after=${before}`)
      await client.frame()
      expect(await client.frame()).toEqual(reset)
      expect((await subscribe(before + 2)).flatMap(wordsOf)).toEqual(['c'])
    },
  )

  it('is reset when the log has begun anew, further on', async () => {
    const before = await say('a')
    for (const offset of [before, before + 1]) await change(offset, 'deleted')
    await openline.tables.send(
      new DeleteCommand({
        TableName: openline.tableOf('ChannelLog'),
        Key: { channel: `${LOBBY}#`, offset: 0 },
      }),
    )
    const [answer] = await subscribe(before + 1)
    expect(answer).toMatchObject({ type: 'reset' })
    expect(answer?.['offset']).toBeGreaterThan(before + 1)
  })

  it('is subscribed after a reset as well', async () => {
    const before = await say('a', 'b')
    await change(before + 1, 'deleted')
    const client = openline.connect()
    await client.frame()
    expect(await client.ask({ action: 'subscribe', channel: LOBBY, after: before })).toMatchObject({
      type: 'reset',
    })
    await say('c')
    expect(await client.frame()).toMatchObject({ type: 'events', offset: before + 3 })
  })

  it('joins a snapshot to the channel by its offset, in the header as in the body', async () => {
    const viewer = openline.connect('?channel=tasks')
    await viewer.frame()
    await openline.call('POST', '/tasks', { title: 'before' })
    const { offset } = await viewer.frame()
    const response = await fetch(`${openline.rest}/tasks`)
    const page = (await response.json()) as { offset: number; tasks: unknown[] }
    expect(page.offset).toBe(offset)
    expect(response.headers.get('openline-offset')).toBe(String(offset))
    await openline.call('POST', '/tasks', { title: 'after' })
    expect(await viewer.frame()).toMatchObject({ offset: page.offset + 1 })
    const client = openline.connect(`?channel=tasks&after=${page.offset}`)
    await client.frame()
    expect(await client.frame()).toMatchObject({ events: [{ data: { title: 'after' } }] })
  })

  it('publishes a message with an id once, however often it is sent, and answers with the offset of the first', async () => {
    const [speaker, listener] = [openline.connect('?channel=echo'), openline.connect(`?channel=${LOBBY}`)]
    await speaker.text()
    const { channels } = await listener.frame()
    const first = Number((channels as Record<string, number>)[LOBBY]) + 1
    const publish = { action: 'publish', channel: LOBBY, data: 'hi', messageId: 'm-1' }
    for (let times = 0; times < 3; times++)
      expect(await speaker.ask(publish)).toMatchObject({ offset: first })
    const heard = [await listener.frame(), await listener.frame(), await listener.frame()]
    for (const frame of heard) expect(frame).toMatchObject({ offset: first, events: [{ id: 'm-1' }] })
    expect((await subscribe(first - 1)).flatMap(wordsOf)).toEqual(['hi'])
  })
})

/** What was said, of the events that a frame carries. */
function wordsOf(frame: Readonly<Record<string, unknown>> | undefined): string[] {
  const { events = [] } = (frame ?? {}) as unknown as Pick<SubscribedFrame, 'events'>
  return events.map((event) => (event as ChatEvent).data)
}
