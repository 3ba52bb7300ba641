import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { describe, expect, it, onTestFinished } from 'vitest'
import { outputText, readableStack } from '../../../local/lambda/output.ts'
import { makeFunctions } from './fixture.ts'

const said = {
  functionName: 'Fn',
  requestId: '3f2a91c4-0000-4000-8000-000000000000',
  elapsedMs: 12.4,
  level: 'INFO',
  text: 'hello',
}

describe('what a function says, on the screen', () => {
  it.each([
    [said, 'Fn: 3f2a91c4 +12 ms  hello\n'],
    [{ ...said, level: 'WARN' }, 'Fn: 3f2a91c4 +12 ms  WARN hello\n'],
    [{ ...said, text: 'two\nlines' }, 'Fn: 3f2a91c4 +12 ms  two\n  lines\n'],
    [{ ...said, requestId: undefined, elapsedMs: undefined }, 'Fn: hello\n'],
  ])('%j reads %j', (output, text) => {
    expect(outputText(output)).toBe(text)
  })

  it('shows a stack with the files as they are called from here, and nothing of the runtime', () => {
    const stack = [
      'Error: boom',
      '    at handler (/home/me/app/src/echo.ts:3:9)',
      '    at file:///home/me/app/cdk.out/asset.1/index.mjs:7:3',
      '    at call ([worker eval]:12:3)',
      '    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)',
    ].join('\n')
    expect(readableStack(stack, '/home/me/app')).toBe(
      ['Error: boom', '    at handler (src/echo.ts:3:9)', '    at cdk.out/asset.1/index.mjs:7:3'].join('\n'),
    )
  })

  it('shows an exception where the developer wrote it, with request id and duration', async () => {
    const source = mkdtempSync(join(tmpdir(), 'source-'))
    onTestFinished(() => rmSync(source, { recursive: true }))
    const file = join(source, 'src/echo.ts')
    mkdirSync(join(source, 'src'))
    writeFileSync(
      file,
      `interface Event {\n  n: number\n}\nexport const handler = async (event: Event) => {\n  throw new Error('boom')\n}\n`,
    )
    const { outputFiles } = await build({
      entryPoints: [file],
      outfile: join(source, 'out/index.js'),
      bundle: true,
      format: 'cjs',
      platform: 'node',
      sourcemap: 'inline',
      minify: true,
      write: false,
    })
    const { call, lines } = makeFunctions({
      files: { 'index.js': outputFiles[0]?.text ?? '' },
      functions: { Fn: {} },
    })
    await call('Fn')
    const { text = '' } = lines.find(({ level }) => level === 'error') ?? {}
    expect(text).toMatch(/^[\da-f]{8} \+\d+ ms {2}.*Error: boom/s)
    expect(text).toMatch(/src\/echo\.ts:5:9/)
    expect(text).not.toContain('[worker eval]')
  })
})
