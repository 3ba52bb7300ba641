import { describe, expectTypeOf, it } from 'vitest'
import type { EventOf, Item, Line } from '../../client/index.ts'
import type { ChannelEvent, ChatEvent, TaskEvent } from '../../protocol/messages.ts'

describe('the types of the client', () => {
  it('give the events of a channel by its name', () => {
    expectTypeOf<EventOf<'tasks'>>().toEqualTypeOf<TaskEvent>()
    expectTypeOf<EventOf<'tasks/t-7'>>().toEqualTypeOf<TaskEvent>()
    expectTypeOf<EventOf<'chat/lobby'>>().toEqualTypeOf<ChatEvent>()
    expectTypeOf<EventOf<string>>().toEqualTypeOf<ChannelEvent>()
  })

  it('flow from the channel to the callback and the loop', () => {
    const follow = (line: Line) =>
      line.subscribe('tasks', { onEvent: (event) => expectTypeOf(event).toEqualTypeOf<TaskEvent>() })
    const read = async (line: Line) => {
      for await (const item of line.subscribe('chat/lobby'))
        expectTypeOf(item).toEqualTypeOf<Item<ChatEvent>>()
    }
    expectTypeOf(follow).toBeFunction()
    expectTypeOf(read).toBeFunction()
  })

  it('let nobody publish but in a room', () => {
    // @ts-expect-error '"tasks"' is not assignable to '`chat/${string}`'
    const publish = (line: Line) => line.publish('tasks', 'hi')
    expectTypeOf(publish).toBeFunction()
  })
})
