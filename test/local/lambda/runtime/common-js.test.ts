import { describe, expect, it } from 'vitest'
import { makeFunctions } from '../fixture.ts'

const project = { 'package.json': '{ "type": "module" }' }

describe('a function in a project of ES modules', () => {
  it('is CommonJS when it has no package.json of its own, with all that it requires', async () => {
    const { call } = makeFunctions({
      files: {
        ...project,
        'cdk.out/asset/index.js': `const { name } = require('./lib/name'); exports.handler = async () => name`,
        'cdk.out/asset/lib/name.js': `exports.name = typeof this`,
      },
      root: 'cdk.out/asset',
      functions: { Fn: {} },
    })
    expect(await call('Fn')).toEqual({ reply: 'object' })
  })

  it('is what the package.json between it and the root says', async () => {
    const { call } = makeFunctions({
      files: {
        ...project,
        'asset/index.js': 'const kind = typeof this; export const handler = async () => kind',
        'asset/package.json': '{ "type": "module" }',
      },
      root: 'asset',
      functions: { Fn: {} },
    })
    expect(await call('Fn')).toEqual({ reply: 'undefined' })
  })
})
