// Runs the benchmarks named on the command line, one after another, or all of them.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const HERE = import.meta.dirname
const all = readdirSync(HERE)
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  .map((file) => file.replace(/\.ts$/, ''))
const chosen = process.argv.slice(2)
const unknown = chosen.find((name) => !all.includes(name))
if (unknown !== undefined) {
  process.stderr.write(`no benchmark "${unknown}"; expected ${all.join(', ')}\n`)
  process.exit(2)
}
for (const name of chosen.length > 0 ? chosen : all) {
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', join(HERE, `${name}.ts`)], {
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(status ?? 1)
}
