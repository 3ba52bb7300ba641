import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { synthesize } from '../../../local/cloudformation/synthesize.ts'

/** Runs an app that writes down its context where it is told to write. */
async function contextOf(config: object, cached: object, given: Record<string, string>): Promise<unknown> {
  const project = mkdtempSync(join(tmpdir(), 'synthesize-'))
  onTestFinished(() => {
    rmSync(project, { recursive: true })
  })
  writeFileSync(
    join(project, 'app.cjs'),
    "require('fs').writeFileSync(process.env.CDK_OUTDIR + '/context.json', process.env.CDK_CONTEXT_JSON)",
  )
  writeFileSync(join(project, 'cdk.json'), JSON.stringify({ app: 'node app.cjs', context: config }))
  writeFileSync(join(project, 'cdk.context.json'), JSON.stringify(cached))
  await synthesize({ project, output: relative(process.cwd(), project), context: given })
  return JSON.parse(readFileSync(join(project, 'context.json'), 'utf8'))
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
