import { createServer, get } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Clock, ManualClock, RunningClock, systemClock } from '../../local/clock.ts'
import { datedBy } from '../../local/dated-responses.ts'
import { listen } from '../../local/listen.ts'

/** The `Date` of an answer, epoch milliseconds. */
async function dateOf(clock: Clock, write: (response: import('node:http').ServerResponse) => void) {
  const server = createServer(datedBy(clock), (_request, response) => write(response))
  onTestFinished(() => void server.close())
  const port = await listen(server, 0)
  return new Promise<number>((resolve, reject) => {
    get({ port, host: '127.0.0.1', agent: false }, (response) => {
      response.resume()
      resolve(Date.parse(response.headers.date ?? ''))
    }).on('error', reject)
  })
}

describe('the date of an answer', () => {
  const DAY_MS = 86_400_000
  const running = () => {
    const clock = new RunningClock()
    clock.jump(DAY_MS)
    return clock
  }

  it.each([
    ['with a head that is written', (response) => response.writeHead(200, { 'content-type': 'a/b' }).end()],
    ['with words of its own', (response) => response.writeHead(200, 'Fine', { 'x-a': 'b' }).end()],
    ['with a head that nobody writes', (response) => response.setHeader('x-a', 'b').end('text')],
  ] satisfies [string, Parameters<typeof dateOf>[1]][])(
    'is of the clock that functions live by, %s',
    async (_name, write) => {
      const clock = running()
      const before = clock.now() - 1_000
      const date = await dateOf(clock, write)
      expect(date).toBeGreaterThanOrEqual(before)
      expect(date).toBeLessThanOrEqual(clock.now())
    },
  )

  it('is when it is answered, not when it was asked', async () => {
    const clock = running()
    const asked = clock.now()
    const date = await dateOf(clock, (response) => {
      clock.jump(DAY_MS)
      response.end()
    })
    expect(date).toBeGreaterThanOrEqual(asked + DAY_MS - 1_000)
  })

  it.each([
    ['the machine', systemClock],
    ['a test', new ManualClock(0)],
  ])("is Node's own with a clock of %s, by which no function lives", async (_name, clock) => {
    expect(datedBy(clock)).toEqual({})
    const before = Date.now() - 1_000
    expect(await dateOf(clock, (response) => response.end())).toBeGreaterThanOrEqual(before)
  })
})
