import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeFunction } from './fixture.ts'

describe('execution environments', () => {
  it('start with replaced code at the next invocation, while a running one ends with the old', async () => {
    const { call, service, logged, taskRoot } = makeFunction(
      `import { existsSync } from 'node:fs'
       export const handler = async ({ wait }) => {
         if (wait) console.log('waiting')
         while (wait && !existsSync(wait)) await new Promise((resolve) => setTimeout(resolve, 1))
         return 'old'
       }`,
    )
    expect(await call('Fn')).toEqual({ reply: 'old' })
    const signal = join(taskRoot, 'go')
    const running = call('Fn', { wait: signal })
    await logged('waiting')
    const folder = join(taskRoot, 'new')
    mkdirSync(folder)
    writeFileSync(join(folder, 'index.mjs'), `export const handler = async () => 'new'`)
    service.replaceCode('Fn', folder)
    expect(await call('Fn')).toEqual({ reply: 'new' })
    writeFileSync(signal, '')
    expect(await running).toEqual({ reply: 'old' })
    expect(await call('Fn')).toEqual({ reply: 'new' })
  })

  it('end at once when the service is closed, even those that still load their handler', async () => {
    const { service, logged } = makeFunction(
      `console.log('loading'); await new Promise(() => setInterval(() => undefined, 1000))
       export const handler = async () => 1`,
    )
    const invoked = service.invoke('Fn', {})
    await logged('loading')
    await service.close()
    expect((await invoked).functionError).toBe('Unhandled')
  })
})
