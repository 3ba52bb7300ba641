import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { type Metafile, buildSync } from 'esbuild'

const ROOT = join(import.meta.dirname, '..')
/** Where bundles are written, a folder for each function. */
export const BUNDLES = join(ROOT, '.openline', 'bundles')
/** Where it is written down what they were made from: beside the bundles it would be deployed with them. */
const MADE = join(ROOT, '.openline', 'bundled')

export interface Bundle {
  /** Folder to deploy: `index.mjs` and its source map. */
  readonly folder: string
  /** What went into the bundle, as esbuild reports it. */
  readonly metafile: Metafile
  /** Size of `index.mjs`, which is what a cold start loads. */
  readonly bytes: number
}

/** What every bundle is made by, beside its own sources. */
const MADE_BY = ['lib/bundle.ts', 'package.json', 'tsconfig.json']

/** What a bundle was made from: for as long as none of that changes, it is not made again. */
interface Made {
  readonly metafile: Metafile
  readonly stamps: Readonly<Record<string, string>>
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
  mkdirSync(MADE, { recursive: true })
  const outfile = join(folder, 'index.mjs')
  const madeFile = join(MADE, `${basename(entry, '.ts')}.json`)
  const made = readMade(madeFile, outfile)
  if (made) return { folder, metafile: made.metafile, bytes: statSync(outfile).size }
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
  writeFileSync(madeFile, JSON.stringify({ metafile, stamps: stampsOf(metafile, outfile) } satisfies Made))
  return { folder, metafile, bytes: statSync(outfile).size }
}

function readMade(madeFile: string, outfile: string): Made | undefined {
  let made: Made
  try {
    made = JSON.parse(readFileSync(madeFile, 'utf8')) as Made
  } catch {
    return undefined // not made yet, or by half
  }
  const stamps = stampsOf(made.metafile, outfile)
  return Object.entries(stamps).every(([file, stamp]) => stamp === made.stamps[file]) ? made : undefined
}

/** When each file was written and how long it is. */
function stampsOf({ inputs }: Metafile, outfile: string): Record<string, string> {
  return Object.fromEntries(
    [...MADE_BY, ...Object.keys(inputs), outfile].map((file) => {
      const stats = statSync(resolve(ROOT, file), { throwIfNoEntry: false })
      return [file, `${stats?.mtimeMs ?? 'gone'} ${stats?.size ?? ''}`]
    }),
  )
}
