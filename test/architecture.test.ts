import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..')

interface Rule {
  readonly files: RegExp
  /** Files of ours that they may import, their own folder included. */
  readonly ours: RegExp
  /** Files of ours that they may import types from. */
  readonly types?: RegExp
  readonly packages: RegExp
}

const ANY = /^/
const NONE = /$^/

/** The first rule that fits a file holds. */
const RULES: readonly Rule[] = [
  { files: /^protocol\//, ours: /^protocol\//, packages: NONE },
  { files: /^lambda\/core\//, ours: /^(lambda\/core|protocol)\//, packages: NONE },
  {
    files: /^lambda\/aws\//,
    ours: /^(lambda\/aws\/|lambda\/core\/ports\.ts$|lambda\/env\.ts$|protocol\/)/,
    types: /^lambda\/core\//,
    packages: /^(@aws-sdk\/|aws-lambda$|node:)/,
  },
  { files: /^lambda\/env\.ts$/, ours: NONE, packages: NONE },
  { files: /^lambda\//, ours: /^(lambda|protocol)\//, packages: /^(aws-lambda$|node:)/ },
  { files: /^lib\//, ours: /^(lib\/|lambda\/env\.ts$)/, packages: ANY },
  { files: /^bin\//, ours: /^lib\//, packages: ANY },
  { files: /^local\//, ours: /^local\//, packages: ANY },
  { files: /^client\/react\.ts$/, ours: /^(client|protocol)\//, packages: /^react$/ },
  { files: /^client\//, ours: /^(client|protocol)\//, packages: NONE },
  { files: /^web\//, ours: /^(web|client|protocol)\//, packages: NONE },
  { files: /^bench\//, ours: /^(bench|client|local|protocol)\//, packages: ANY },
]

const FOLDERS = ['protocol', 'lambda', 'lib', 'bin', 'local', 'client', 'web', 'bench']
const files = FOLDERS.filter((folder) => existsSync(join(ROOT, folder))).flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name).replaceAll('\\', '/')),
)

const FROM =
  /^(?:import|export)\s+(type\s+)?(?:[\w*$]+(?:\s+as\s+\w+)?\s*,?\s*)?(?:\{[^}]*\}\s*)?from\s*'([^']+)'/gm
const BARE = /^import\s+()'([^']+)'|\bimport\(()'([^']+)'/gm

function importsOf(file: string, source: string) {
  return [...source.matchAll(FROM), ...source.matchAll(BARE)].map((match) => {
    const name = match[2] ?? match[4] ?? ''
    const own = name.startsWith('.')
    return {
      name: own ? join(dirname(file), name).replaceAll('\\', '/') : name,
      own,
      type: Boolean(match[1]),
    }
  })
}

function forbidden(file: string, source: string): string[] {
  const rule = RULES.find(({ files: fits }) => fits.test(file))
  if (!rule) return [`no rule for ${file}`]
  return importsOf(file, source)
    .filter(({ name, own, type }) =>
      own ? !rule.ours.test(name) && !(type && rule.types?.test(name)) : !rule.packages.test(name),
    )
    .map(({ name }) => name)
}

describe('who imports whom', () => {
  it.each(files)('%s keeps to its folder’s row', (file) => {
    expect(forbidden(file, readFileSync(join(ROOT, file), 'utf8'))).toEqual([])
  })

  it.each([
    ['protocol/ids.ts', "import { join } from 'node:path'"],
    ['lambda/core/deliver.ts', "import {\n  a,\n  b,\n} from '../aws/sender.ts'"],
    ['lambda/core/deliver.ts', "import type { A } from '@aws-sdk/lib-dynamodb'"],
    ['lambda/aws/sender.ts', "import { deliver } from '../core/deliver.ts'"],
    ['lambda/env.ts', "export * from './core/ports.ts'"],
    ['lib/stack.ts', "import '../lambda/connect.ts'"],
    ['local/stack.ts', "import type { Task } from '../protocol/messages.ts'"],
    ['web/app.ts', "const a = await import('../lambda/env.ts')"],
    ['bin/openline.ts', "import * as fakes from '../test/support/fakes.ts'"],
  ])('would notice in %s: %s', (file, source) => {
    expect(forbidden(file, source)).toHaveLength(1)
  })
})
