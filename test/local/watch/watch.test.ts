import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { synthesize } from '../../../local/cloudformation/synthesize.ts'
import { Synthesizer } from '../../../local/cloudformation/synthesizer.ts'
import { startStack } from '../../../local/stack.ts'
import { startWatching } from '../../../local/watch/start-watching.ts'
import { connect, handlerOf, makeProject, stackOf } from './project.ts'

/** Lines in the order in which they were said; `next` waits for one that was not taken yet. */
function listener() {
  const said: string[] = []
  const waiting: ((text: string) => void)[] = []
  return {
    said,
    say: (text: string) => {
      const taken = waiting.shift()
      if (taken) taken(text)
      else said.push(text)
    },
    next: () => {
      const text = said.shift()
      return text === undefined
        ? new Promise<string>((resolve) => waiting.push(resolve))
        : Promise.resolve(text)
    },
  }
}

async function watchProject(stack = stackOf()) {
  const project = makeProject(stack)
  const { folder, output } = project
  const synthesizer = new Synthesizer({ project: folder, output })
  await synthesizer.run()
  const running = await startStack({ assembly: output, iam: false })
  const { said, say, next } = listener()
  const options = { stack: running, assembly: output, except: [output], say, onUpdate: () => undefined }
  const stop = await startWatching({ ...options, source: { project: folder, synthesizer } })
  onTestFinished(async () => {
    await stop()
    await running.close()
  })
  return { ...project, ...(await connect(running)), said, next }
}

describe('a watched project', () => {
  it('has an edited handler answer on the connection that was there before', async () => {
    const { ask, write, next } = await watchProject()
    expect(await ask('hello')).toBe('one $default 1')
    write('handlers/echo.cjs', handlerOf('two'))
    expect(await next()).toMatch(/^Echo: live in \d+(\.\d)? m?s$/)
    expect(await ask('hello')).toBe('two $default 1')
  })

  it('synthesizes again for an edited construct: a new route is there, on the same connection', async () => {
    const { ask, write, next } = await watchProject()
    expect(await ask({ action: 'greet' })).toBe('one $default 1')
    write('stack.cjs', stackOf({ routes: ['$default', 'greet'] }))
    expect(await next()).toMatch(/^stack: 1 route changed in /)
    expect(await ask({ action: 'greet' })).toBe('one greet 2')
  })

  it('tells an error once, goes on with the old code, and says when it is mended', async () => {
    const { ask, write, next, said } = await watchProject()
    write('handlers/echo.cjs', 'exports.handler = async () => {{')
    expect(await next()).toMatch(
      /handlers\/echo\.cjs:1[\s\S]*SyntaxError: [\s\S]*\nthe stack goes on as it was$/,
    )
    expect(await ask('hello')).toBe('one $default 1')
    write('notes.txt', 'any other edit synthesizes again, to the same error')
    write('handlers/echo.cjs', handlerOf('two'))
    expect(await next()).toMatch(/^mended: Echo: live in /)
    expect(said).toEqual([])
    expect(await ask('hello')).toBe('two $default 1')
  })

  it('says so of a handler that throws when it is loaded, and of one that comes back as it was', async () => {
    const { ask, write, next } = await watchProject()
    await ask('hello')
    write('handlers/echo.cjs', 'throw new Error("not ready")')
    expect(await next()).toMatch(/^Echo: its new code can not be loaded: Error: not ready\n {4}at /)
    expect(await ask('hello')).toBe('one $default 2')
    write('handlers/echo.cjs', handlerOf('one'))
    expect(await next()).toMatch(/^mended: /)
  })

  it('sees files that are saved by renaming, made, and removed', async () => {
    const { ask, write, folder, next } = await watchProject()
    write('handlers/echo.cjs.new', handlerOf('renamed'))
    renameSync(join(folder, 'handlers/echo.cjs.new'), join(folder, 'handlers/echo.cjs'))
    expect(await next()).toMatch(/^Echo: live/)
    expect(await ask('hello')).toBe('renamed $default 1')
    write('handlers/echo.cjs', handlerOf('again'))
    expect(await next()).toMatch(/^Echo: live/)
    rmSync(join(folder, 'handlers/echo.cjs'))
    expect(await next()).toMatch(/ENOENT[\s\S]*\nthe stack goes on as it was$/)
    write('more/deep/other.cjs', handlerOf('other'))
    write('handlers/echo.cjs', handlerOf('back'))
    expect(await next()).toMatch(/^mended: Echo: live/)
    expect(await ask('hello')).toBe('back $default 1')
  })

  it('says nothing of edits that change nothing in the stack', async () => {
    const { write, next, said } = await watchProject()
    write('README.md', 'words')
    write('.cache/handlers.cjs', 'of a tool')
    write('node_modules/library/index.js', 'installed')
    write('handlers/echo.cjs', handlerOf('two'))
    expect(await next()).toMatch(/^Echo: live/)
    expect(said).toEqual([])
  })
})

it('applies an assembly that is synthesized by somebody else', async () => {
  const { folder, output, write } = makeProject()
  await synthesize({ project: folder, output })
  const stack = await startStack({ assembly: output, iam: false })
  const { say, next } = listener()
  const stop = await startWatching({ stack, assembly: output, except: [], say, onUpdate: () => undefined })
  onTestFinished(async () => {
    await stop()
    await stack.close()
  })
  const { ask } = await connect(stack)
  write('handlers/echo.cjs', handlerOf('two'))
  await synthesize({ project: folder, output })
  expect(await next()).toMatch(/^Echo: live in /)
  expect(await ask('hello')).toBe('two $default 1')
})
