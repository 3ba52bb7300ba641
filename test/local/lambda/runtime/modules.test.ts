import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeFunction, makeFunctions } from '../fixture.ts'

describe('code of a function', () => {
  it.each([
    ['an absolute path of a layer', `require('/opt/nodejs/own')`],
    ['a package of a layer', `require('packaged')`],
  ])('requires %s', async (_name, expression) => {
    const { call } = makeLayered({ 'index.js': `exports.handler = async () => ${expression}.from` })
    expect(await call('Fn')).toEqual({ reply: 'layer' })
  })

  it('imports a package of a layer, and a later layer lies over an earlier one', async () => {
    const { call } = makeLayered({
      'index.mjs': `import packaged from 'packaged'; export const handler = async () => packaged.from`,
    })
    expect(await call('Fn')).toEqual({ reply: 'layer' })
  })

  it('does not see the modules of the project around it, as on AWS', async () => {
    const { call } = makeFunctions({
      files: {
        'node_modules/stray/index.js': 'module.exports = 1',
        'asset/index.js': `exports.handler = async () => require('stray')`,
      },
      root: 'asset',
      functions: { Fn: {} },
    })
    expect(await call('Fn')).toMatchObject({
      reply: { errorMessage: expect.stringContaining("Cannot find module 'stray'") as unknown },
    })
  })

  it.each([
    ['nodejs24.x', '@aws-sdk/client-lambda', 'LambdaClient'],
    ['nodejs16.x', 'aws-sdk', 'Lambda'],
  ])('requires the SDK that %s brings along', async (Runtime, name, exported) => {
    const { call } = makeFunctions({
      files: {
        'node_modules/aws-sdk/index.js': 'exports.Lambda = class {}',
        'asset/index.js': `const sdk = require('${name}'); exports.handler = async () => typeof sdk.${exported}`,
      },
      root: 'asset',
      functions: { Fn: { Runtime } },
    })
    expect(await call('Fn')).toEqual({ reply: 'function' })
  })

  it('imports the SDK that its runtime brings along', async () => {
    const { call } = makeFunction(
      `import { LambdaClient } from '@aws-sdk/client-lambda'; export const handler = async () => typeof LambdaClient`,
    )
    expect(await call('Fn')).toEqual({ reply: 'function' })
  })

  it('says what to install when the SDK is not on this machine', async () => {
    const { call } = makeFunction(`import '@aws-sdk/client-nope'; export const handler = async () => 1`)
    expect(await call('Fn')).toMatchObject({
      reply: {
        errorMessage: expect.stringContaining('npm install --save-dev @aws-sdk/client-nope') as unknown,
      },
    })
  })
})

/** A function with two layers, both of which have the module `nodejs/own`. */
function makeLayered(files: Readonly<Record<string, string>>) {
  const layer = (name: string, S3Key: string) => ({
    logicalId: name,
    type: 'AWS::Lambda::LayerVersion',
    stack: 'Test',
    path: `Test/${name}`,
    physicalId: `arn:layer:${name}:1`,
    arn: `arn:layer:${name}:1`,
    properties: { Content: { S3Bucket: 'assets', S3Key } },
  })
  return makeFunctions({
    files: {
      ...Object.fromEntries(Object.entries(files).map(([name, text]) => [join('asset', name), text])),
      'asset/layers/a/nodejs/own.js': `exports.from = 'hidden'`,
      'asset/layers/b/nodejs/own.js': `exports.from = 'layer'`,
      'asset/layers/a/nodejs/node_modules/packaged/index.js': `exports.from = 'layer'`,
    },
    root: 'asset',
    functions: { Fn: { Layers: ['arn:layer:A:1', 'arn:layer:B:1'] } },
    more: [layer('A', 'layers/a'), layer('B', 'layers/b')],
  })
}
