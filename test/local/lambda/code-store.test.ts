import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CodeStore } from '../../../local/lambda/code-store.ts'
import { makeFunction, resource } from './fixture.ts'

function store(content: Uint8Array) {
  const folder = mkdtempSync(join(tmpdir(), 'code-store-'))
  const file = join(folder, 'code.zip')
  writeFileSync(file, content)
  const made = new CodeStore([], () => file)
  onTestFinished(() => {
    made.remove()
    rmSync(folder, { recursive: true })
  })
  return made
}

const fn = (Code: Record<string, unknown> = { S3Bucket: 'assets', S3Key: 'x.zip' }) =>
  resource('AWS::Lambda::Function', 'Fn', { Code })

describe('the code of a function', () => {
  it('is unpacked from an archive once, and removed with the store', () => {
    const code = store(zipSync({ 'index.js': strToU8('one'), lib: { 'a.js': strToU8('two') } }))
    const folder = code.codeFolder(fn())
    expect(readFileSync(join(folder, 'lib/a.js'), 'utf8')).toBe('two')
    expect(code.codeFolder(fn())).toBe(folder)
    code.remove()
    expect(existsSync(folder)).toBe(false)
  })

  it.each([
    [
      'an entry that would lie outside',
      zipSync({ '../out.js': strToU8('') }),
      /would lie outside of the code/,
    ],
    ['no archive at all', strToU8('hello'), /is no zip archive/],
  ])('is refused with %s', (_name, content, message) => {
    expect(() => store(content).codeFolder(fn())).toThrow(message)
  })

  it('is refused as a container image', () => {
    expect(() => store(zipSync({})).codeFolder(fn({ ImageUri: 'x' }))).toThrow(
      /container images are not emulated/,
    )
  })

  it('may be written into the template', async () => {
    const { call } = makeFunction('', { Code: { ZipFile: `exports.handler = async () => 'inline'` } })
    expect(await call('Fn')).toEqual({ reply: 'inline' })
  })
})
