import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeFunction } from './fixture.ts'

describe('execution environments', () => {
  it('start with replaced code at the next invocation, while a running one ends with the old', async () => {
    const { call, update, logged, taskRoot } = makeFunction(
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
    await update({ Code: { S3Bucket: 'assets', S3Key: 'new' } })
    expect(await call('Fn')).toEqual({ reply: 'new' })
    writeFileSync(signal, '')
    expect(await running).toEqual({ reply: 'old' })
    expect(await call('Fn')).toEqual({ reply: 'new' })
  })

  it('go on with the old code when the new can not be loaded, and say why', async () => {
    const { call, update, lines, taskRoot } = makeFunction(`export const handler = async () => 'old'`)
    expect(await call('Fn')).toEqual({ reply: 'old' })
    mkdirSync(join(taskRoot, 'new'))
    writeFileSync(join(taskRoot, 'new/index.mjs'), `throw new Error('not ready')`)
    const failures = await update({ Code: { S3Bucket: 'assets', S3Key: 'new' } })
    expect(failures.get('Fn')).toMatch(/^Error: not ready\n {4}at .*index\.mjs/)
    expect(await call('Fn')).toEqual({ reply: 'old' })
    expect(lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('stay as they are when nothing of their function has changed', async () => {
    const { call, update } = makeFunction(`let calls = 0; export const handler = async () => ++calls`)
    await call('Fn')
    await update({})
    expect(await call('Fn')).toEqual({ reply: 2 })
    await update({ Environment: { Variables: { NEW: '1' } } })
    expect(await call('Fn')).toEqual({ reply: 1 })
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
