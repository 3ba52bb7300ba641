import { join } from 'node:path'
import { App } from 'aws-cdk-lib'

/** Folder of the handlers that the apps share: one asset, not bundled. */
export const FUNCTIONS = join(import.meta.dirname, 'functions')

/** An app as the CDK CLI would have it: constructs say their path in the template. */
export const newApp = (outdir: string) =>
  new App({ outdir, context: { 'aws:cdk:enable-path-metadata': true } })
