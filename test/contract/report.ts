// Prints fact by fact what is expected and what is observed: of a deployed contract app when OPENLINE_CONTRACT_URL names
// one, else of the local stack. Exits with 1 when they differ anywhere.
import { deployedUrl, openDeployedTarget } from './deployed-target.ts'
import { FACTS } from './facts/index.ts'
import { startLocalTarget } from './local-target.ts'

const isDeployed = deployedUrl() !== undefined
const { target, stop } = await (isDeployed ? openDeployedTarget() : startLocalTarget())
let differences = 0
process.stdout.write(`# ${deployedUrl() ?? 'The local stack'}\n`)
for (const [subject, facts] of Object.entries(FACTS)) {
  process.stdout.write(`\n## ${subject}\n\n| | fact | known | expected | observed |\n| - | - | - | - | - |\n`)
  for (const { fact, source, expected, observe } of facts) {
    const observed = await observe(target).catch((error: unknown) => `failed: ${String(error)}`)
    const [wanted, seen] = [expected, observed].map((value) => JSON.stringify(value))
    if (wanted !== seen) differences++
    const row = [wanted === seen ? '✓' : '✗', fact, source, wanted, seen]
    process.stdout.write(`| ${row.map((cell) => (cell ?? '').replaceAll('|', '\\|')).join(' | ')} |\n`)
  }
}
await stop()
process.stdout.write(`\n${differences === 0 ? 'No difference.' : `${differences} differ.`}\n`)
process.exit(differences === 0 ? 0 : 1)
