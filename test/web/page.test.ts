import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type Page, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { synthesize } from '../../local/cloudformation/synthesize.ts'
import { PageServer } from '../../local/page.ts'
import { type RunningStack, startStack } from '../../local/stack.ts'

const CHROMIUM = '/usr/bin/chromium'
const PROJECT = join(import.meta.dirname, '../..')
const QUIET = ['--disable-quic', '--no-first-run', '--disable-background-networking']
const OFFLINE = ['--disable-component-update', '--disable-sync']

const launch = () =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', ...QUIET, ...OFFLINE],
  })

describe.skipIf(!existsSync(CHROMIUM))('the page in two tabs (needs /usr/bin/chromium)', () => {
  const assembly = mkdtempSync(join(tmpdir(), 'openline-page-'))
  let stack: RunningStack | undefined
  let browser: Browser | undefined
  const server = new PageServer(join(PROJECT, 'web'))
  let address = ''

  beforeAll(async () => {
    await synthesize({ project: PROJECT, output: assembly })
    stack = await startStack({ assembly })
    server.outputs = { apis: stack.apis }
    address = `http://localhost:${await server.listen(0)}`
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
    await server.close()
    await stack?.close()
    rmSync(assembly, { recursive: true, force: true })
  })

  async function openTab(): Promise<Page> {
    const tab = await browser?.newPage()
    if (tab === undefined) throw new Error('the browser did not start')
    onTestFinished(() => tab.close())
    await tab.goto(address)
    await tab.getByText('Live', { exact: true }).waitFor()
    return tab
  }

  it('shows a task in both tabs when it is added, ticked and deleted in one', async () => {
    const [one, two] = [await openTab(), await openTab()]
    await one.getByLabel('New task').fill('Ship <b>it</b>')
    await one.getByRole('button', { name: 'Add' }).click()
    const box = two.getByRole('checkbox', { name: 'Ship <b>it</b>' })
    await box.waitFor()
    await one.getByRole('checkbox', { name: 'Ship <b>it</b>' }).check()
    await two.locator('#tasks :checked').waitFor()
    await two.getByRole('button', { name: 'Delete Ship <b>it</b>' }).press('Enter')
    await one.getByText('Nothing to do.').waitFor()
    expect(await one.locator('#tasks li').count()).toBe(0)
    expect(await two.evaluate(() => document.activeElement?.id)).toBe('title')
  })

  it('carries a chat line to both tabs, once', async () => {
    const [one, two] = [await openTab(), await openTab()]
    await one.getByLabel('Message').fill('hello there')
    await one.getByLabel('Message').press('Enter')
    for (const tab of [one, two]) await tab.getByRole('log').getByText('hello there').waitFor()
    expect(await one.locator('#chat li').allTextContents()).toEqual(['youhello there'])
    expect(await two.locator('#chat li').count()).toBe(1)
  })
})

describe.skipIf(!existsSync(CHROMIUM))('the page whose stack is stopped and started again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'openline-page-'))
  const [assembly, data] = [join(folder, 'assembly'), join(folder, 'data')]
  let server = new PageServer(join(PROJECT, 'web'))
  let stack: RunningStack | undefined
  let browser: Browser | undefined
  let port = 0

  beforeAll(async () => {
    await synthesize({ project: PROJECT, output: assembly })
    browser = await launch()
  })
  afterAll(async () => {
    await browser?.close()
    await stop()
    rmSync(folder, { recursive: true, force: true })
  })

  async function serve() {
    server = new PageServer(join(PROJECT, 'web'))
    port = await server.listen(port)
  }
  async function start(kept?: string) {
    stack = await startStack({ assembly, ...(kept === undefined ? {} : { data: kept }) })
    server.outputs = { apis: stack.apis }
  }
  async function stop() {
    await stack?.close()
    await server.close()
  }
  async function newTab(): Promise<Page> {
    const tab = await browser?.newPage()
    if (tab === undefined) throw new Error('the browser did not start')
    onTestFinished(async () => {
      await tab.close()
      await stop()
    })
    return tab
  }
  async function call(method: string, path: string, body?: object): Promise<{ id: string }> {
    const rest = stack?.apis.find(({ protocol }) => protocol === 'HTTP')?.url ?? ''
    const response = await fetch(rest + path, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
    return (response.status === 204 ? {} : await response.json()) as { id: string }
  }

  it('says so, comes back by itself, and shows the tasks of the table as it is then', async () => {
    await serve()
    await start(data)
    const [, gone] = [
      await call('POST', '/tasks', { title: 'Keep it' }),
      await call('POST', '/tasks', { title: 'Drop it' }),
    ]
    const tab = await newTab()
    const status = (text: string) => tab.locator('#status').getByText(text, { exact: true }).waitFor()
    const shows = (...titles: string[]) =>
      expect.poll(() => tab.locator('#tasks span').allTextContents(), { timeout: 20_000 }).toEqual(titles)
    await tab.goto(`http://localhost:${port}`)
    await status('Live')
    await shows('Keep it', 'Drop it')

    await stop()
    await status('Not connected; trying again …')
    await tab.getByLabel('Message').fill('said meanwhile')
    await tab.getByLabel('Message').press('Enter')
    await serve()
    await start(data)
    await call('DELETE', `/tasks/${gone.id}`)
    await call('POST', '/tasks', { title: 'Added meanwhile' })
    await status('Live')
    await shows('Keep it', 'Added meanwhile')
    await tab.getByRole('log').getByText('said meanwhile').waitFor()

    await stop()
    await status('Not connected; trying again …')
    await serve()
    await start() // with empty tables
    await call('POST', '/tasks', { title: 'All new' })
    await status('Live')
    await shows('All new')
    expect(await tab.getByRole('alert').textContent()).toBe('')
  })

  it('says what it waits for while the stack starts, and no longer', async () => {
    await serve()
    const tab = await newTab()
    await tab.goto(`http://localhost:${port}`)
    await tab.getByRole('alert').getByText('the service is still starting; trying again').waitFor()
    await start()
    await tab.getByText('Live', { exact: true }).waitFor()
    await tab.getByText('Nothing to do.').waitFor()
    expect(await tab.getByRole('alert').textContent()).toBe('')
  })
})
