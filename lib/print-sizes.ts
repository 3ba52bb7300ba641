// Prints each function's bundle as `npm run synth` leaves it: what a cold start loads, and what it would be zipped.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { BUNDLES } from './bundle.ts'

const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`.padStart(10)

console.log(`${'function'.padEnd(12)}${'minified'.padStart(10)}${'gzipped'.padStart(10)}`)
for (const name of readdirSync(BUNDLES).sort()) {
  const code = readFileSync(join(BUNDLES, name, 'index.mjs'))
  console.log(`${name.padEnd(12)}${kilobytes(code.length)}${kilobytes(gzipSync(code).length)}`)
}
