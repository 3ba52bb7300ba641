import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Clock, systemClock } from '../../../local/clock.ts'
import { startEngine } from '../../../local/dynamodb/engine.ts'
import { silentLog } from '../../../local/log.ts'

const REAL = join(
  dirname(
    createRequire(import.meta.url).resolve(`@dynoxide/${process.platform}-${process.arch}/package.json`),
  ),
  'dynoxide',
)

/** A binary that notes the process id of each start, does what is asked, and becomes the engine. */
function binary(before = '') {
  const folder = mkdtempSync(join(tmpdir(), 'engine-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'dynoxide')
  const notes = join(folder, 'starts')
  writeFileSync(notes, '')
  writeFileSync(path, `#!/bin/sh\necho $$ >> ${notes}\n${before}\nexec ${REAL} "$@"\n`, { mode: 0o755 })
  const starts = () => readFileSync(notes, 'utf8').split('\n').filter(Boolean).map(Number)
  return { path, notes, starts }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false // ESRCH
  }
}

/** A clock on which everything falls due at once. */
const hasty: Clock = {
  now: () => systemClock.now(),
  after: (_ms, callback) => systemClock.after(0, callback),
}

describe.skipIf(process.platform === 'win32')('startEngine', () => {
  it('keeps the engine out of the process group that Ctrl-C ends', async () => {
    const { path, starts } = binary()
    const engine = await startEngine({ log: silentLog, clock: hasty, env: { DYNOXIDE_BIN: path } })
    onTestFinished(() => engine.stop())
    const group = (pid: number) =>
      execFileSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    expect(group(starts()[0] ?? 0)).not.toBe(group(process.pid))
  })

  it('leaves no engine when its owner is killed', async () => {
    const { path, starts } = binary()
    const script = `
      import { systemClock } from './local/clock.ts'
      import { startEngine } from './local/dynamodb/engine.ts'
      const log = { info() {}, warn() {}, error() {} }
      await startEngine({ log, clock: systemClock, env: { DYNOXIDE_BIN: ${JSON.stringify(path)} } })
      console.log('started')
      setInterval(() => undefined, 1000)`
    const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void owner.kill('SIGKILL'))
    await once(owner.stdout, 'data')
    const [pid = 0] = starts()
    expect(isAlive(pid)).toBe(true)
    owner.kill('SIGKILL')
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 4000, interval: 5 })
  })

  it('leaves no engine when it is stopped while the engine starts again', async () => {
    const { path, starts } = binary()
    let died: () => void = () => undefined
    const death = new Promise<void>((resolve) => (died = resolve))
    const log = { ...silentLog, error: () => died() }
    const engine = await startEngine({ log, clock: systemClock, env: { DYNOXIDE_BIN: path } })
    process.kill(starts()[0] ?? 0, 'SIGKILL')
    await death
    const other = binary()
    await engine.stop()
    for (let i = 0; i < 20; i++) {
      // Some lives of another engine are time enough for this one to come back, if it does.
      const later = await startEngine({ log: silentLog, clock: hasty, env: { DYNOXIDE_BIN: other.path } })
      await later.stop()
    }
    expect(starts().filter(isAlive)).toEqual([])
  })

  it('gives up after five starts that fail', async () => {
    const { path, starts, notes } = binary()
    writeFileSync(
      path,
      `#!/bin/sh\n[ -s ${notes} ] && { echo $$ >> ${notes}; exit 1; }\necho $$ >> ${notes}\nexec ${REAL} "$@"\n`,
    )
    let told: (text: string) => void = () => undefined
    const givenUp = new Promise<string>((resolve) => (told = resolve))
    const log = {
      ...silentLog,
      error: (_: string, text: string) => {
        if (text.includes('gave up')) told(text)
      },
    }
    const engine = await startEngine({ log, clock: hasty, env: { DYNOXIDE_BIN: path } })
    onTestFinished(() => engine.stop())
    process.kill(starts()[0] ?? 0, 'SIGKILL')
    expect(await givenUp).toContain('restart the stack')
    expect(starts().length).toBe(6)
  })

  it('says which engine it is, and what ends it', async () => {
    const lines: string[] = []
    const log = { ...silentLog, info: (_: string, text: string) => void lines.push(text) }
    const engine = await startEngine({ log, clock: hasty, env: { DYNOXIDE_BIN: REAL } })
    await engine.stop()
    expect(lines).toEqual([
      expect.stringMatching(/^the engine is dynoxide 1\.2\.\d+$/),
      expect.stringContaining('can crash on non-ASCII characters in expressions'),
    ])
  })

  it.each(['DYNAMODB_ENDPOINT', 'AWS_ENDPOINT_URL_DYNAMODB'])(
    'names %s when it is of no use',
    async (name) => {
      const start = async (endpoint: string) =>
        startEngine({ log: silentLog, clock: hasty, env: { [name]: endpoint } })
      for (const malformed of ['127.0.0.1:8000', 'localhost:8000', 'no URL', 'ftp://127.0.0.1'])
        await expect(start(malformed)).rejects.toThrow(`${name} is "${malformed}", which is no http URL`)
      const dead = 'http://127.0.0.1:1'
      await expect(start(dead)).rejects.toThrow(`${name} is "${dead}", where no DynamoDB answers`)
    },
  )

  it('refuses an endpoint where something else answers', async () => {
    const server = createServer((_, response) => response.end('<html>')).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const env = { DYNAMODB_ENDPOINT: `http://127.0.0.1:${port}` }
    await expect(startEngine({ log: silentLog, clock: hasty, env })).rejects.toThrow(
      /^DYNAMODB_ENDPOINT is .* no DynamoDB answers/,
    )
  })

  it('refuses a DYNOXIDE_BIN that is not there, by its name', async () => {
    const env = { DYNOXIDE_BIN: '/nowhere/dynoxide' }
    await expect(startEngine({ log: silentLog, clock: hasty, env })).rejects.toThrow(
      'DYNOXIDE_BIN is "/nowhere/dynoxide", where there is no file',
    )
  })
})
