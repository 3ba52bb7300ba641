import { beforeEach, describe, expect, it } from 'vitest'
import { leaveGap } from '../../../lambda/core/leave-gap.ts'
import { TASKS } from '../../../protocol/channel.ts'
import { offset } from '../../../protocol/ids.ts'
import { ALICE, BOB, START, fakePorts, open } from '../../support/fakes.ts'

describe('leaveGap', () => {
  let ports: ReturnType<typeof fakePorts>
  beforeEach(async () => {
    ports = fakePorts()
    for (const id of [ALICE, BOB]) await open(ports.store, id, TASKS)
  })
  const since = async (after: number) => (await ports.log.since(TASKS, offset(after), START)).entries

  it('takes the next offset, and tells everybody that what is there can not be had', async () => {
    const before = await ports.log.append(TASKS, [], START)
    expect(await leaveGap(TASKS, ports)).toBe(before + 1)
    const frame = { type: 'reset', channel: 'tasks', offset: before + 1 }
    for (const id of [ALICE, BOB]) expect(ports.sender.sentTo(id)).toEqual([frame])
  })

  it('resets whoever comes back from before it, and nobody from after it', async () => {
    const at = await leaveGap(TASKS, ports)
    const next = await ports.log.append(TASKS, [], START)
    expect(await since(at - 1)).toBeUndefined()
    expect(await since(at)).toEqual([{ offset: next, events: [] }])
  })

  it('is in the log before anybody is told', async () => {
    ports.sender.answer = () => {
      expect(ports.log.entries).toMatchObject([{ isGap: true }])
      return 'sent'
    }
    await leaveGap(TASKS, ports)
    expect(ports.sender.frames).toHaveLength(2)
  })
})
