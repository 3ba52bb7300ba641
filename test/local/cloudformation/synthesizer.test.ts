import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Synthesizer } from '../../../local/cloudformation/synthesizer.ts'

const PATIENCE = { timeout: 20_000, interval: 20 }
/** Writes what it is, what was loaded before it, and what its children are told. */
const appOf = (text: string) => `
const { appendFileSync, writeFileSync } = require('fs')
const { join } = require('path')
const loadedBefore = Object.keys(require.cache).some((file) => file.includes('aws-cdk-lib'))
require('aws-cdk-lib')
writeFileSync(process.env.CDK_OUTDIR + '/result.json', JSON.stringify({
  text: ${JSON.stringify(text)}, loadedBefore, nodeOptions: process.env.NODE_OPTIONS ?? null,
}))
`

function project(command = 'node app.cjs') {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'synthesizer-')))
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
  }
  const library = join('node_modules', 'aws-cdk-lib')
  const output = join(folder, 'cdk.out')
  mkdirSync(join(folder, library), { recursive: true })
  mkdirSync(output)
  write('package.json', '{}')
  write('cdk.json', JSON.stringify({ app: command }))
  write('app.cjs', appOf('first'))
  // The library says that it is loaded, by a file beside the project's.
  write(
    join(library, 'index.js'),
    `require('fs').appendFileSync(${JSON.stringify(join(folder, 'loads'))}, '.')`,
  )
  const synthesizer = new Synthesizer({ project: folder, output })
  onTestFinished(() => {
    synthesizer.close()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  const loads = () =>
    existsSync(join(folder, 'loads')) ? readFileSync(join(folder, 'loads'), 'utf8').length : 0
  return {
    folder,
    write,
    synthesizer,
    loads,
    /** Resolves once the run that waits has loaded the library, one load after those so far. */
    prepared: async () => {
      const before = loads()
      await synthesizer.prepare()
      await vi.waitFor(() => expect(loads()).toBe(before + 1), PATIENCE)
    },
    run: async () => {
      await synthesizer.run()
      return JSON.parse(readFileSync(join(output, 'result.json'), 'utf8')) as Record<string, unknown>
    },
  }
}

describe('a synthesizer', () => {
  it('has a prepared run load the CDK ahead, and read the project as it is when it is asked for', async () => {
    const { run, prepared, write, loads } = project()
    expect(await run()).toMatchObject({ text: 'first', loadedBefore: false })
    await prepared()
    write('app.cjs', appOf('second'))
    expect(await run()).toMatchObject({ text: 'second', loadedBefore: true })
    expect(loads()).toBe(2)
  })

  it('has a program that loads the app into its own process wait at the first file of the project', async () => {
    const { run, prepared, write, folder } = project('node node_modules/runner.js app.cjs')
    write('node_modules/runner.js', `require(require('path').resolve(process.argv[2]))`)
    await run()
    await prepared()
    write('app.cjs', appOf('second'))
    expect(await run()).toMatchObject({ text: 'second', loadedBefore: true })
    expect(existsSync(join(folder, 'node_modules/.cache/local-stack/app-preload.mjs'))).toBe(true)
  })

  it('starts a run anew when what a loader reads early has changed', async () => {
    const { run, prepared, write } = project()
    await run()
    await prepared()
    write('package.json', '{"type":"commonjs"}')
    expect(await run()).toMatchObject({ loadedBefore: false })
  })

  it.each(['node build.cjs && node app.cjs', 'npm run app'])('does not run "%s" ahead', async (command) => {
    const { synthesizer, write, folder } = project(command)
    write('build.cjs', `require('fs').writeFileSync('built', '')`)
    await synthesizer.prepare()
    synthesizer.close()
    expect(existsSync(join(folder, 'built'))).toBe(false)
    expect(existsSync(join(folder, 'node_modules/.cache'))).toBe(false)
  })

  it('leaves the NODE_OPTIONS of what the app starts as they were', async () => {
    vi.stubEnv('NODE_OPTIONS', '--no-deprecation')
    onTestFinished(() => void vi.unstubAllEnvs())
    const { run, prepared } = project()
    expect(await run()).toMatchObject({ nodeOptions: '--no-deprecation' })
    await prepared()
    expect(await run()).toMatchObject({ nodeOptions: '--no-deprecation' })
  })

  it('throws what the app printed when it fails, and runs again once it is mended', async () => {
    const { synthesizer, run, prepared, write } = project()
    await run()
    await prepared()
    write('app.cjs', `console.error('no such construct'); process.exit(3)`)
    await expect(synthesizer.run()).rejects.toThrow(
      'the app "node app.cjs" failed with exit code 3:\nno such construct',
    )
    write('app.cjs', appOf('mended'))
    expect(await run()).toMatchObject({ text: 'mended' })
  })
})
