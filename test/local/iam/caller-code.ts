import { join } from 'node:path'
import { build } from 'esbuild'

/** Bundles `caller.ts` as the code of a function, `index.handler`. @returns its folder */
export async function bundleCaller(folder: string): Promise<string> {
  const code = join(folder, 'code')
  await build({
    entryPoints: [join(import.meta.dirname, 'caller.ts')],
    outfile: join(code, 'index.js'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'silent',
  })
  return code
}
