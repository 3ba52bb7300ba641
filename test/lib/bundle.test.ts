import { statSync, utimesSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bundle } from '../../lib/bundle.ts'

const DYNAMODB = ['client-dynamodb', 'lib-dynamodb']
const MANAGEMENT = 'client-apigatewaymanagementapi'

/** The AWS packages of a bundle that decide what it can do: clients, libraries and ways to find credentials. */
function packagesOf(entry: string): readonly string[] {
  const { metafile } = bundle(entry)
  const kept = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
  )
  const named = kept.map(([path]) => /@aws-sdk\/([^/]+)\//.exec(path)?.[1] ?? '')
  return [...new Set(named)].filter((name) => /^(client|lib|credential-provider)-/.test(name)).sort()
}

describe('bundle', () => {
  it.each([
    ['lambda/connect.ts', [...DYNAMODB, 'client-lambda']],
    ['lambda/welcome.ts', [...DYNAMODB, MANAGEMENT]],
    ['lambda/default.ts', [...DYNAMODB, MANAGEMENT]],
    ['lambda/disconnect.ts', DYNAMODB],
    ['lambda/tasks.ts', DYNAMODB],
    ['lambda/task-stream.ts', [...DYNAMODB, MANAGEMENT]],
    ['lambda/sweep.ts', [...DYNAMODB, MANAGEMENT]],
  ])('%s holds the clients that it uses and no others', (entry, clients) => {
    expect(packagesOf(entry)).toEqual([...clients, 'credential-provider-env'].sort())
  })

  it('writes to a folder named after the entry, and tells the size of the code', () => {
    const { folder, bytes, metafile } = bundle('lambda/disconnect.ts')
    expect(basename(folder)).toBe('disconnect')
    const code = Object.entries(metafile.outputs).find(([path]) => path.endsWith('index.mjs'))
    expect(code?.[1].bytes).toBe(bytes)
  })

  it('is made again when what it was made from or the bundle itself has changed, and not before', () => {
    const { folder, bytes } = bundle('lambda/sweep.ts')
    const file = join(folder, 'index.mjs')
    const madeAt = () => statSync(file).mtimeMs
    const first = madeAt()
    expect(bundle('lambda/sweep.ts').bytes).toBe(bytes)
    expect(madeAt()).toBe(first)
    utimesSync(file, 1, 1)
    bundle('lambda/sweep.ts')
    expect(madeAt()).toBeGreaterThan(1000)
  })

  it('throws for a file that is not there', () => {
    expect(() => bundle('lambda/nowhere.ts')).toThrow('nowhere.ts')
  })
})
