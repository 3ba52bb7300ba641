import { existsSync, readFileSync } from 'node:fs'
import { join, resolve as absolute } from 'node:path'
import { type AppCommand, AppProcess } from './app-process.ts'

export interface SynthesizeOptions {
  /** A CDK project: the folder of its `cdk.json`. */
  readonly project: string
  /** Where the assembly goes. */
  readonly output: string
  /** Context that overrides the project's own, as `cdk -c key=value` does. */
  readonly context?: Readonly<Record<string, string>>
}

/** What the CDK CLI adds to every app's context. */
const SET_BY_CLI = {
  'aws:cdk:enable-path-metadata': true,
  'aws:cdk:enable-asset-metadata': true,
  'aws:cdk:bundling-stacks': ['**'],
}

/**
 * CDK's check of the finished templates takes longer than all the rest and changes nothing in them; `cdk synth` and
 * `cdk deploy` still make it. README of aws-cdk-lib, "Template and Policy Validation".
 */
const WITHOUT_VALIDATION = { CDK_VALIDATION: 'false' }

/**
 * Runs a CDK app as the CDK CLI does, without the CLI: the command in `cdk.json`, told by environment variables where
 * to write and what the context is.
 * @throws when there is no app, or it fails: with everything that it printed
 */
export async function synthesize(options: SynthesizeOptions): Promise<void> {
  await new AppProcess(appCommand(options)).finish()
}

/** @throws when the project has no `cdk.json` that names an app */
export function appCommand({ project, output, context = {} }: SynthesizeOptions): AppCommand {
  const { app, context: own = {} } = readConfig(project)
  const cached = join(project, 'cdk.context.json')
  const all = {
    ...SET_BY_CLI,
    ...(existsSync(cached) ? (readJson(cached) as object) : {}),
    ...own,
    ...context,
  }
  const env = {
    ...WITHOUT_VALIDATION,
    ...process.env,
    CDK_OUTDIR: absolute(output),
    CDK_CONTEXT_JSON: JSON.stringify(all),
  }
  return { app, project, env }
}

/** Where the CDK CLI writes the project's assembly: files that come and go there are no sources. */
export function outputOf(project: string): string {
  return join(project, readConfig(project).output ?? 'cdk.out')
}

interface Config {
  readonly app: string
  readonly output?: string
  readonly context?: Readonly<Record<string, unknown>>
}

function readConfig(project: string): Config {
  const file = join(project, 'cdk.json')
  if (!existsSync(file))
    throw new Error(
      `"${project}" has neither a manifest.json nor a cdk.json; expected a cdk.out or a CDK project`,
    )
  const config = readJson(file) as Partial<Config>
  if (typeof config.app !== 'string')
    throw new Error(`"${file}" has no "app"; expected the command that runs the CDK app`)
  return { ...config, app: config.app }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new Error(`"${file}" can not be read as JSON`, { cause })
  }
}
