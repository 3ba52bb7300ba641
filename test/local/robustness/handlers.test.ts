import { expect, it, onTestFinished } from 'vitest'
import { ManualClock } from '../../../local/clock.ts'
import { synthesize } from '../../../local/cloudformation/synthesize.ts'
import { startStack } from '../../../local/stack.ts'
import { connect, makeProject } from '../watch/project.ts'

const HANDLER = `
const kept = []
exports.handler = async ({ body }) => {
  if (body === 'loop') for (;;);
  if (body === 'eat') for (;;) kept.push(new Array(1e5).fill({}))
  if (body === 'exit') process.exit(1)
  return { statusCode: 200, body }
}
`

it.each(['loop', 'eat', 'exit'])(
  'a handler that should "%s" takes its own environment down, and the connections are served on',
  async (order) => {
    const { folder, output, write } = makeProject()
    write('handlers/echo.cjs', HANDLER)
    await synthesize({ project: folder, output })
    const clock = new ManualClock()
    const stack = await startStack({ assembly: output, iam: false, clock })
    onTestFinished(() => stack.close())
    const { client, ask } = await connect(stack)
    const { ask: askAsAnother } = await connect(stack)
    expect(await ask('hello')).toBe('hello')
    const answer = ask(order)
    expect(await askAsAnother('hello')).toBe('hello')
    clock.advance(3_000) // a function's timeout
    expect(await answer).toMatch(/^\{"message": "Internal server error"/)
    expect(await ask('again')).toBe('again')
    expect(client.socket.readyState).toBe(client.socket.OPEN)
  },
)
