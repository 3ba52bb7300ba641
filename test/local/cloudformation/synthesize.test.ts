import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { synthesize } from '../../../local/cloudformation/synthesize.ts'

/** Runs an app that writes down its environment where it is told to write. */
async function environmentOf(
  config: object = {},
  cached: object = {},
  given: Record<string, string> = {},
): Promise<Record<string, string>> {
  const project = mkdtempSync(join(tmpdir(), 'synthesize-'))
  onTestFinished(() => {
    rmSync(project, { recursive: true })
  })
  writeFileSync(
    join(project, 'app.cjs'),
    "require('fs').writeFileSync(process.env.CDK_OUTDIR + '/environment.json', JSON.stringify(process.env))",
  )
  writeFileSync(join(project, 'cdk.json'), JSON.stringify({ app: 'node app.cjs', context: config }))
  writeFileSync(join(project, 'cdk.context.json'), JSON.stringify(cached))
  await synthesize({ project, output: relative(process.cwd(), project), context: given })
  return JSON.parse(readFileSync(join(project, 'environment.json'), 'utf8')) as Record<string, string>
}

async function contextOf(...args: Parameters<typeof environmentOf>): Promise<unknown> {
  return JSON.parse((await environmentOf(...args))['CDK_CONTEXT_JSON'] ?? '')
}

it('lets cdk.json win over cdk.context.json, and given context over both', async () => {
  const context = await contextOf({ b: 'own', c: 'own' }, { a: 'cached', b: 'cached' }, { c: 'given' })
  expect(context).toMatchObject({ a: 'cached', b: 'own', c: 'given' })
})

it('sets the context that the CDK CLI sets', async () => {
  expect(await contextOf({}, {}, {})).toEqual({
    'aws:cdk:enable-path-metadata': true,
    'aws:cdk:enable-asset-metadata': true,
    'aws:cdk:bundling-stacks': ['**'],
  })
})

it('leaves the validation of the templates to cdk synth, unless the environment asks for it', async () => {
  expect(await environmentOf()).toMatchObject({ CDK_VALIDATION: 'false' })
  vi.stubEnv('CDK_VALIDATION', 'true')
  onTestFinished(() => void vi.unstubAllEnvs())
  expect(await environmentOf()).toMatchObject({ CDK_VALIDATION: 'true' })
})
