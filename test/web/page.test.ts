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
    const args = ['--no-sandbox', '--disable-gpu', ...QUIET, ...OFFLINE]
    browser = await chromium.launch({ executablePath: CHROMIUM, args })
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
