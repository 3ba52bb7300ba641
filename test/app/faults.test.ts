import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Faults } from '../../local/faults.ts'
import { AWS_LATENCY } from '../../local/latency.ts'
import type { StackOptions } from '../../local/stack.ts'
import { startOpenline, synthesizeOpenline } from '../support/openline.ts'

let app: Awaited<ReturnType<typeof synthesizeOpenline>>
beforeAll(async () => (app = await synthesizeOpenline()))
afterAll(() => app.remove())

async function start(options: Omit<StackOptions, 'assembly' | 'log'> = {}) {
  const faults = new Faults()
  const openline = await startOpenline(app.assembly, { faults, ...options })
  onTestFinished(() => openline.close())
  return { ...openline, faults }
}

describe('the whole stack in trouble', () => {
  it('has a function killed between two of its calls, and says so to whoever connects', async () => {
    const { connect, faults, functionOf, lines } = await start()
    faults.plan('function.crash.midway', { subject: functionOf('Connect') })
    expect(await connect('?channel=echo').closed).toBe(1006)
    expect(faults.counts).toEqual({ 'function.crash.midway': 1 })
    expect(lines.some((line) => line.includes('signal: killed'))).toBe(true)
    expect(await connect('?channel=echo').text()).toBe('Connected. Say something.')
  })

  it('answers posts with what is planned, for the functions to deal with', async () => {
    const { connect, faults } = await start()
    const client = connect('?channel=chat/lobby')
    await client.frame()
    faults.plan('post.500')
    const struck = faults.next('post.500')
    client.send('hi all')
    await struck
    expect(faults.counts).toEqual({ 'post.500': 1 })
  })

  it.skipIf(process.platform === 'win32')(
    'has its engine killed, and goes on with what was written',
    async () => {
      const data = mkdtempSync(join(tmpdir(), 'data-'))
      onTestFinished(() => rmSync(data, { recursive: true, force: true }))
      const { connect, stack, rest } = await start({ data })
      const post = () =>
        fetch(`${rest}/tasks`, {
          method: 'POST',
          body: '{"title":"a"}',
          headers: { 'content-type': 'application/json' },
        })
      const { id } = (await (await post()).json()) as { id: string }
      await stack.killEngine()
      expect((await fetch(`${rest}/tasks/${id}`)).status).toBe(200)
      const client = connect('?channel=chat/lobby')
      await client.frame()
      client.send('hi all')
      expect(await client.frame()).toMatchObject({ type: 'events' })
    },
  )

  it("takes AWS's time", async () => {
    const { connect } = await start({ latency: AWS_LATENCY })
    const begun = performance.now()
    await connect('?channel=echo').text()
    expect(performance.now() - begun).toBeGreaterThan(AWS_LATENCY.coldStartMs)
  })
})
