import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'

const MAX_BYTES = 6_000

async function gzipped(source: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  })
  return gzipSync(outputFiles[0]?.contents ?? '').length
}

describe('the client as a package', () => {
  it(`takes less than ${MAX_BYTES} bytes gzipped, all of it`, async () => {
    expect(await gzipped("export * from '../../client/index.ts'")).toBeLessThan(MAX_BYTES)
  })

  it('leaves out what is not used', async () => {
    const whole = await gzipped("export * from '../../client/index.ts'")
    const connect = await gzipped("export { connect } from '../../client/index.ts'")
    const backoff = await gzipped("export { delayMs } from '../../client/index.ts'")
    expect(connect).toBeLessThan(whole - 500)
    expect(backoff).toBeLessThan(200)
  })
})
