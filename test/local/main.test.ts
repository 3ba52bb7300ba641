import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { USAGE } from '../../local/usage.ts'
import { synthesizeOpenline } from '../support/openline.ts'

const PROJECT = join(import.meta.dirname, '../..')
const PATIENCE = { timeout: 20_000, interval: 20 }

let app: Awaited<ReturnType<typeof synthesizeOpenline>>
beforeAll(async () => void (app = await synthesizeOpenline()))
afterAll(() => app.remove())

function start(...args: string[]) {
  const state = mkdtempSync(join(tmpdir(), 'local-state-'))
  const child = spawn(process.execPath, ['--import', 'tsx', 'local/main.ts', '--state', state, ...args], {
    cwd: PROJECT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const printed = { out: '', error: '' }
  child.stdout.on('data', (chunk: Buffer) => (printed.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (printed.error += chunk.toString()))
  const exit = new Promise<number | null>((resolve) => child.on('close', resolve))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exit
    rmSync(state, { recursive: true, force: true })
  })
  const outputsFile = join(state, 'outputs.json')
  const ready = () =>
    vi.waitFor(() => JSON.parse(readFileSync(outputsFile, 'utf8')) as Record<string, unknown>, PATIENCE)
  return { child, printed, exit, outputsFile, ready }
}

/** Processes below one, as the kernel lists them. */
function descendants(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => parentOf(candidate) === pid)
  return [...children, ...children.flatMap(descendants)]
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')[1],
    )
  } catch {
    return undefined // it has just ended
  }
}

const pidOf = (child: ChildProcess) => child.pid ?? 0

describe('the command line', () => {
  it.each([
    [['--nope'], /Unknown option '--nope'/],
    [['--port', 'abc'], /--port is "abc"; expected a number from 0 .* to 65535/],
    [['--port', '70000'], /--port is "70000"/],
    [['--iam', 'maybe'], /--iam is "maybe"; expected on or off/],
    [['--context', 'x'], /--context is "x"; expected key=value/],
    [['a', 'b'], /unexpected argument "b"; expected one folder/],
  ])('exits with 2 for %j and says why', async (args, message) => {
    const { exit, printed } = start(...args)
    expect(await exit).toBe(2)
    expect(printed.error).toMatch(message)
  })

  it('helps from any folder when it is started by its bin', () => {
    const bin = join(PROJECT, 'local/cli.mjs')
    expect(execFileSync(process.execPath, [bin, '--help'], { cwd: tmpdir(), encoding: 'utf8' })).toBe(USAGE)
  })

  it('exits with 1 for a folder that is no app, and says what was expected', async () => {
    const { exit, printed } = start(tmpdir(), '--port', '0')
    expect(await exit).toBe(1)
    expect(printed.error).toMatch(
      /has neither a manifest.json nor a cdk.json; expected a cdk.out or a CDK project/,
    )
  })

  it('exits with 1 when a port is taken, naming the port and the flag', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const { exit, printed } = start(app.assembly, '--port', String(port))
    expect(await exit).toBe(1)
    expect(printed.error).toMatch(`port ${port} is taken (the page); choose another first port with --port`)
  })

  it('writes outputs.json when ready, and ends with 0 and without it on SIGTERM', async () => {
    const { child, exit, ready, outputsFile, printed } = start(app.assembly, '--port', '0')
    expect(await ready()).toMatchObject({
      page: expect.stringMatching(/^http:\/\/localhost:\d+$/) as string,
      apis: [
        {
          protocol: 'WEBSOCKET',
          stage: 'dev',
          url: expect.stringMatching(/^ws:\/\/localhost:\d+\/dev$/) as string,
        },
        {
          protocol: 'HTTP',
          stage: '$default',
          url: expect.stringMatching(/^http:\/\/localhost:\d+$/) as string,
        },
      ],
      dynamodb: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
      outputs: {
        TryEcho: expect.stringMatching(/^npx wscat -c 'ws:\/\/localhost:\d+\/dev\?channel=echo'$/) as string,
      },
    })
    await vi.waitFor(() => expect(printed.out).toMatch(/Ctrl-C stops everything/), PATIENCE)
    expect(printed.out).toMatch(/access is open/)
    expect(printed.out).toMatch(
      /outputs +\S+outputs\.json: addresses and names, and the keys to sign calls with\n/,
    )
    child.kill('SIGTERM')
    expect(await exit).toBe(0)
    expect(existsSync(outputsFile)).toBe(false)
  })

  it('says on the screen that nothing is checked, and answers calls that nobody signed', async () => {
    const { ready, printed } = start(app.assembly, '--port', '0', '--iam', 'off')
    const { apis } = (await ready()) as { apis: { callbackUrl: string }[] }
    expect((await fetch(`${apis[0]?.callbackUrl ?? ''}/@connections/L0SM9cOFvHcCIhw%3D`)).status).toBe(410)
    await vi.waitFor(() => expect(printed.out).toMatch(/iam +off: nobody needs a signature/), PATIENCE)
  })

  it.skipIf(process.platform !== 'linux')('leaves no process behind after kill -9', async () => {
    const { child, exit, ready } = start(app.assembly, '--port', '0')
    await ready()
    const left = descendants(pidOf(child))
    expect(left.length).toBeGreaterThan(0)
    child.kill('SIGKILL')
    await exit
    await vi.waitFor(() => expect(left.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]), PATIENCE)
  })
})
