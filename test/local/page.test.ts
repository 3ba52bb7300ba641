import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { PageServer } from '../../local/page.ts'

async function serve(reloads: boolean) {
  const folder = mkdtempSync(join(tmpdir(), 'page-'))
  writeFileSync(join(folder, 'index.html'), '<p>hello</p>\n')
  writeFileSync(join(folder, 'app.ts'), `import { text } from './text.ts'\nconsole.log(text as string)`)
  writeFileSync(join(folder, 'text.ts'), `export const text = 'hello'`)
  const server = new PageServer(folder, reloads)
  onTestFinished(async () => {
    await server.close()
    rmSync(folder, { recursive: true })
  })
  const url = `http://localhost:${await server.listen(0)}`
  const get = async (path: string) => (await fetch(url + path)).text()
  return { folder, server, url, get }
}

it('has an open page load again when a file changes that it was made of', async () => {
  const { folder, server, url, get } = await serve(true)
  expect(await get('/')).toMatch(/<p>hello<\/p>\n<script type="module">[\s\S]*EventSource\('\/reload'\)/)
  expect(await get('/app.js')).toContain('hello')
  const events = (await fetch(`${url}/reload`)).body?.getReader()
  server.changed([join(folder, 'other.ts')])
  server.changed([join(folder, 'text.ts')])
  expect(Buffer.from((await events?.read())?.value ?? []).toString()).toBe('data: changed\n\n')
})

it('serves pages as they are when nothing is watched', async () => {
  const { get } = await serve(false)
  expect(await get('/')).toBe('<p>hello</p>\n')
  expect(await get('/reload')).toBe('not found\n')
})
