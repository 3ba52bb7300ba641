import { describe, expect, it } from 'vitest'
import { Receiver, SLOTS, Sender, newHandOver } from '../../../local/lambda/runtime/hand-over.ts'

describe('the hand-over to a thread', () => {
  const both = () => {
    const shared = newHandOver()
    return { sender: new Sender(shared), receiver: new Receiver(shared) }
  }

  it('gives an invocation to whoever is first: the thread that begins, or its owner that takes it back', () => {
    const { sender, receiver } = both()
    const [first, second] = [sender.next(), sender.next()]
    expect(receiver.begin(first)).toBe(true)
    expect(sender.takeBack(first)).toBe(false)
    expect(sender.takeBack(second)).toBe(true)
    expect(receiver.begin(second)).toBe(false)
  })

  it('lets as many lie ready as there are slots', () => {
    const { sender, receiver } = both()
    const numbers = [sender.next()]
    while (sender.hasSlotBeside(numbers[0] ?? 0)) numbers.push(sender.next())
    expect(numbers).toHaveLength(SLOTS)
    expect(numbers.every((number) => receiver.begin(number))).toBe(true)
  })

  it('keeps the slot of one that is not begun, though all that came after it were taken back', () => {
    const { sender, receiver } = both()
    const oldest = sender.next()
    while (sender.hasSlotBeside(oldest)) sender.takeBack(sender.next())
    expect(sender.hasSlotBeside(oldest)).toBe(false)
    expect(receiver.begin(oldest)).toBe(true)
  })

  it('does not take an old number for the one that has its slot now', () => {
    const { sender, receiver } = both()
    const old = sender.next()
    receiver.begin(old)
    for (let i = 1; i <= SLOTS; i++) sender.next()
    expect(receiver.begin(old)).toBe(false)
    expect(receiver.begin(old + SLOTS)).toBe(true)
  })
})
