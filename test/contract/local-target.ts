import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib'
import { DEVELOPER } from '../../local/iam/credentials.ts'
import { startStack } from '../../local/stack.ts'
import { ContractStack, type Urls } from './app/stack.ts'
import { askForUrls } from './line.ts'
import { Target } from './target.ts'

/** The contract app on the local stack, from the very assembly that is deployed. */
export async function startLocalTarget(): Promise<{ target: Target; stop: () => Promise<void> }> {
  const outdir = mkdtempSync(join(tmpdir(), 'openline-contract-'))
  const app = new App({ outdir })
  new ContractStack(app, 'OpenlineContract')
  const { directory } = app.synth()
  const stack = await startStack({ assembly: directory })
  const url = stack.outputs['Url'] ?? ''
  const urls = await askForUrls(url)
  const here = (api: keyof Urls) => stack.toLocal(urls[api])
  const target = new Target({
    urls: {
      probe: here('probe'),
      composed: here('composed'),
      guarded: here('guarded'),
      hasty: here('hasty'),
      http: here('http'),
    },
    callbackUrl: url.replace(/^ws/, 'http'),
    region: stack.deployment.environment.region,
    credentials: DEVELOPER,
  })
  return {
    target,
    stop: async () => {
      target.close()
      await stack.close()
      rmSync(outdir, { recursive: true, force: true })
    },
  }
}
