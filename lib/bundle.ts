import { mkdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Metafile, buildSync } from 'esbuild'

const ROOT = join(import.meta.dirname, '..')
/** Where bundles are written, a folder for each function. */
export const BUNDLES = join(ROOT, '.openline', 'bundles')

export interface Bundle {
  /** Folder to deploy: `index.mjs` and its source map. */
  readonly folder: string
  /** What went into the bundle, as esbuild reports it. */
  readonly metafile: Metafile
  /** Size of `index.mjs`, which is what a cold start loads. */
  readonly bytes: number
}

/**
 * Bundles one handler: minified ESM for Node 24. `module` before `main` halves what the SDK weighs, and functions need
 * only one of the SDK's ways to find credentials, so the others are left out.
 * @param entry path of the handler file, from the project's root: `lambda/connect.ts`
 * @throws esbuild's own error when the file does not build
 */
export function bundle(entry: string): Bundle {
  const folder = join(BUNDLES, basename(entry, '.ts'))
  mkdirSync(folder, { recursive: true })
  const outfile = join(folder, 'index.mjs')
  const { metafile } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    minify: true,
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    metafile: true,
    logLevel: 'error',
    alias: { '@aws-sdk/credential-provider-node': './lambda/aws/credentials.ts' },
    // What is left of CommonJS in the SDK asks for Node's own modules by require.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  })
  return { folder, metafile, bytes: statSync(outfile).size }
}
