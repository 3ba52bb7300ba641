// How long from the command to the screen that says where everything is, for our own app: what `npm start` does, its
// synthesis included, after one start that warms the machine's file cache?
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median } from './support/statistics.ts'

const ROUNDS = 5
const PROJECT = join(import.meta.dirname, '..')

/** Milliseconds until the last line of the screen. */
async function start(): Promise<number> {
  const state = mkdtempSync(join(tmpdir(), 'openline-bench-'))
  const before = performance.now()
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'local/main.ts', PROJECT, '--web', 'web', '--port', '0', '--state', state],
    { cwd: PROJECT, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let printed = ''
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    printed += chunk.toString()
    if (printed.includes('Ctrl-C')) break
  }
  const ms = performance.now() - before
  child.kill('SIGTERM')
  if (child.exitCode === null) await once(child, 'exit')
  rmSync(state, { recursive: true, force: true })
  if (!printed.includes('Ctrl-C')) throw new Error(`the stack did not start:\n${printed}`)
  return ms
}

await start()
const times: number[] = []
for (let round = 0; round < ROUNDS; round++) times.push(await start())
const shown = [Math.min(...times), median(times), Math.max(...times)].map((ms) => (ms / 1000).toFixed(2))
console.log(`start of our own stack: ${shown[1]} s (${shown[0]} to ${shown[2]} s, ${ROUNDS} rounds)`)
