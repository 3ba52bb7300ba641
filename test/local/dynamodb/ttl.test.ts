import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../local/clock.ts'
import { makeConsumer } from './fixture.ts'

const HOUR_MS = 3_600_000
const inSeconds = (ms: number) => ({ N: String(Math.floor(ms / 1000)) })
const items = async ({ service }: Awaited<ReturnType<typeof makeConsumer>>) => {
  const { Items } = await service.engine.client.call('Scan', { TableName: 'Tasks' })
  return (Items as { id: { S: string } }[]).map(({ id }) => id.S).toSorted()
}

describe('TTL', () => {
  it('deletes what has expired by the clock, as the service’s own', async () => {
    const clock = new ManualClock(Date.now())
    const consumer = await makeConsumer({ clock })
    await consumer.put('soon', { expiresAt: inSeconds(clock.now() + HOUR_MS) })
    await consumer.put('later', { expiresAt: inSeconds(clock.now() + 3 * HOUR_MS) })
    await consumer.put('never', { expiresAt: { S: 'text' } })
    await consumer.service.ttl.sweepNow()
    expect(await items(consumer)).toEqual(['later', 'never', 'soon'])
    clock.advance(2 * HOUR_MS)
    await consumer.service.ttl.sweepNow()
    expect(await items(consumer)).toEqual(['later', 'never'])
    await consumer.service.engine.client.call('DeleteItem', {
      TableName: 'Tasks',
      Key: { id: { S: 'later' } },
    })
    await consumer.service.drained()
    const removed = consumer.records().filter(({ eventName }) => eventName === 'REMOVE')
    expect(removed.map(({ userIdentity }) => userIdentity)).toEqual([
      { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
      undefined,
    ])
  })

  it('leaves alone what has not expired by a clock behind the machine’s', async () => {
    const clock = new ManualClock(Date.now() - 2 * HOUR_MS)
    const consumer = await makeConsumer({ clock })
    await consumer.put('by the machine', { expiresAt: inSeconds(clock.now() + HOUR_MS) })
    await consumer.put('by the clock', { expiresAt: inSeconds(clock.now() - HOUR_MS) })
    await consumer.service.ttl.sweepNow()
    expect(await items(consumer)).toEqual(['by the machine'])
  })
})
